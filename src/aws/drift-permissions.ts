import { AccessStatement } from "../access";

/**
 * Reading how a gateway's resources are set up, and nothing that they hold. AWS's own ReadOnlyAccess would also read every
 * object, parameter and log line of the account.
 */
export const READ_SETTINGS: AccessStatement = {
  sid: "ReadSettings",
  actions: [
    "autoscaling:Describe*",
    "ec2:Describe*",
    "elasticloadbalancing:Describe*",
    "iam:GetInstanceProfile",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfileTags",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListResourceTags",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
    "route53:GetHostedZone",
    "route53:ListResourceRecordSets",
    "route53:ListTagsForResource",
    "scheduler:GetSchedule",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListQueueTags",
  ],
  resources: ["*"],
};

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
