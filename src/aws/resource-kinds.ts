import { AutoscalingGroup } from "@cdktf/provider-aws/lib/autoscaling-group";
import { AutoscalingLifecycleHook } from "@cdktf/provider-aws/lib/autoscaling-lifecycle-hook";
import { AutoscalingPolicy } from "@cdktf/provider-aws/lib/autoscaling-policy";
import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { IamInstanceProfile } from "@cdktf/provider-aws/lib/iam-instance-profile";
import { IamPolicy } from "@cdktf/provider-aws/lib/iam-policy";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { IamRolePolicyAttachment } from "@cdktf/provider-aws/lib/iam-role-policy-attachment";
import { Instance } from "@cdktf/provider-aws/lib/instance";
import { KmsAlias } from "@cdktf/provider-aws/lib/kms-alias";
import { KmsKey } from "@cdktf/provider-aws/lib/kms-key";
import { LaunchTemplate } from "@cdktf/provider-aws/lib/launch-template";
import { Lb } from "@cdktf/provider-aws/lib/lb";
import { LbListener } from "@cdktf/provider-aws/lib/lb-listener";
import { LbListenerRule } from "@cdktf/provider-aws/lib/lb-listener-rule";
import { LbTargetGroup } from "@cdktf/provider-aws/lib/lb-target-group";
import { LbTargetGroupAttachment } from "@cdktf/provider-aws/lib/lb-target-group-attachment";
import { Route53Record } from "@cdktf/provider-aws/lib/route53-record";
import { Route53Zone } from "@cdktf/provider-aws/lib/route53-zone";
import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3BucketLoggingA } from "@cdktf/provider-aws/lib/s3-bucket-logging";
import { S3BucketOwnershipControls } from "@cdktf/provider-aws/lib/s3-bucket-ownership-controls";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning";
import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { SchedulerSchedule } from "@cdktf/provider-aws/lib/scheduler-schedule";
import { SecretsmanagerSecret } from "@cdktf/provider-aws/lib/secretsmanager-secret";
import { SecretsmanagerSecretPolicy } from "@cdktf/provider-aws/lib/secretsmanager-secret-policy";
import { SecretsmanagerSecretVersion } from "@cdktf/provider-aws/lib/secretsmanager-secret-version";
import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue";
import { VpcSecurityGroupEgressRule } from "@cdktf/provider-aws/lib/vpc-security-group-egress-rule";
import { VpcSecurityGroupIngressRule } from "@cdktf/provider-aws/lib/vpc-security-group-ingress-rule";

/** Every managed resource of the platform, by what it is in a gateway; `transform` and `resourcesOf` use the same words. */
export const RESOURCE_KINDS = {
  key: KmsKey,
  keyAlias: KmsAlias,
  secret: SecretsmanagerSecret,
  secretPolicy: SecretsmanagerSecretPolicy,
  secretVersion: SecretsmanagerSecretVersion,

  role: IamRole,
  rolePolicy: IamRolePolicy,
  managedPolicy: IamPolicy,
  managedPolicyAttachment: IamRolePolicyAttachment,
  instanceProfile: IamInstanceProfile,

  bucket: S3Bucket,
  bucketOwnership: S3BucketOwnershipControls,
  bucketPublicAccessBlock: S3BucketPublicAccessBlock,
  bucketEncryption: S3BucketServerSideEncryptionConfigurationA,
  bucketVersioning: S3BucketVersioningA,
  bucketLifecycle: S3BucketLifecycleConfiguration,
  bucketLogging: S3BucketLoggingA,
  bucketPolicy: S3BucketPolicy,
  bucketObject: S3Object,

  logGroup: CloudwatchLogGroup,

  loadBalancer: Lb,
  loadBalancerSecurityGroup: SecurityGroup,
  targetGroup: LbTargetGroup,
  listener: LbListener,
  listenerRule: LbListenerRule,
  privateZone: Route53Zone,
  privateRecord: Route53Record,

  nodeSecurityGroup: SecurityGroup,
  ingressRule: VpcSecurityGroupIngressRule,
  egressRule: VpcSecurityGroupEgressRule,
  launchTemplate: LaunchTemplate,
  scalingGroup: AutoscalingGroup,
  scalingPolicy: AutoscalingPolicy,
  lifecycleHook: AutoscalingLifecycleHook,
  launchPolicy: IamRolePolicy,
  instance: Instance,
  targetAttachment: LbTargetGroupAttachment,

  driftRole: IamRole,
  driftRolePolicy: IamRolePolicy,
  driftQueue: SqsQueue,
  driftSchedule: SchedulerSchedule,
  driftScheduleRole: IamRole,
  driftScheduleRolePolicy: IamRolePolicy,
} as const;

/** What a resource is in a gateway. */
export type ResourceKind = keyof typeof RESOURCE_KINDS;

/** The binding's resource of a kind. */
export type ResourceOf<Kind extends ResourceKind> = InstanceType<(typeof RESOURCE_KINDS)[Kind]>;

/** The binding's configuration of a kind. */
export type ConfigOf<Kind extends ResourceKind> = NonNullable<ConstructorParameters<(typeof RESOURCE_KINDS)[Kind]>[2]>;
