import { AccessStatement } from "../access";

/** What turns a right to look into a right to know secrets. */
export const READ_SECRETS = ["kms:GetSecretValue", "kms:Decrypt"];

/**
 * What the provider calls to refresh a gateway's resources. Where a service's `Describe*` or `Get*` would also give out data
 * (a console of an instance, the keys of a VPN, the request log, a queue's messages), its actions are named one by one.
 */
const READ_ACTIONS = [
  "alb:Get*",
  "alb:List*",
  "ecs:DescribeDisks",
  "ecs:DescribeImages",
  "ecs:DescribeInstanceAttribute",
  "ecs:DescribeInstanceAutoRenewAttribute",
  "ecs:DescribeInstanceMaintenanceAttributes",
  "ecs:DescribeInstanceRamRole",
  "ecs:DescribeInstances",
  "ecs:DescribeLaunchTemplateVersions",
  "ecs:DescribeLaunchTemplates",
  "ecs:DescribeNetworkInterfaces",
  "ecs:DescribeSecurityGroupAttribute",
  "ecs:DescribeSecurityGroups",
  "ecs:DescribeTags",
  "ecs:DescribeUserData",
  "ecs:ListTagResources",
  "ess:Describe*",
  "ess:ListTagResources",
  "eventbridge:Get*",
  "eventbridge:List*",
  "kms:DescribeKey",
  "kms:GetKeyPolicy",
  "kms:ListAliases",
  "kms:ListAliasesByKeyId",
  "kms:ListResourceTags",
  "kms:ListTagResources",
  "log:GetIndex",
  "log:GetLogStore",
  "log:GetLogStoreMeteringMode",
  "log:GetProject",
  "log:GetProjectPolicy",
  "log:ListShards",
  "log:ListTagResources",
  "mns:GetQueueAttributes",
  "mns:ListTagResources",
  "pvtz:Describe*",
  "pvtz:ListTagResources",
  "ram:GetPolicy",
  "ram:GetPolicyVersion",
  "ram:GetRole",
  "ram:ListPoliciesForRole",
  "ram:ListPolicyVersions",
  "ram:ListTagResources",
  "vpc:DescribeVSwitchAttributes",
  "vpc:DescribeVSwitches",
  "vpc:DescribeVpcAttribute",
  "vpc:DescribeVpcs",
];

/** Seeing a gateway's configuration; of objects, only those of its own bucket, which holds no secret. */
export function readConfiguration(bucketName: string): AccessStatement[] {
  const bucket = `acs:oss:*:*:${bucketName}`;
  return [
    { sid: "ReadConfiguration", actions: READ_ACTIONS, resources: ["*"] },
    { sid: "ReadBucket", actions: ["oss:GetBucket*", "oss:GetObject", "oss:ListObjects"], resources: [bucket, `${bucket}/*`] },
  ];
}
