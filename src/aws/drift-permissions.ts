import { AccessStatement } from "../access";

/** Makes the ARN of a thing of this account: of a service, and of a region, "" for a service that has none. */
export type ArnOf = (service: string, resource: string, region?: "") => string;

/**
 * Reading how a gateway's resources are set up, and nothing that they hold. AWS's own ReadOnlyAccess would also read every
 * object, parameter and log line of the account.
 *
 * What AWS binds to a resource is bound to those of the gateway's name; networks and keys may be others' and have any.
 */
export function readSettings(gateway: string, arnOf: ArnOf): AccessStatement[] {
  return [
    { sid: "ListSettings", actions: NOT_BOUND, resources: ["*"] },
    {
      sid: "ReadNetwork",
      actions: ["ec2:DescribeInstanceAttribute", "ec2:DescribeVpcAttribute"],
      resources: [arnOf("ec2", "instance/*"), arnOf("ec2", "vpc/*")],
    },
    {
      sid: "ReadRoles",
      actions: [
        "iam:GetInstanceProfile",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
      ],
      resources: ["instance-profile", "policy", "role"].map((kind) => arnOf("iam", `${kind}/${gateway}-*`, "")),
    },
    {
      sid: "ReadKeys",
      actions: ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"],
      resources: [arnOf("kms", "key/*")],
    },
    {
      sid: "ReadSecretSettings",
      actions: ["secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"],
      resources: [arnOf("secretsmanager", `secret:${gateway}/*`)],
    },
    {
      sid: "ReadLogSettings",
      actions: ["logs:ListTagsForResource"],
      resources: [arnOf("logs", `log-group:/cdktf-ai-gateway/${gateway}`)],
    },
    {
      sid: "ReadSchedule",
      actions: ["scheduler:GetSchedule", "sqs:GetQueueAttributes", "sqs:ListQueueTags"],
      resources: [arnOf("scheduler", `schedule/default/${gateway}-drift`), arnOf("sqs", `${gateway}-drift`)],
    },
  ];
}

/** What AWS answers for the whole account or not at all. */
const NOT_BOUND = [
  "autoscaling:Describe*",
  "ec2:DescribeIamInstanceProfileAssociations",
  "ec2:DescribeImages",
  "ec2:DescribeInstanceCreditSpecifications",
  "ec2:DescribeInstanceTypes",
  "ec2:DescribeInstances",
  "ec2:DescribeLaunchTemplateVersions",
  "ec2:DescribeLaunchTemplates",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSecurityGroupRules",
  "ec2:DescribeSecurityGroups",
  "ec2:DescribeSubnets",
  "ec2:DescribeTags",
  "ec2:DescribeVolumes",
  "ec2:DescribeVpcs",
  "elasticloadbalancing:Describe*",
  "kms:ListAliases",
  "logs:DescribeLogGroups",
  "secretsmanager:ListSecrets",
];

/** The zones of private names, which may be made elsewhere; no account is in their ARNs. */
export function readZones(zones: string): AccessStatement {
  return {
    sid: "ReadZones",
    actions: ["route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ListTagsForResource"],
    resources: [zones],
  };
}

/** The settings of a bucket, and the head of each object, which S3 counts as reading it. */
export function readBucket(bucketArn: string): AccessStatement[] {
  return [
    {
      sid: "ReadBucketSettings",
      actions: [
        "s3:GetAccelerateConfiguration",
        "s3:GetBucket*",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
      ],
      resources: [bucketArn],
    },
    { sid: "ReadBundles", actions: ["s3:GetObject", "s3:GetObjectTagging"], resources: [`${bucketArn}/*`] },
  ];
}

/** What holds even when the role is allowed more elsewhere: no value of a secret. */
export const NEVER_READ_SECRETS: readonly AccessStatement[] = [
  {
    sid: "NoSecretValues",
    actions: ["secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "ssm:GetParameter*"],
    resources: ["*"],
  },
  {
    sid: "NoSecretDecryption",
    // By way of the stores only: the state that is compared may itself lie under a key.
    actions: ["kms:Decrypt"],
    resources: ["*"],
    conditions: { StringLike: { "kms:ViaService": ["secretsmanager.*.amazonaws.com", "ssm.*.amazonaws.com"] } },
  },
];
