import { AlbListener } from "./bindings/providers/alicloud/alb-listener";
import { AlbLoadBalancer } from "./bindings/providers/alicloud/alb-load-balancer";
import { AlbLoadBalancerSecurityGroupAttachment } from "./bindings/providers/alicloud/alb-load-balancer-security-group-attachment";
import { AlbRule } from "./bindings/providers/alicloud/alb-rule";
import { AlbServerGroup } from "./bindings/providers/alicloud/alb-server-group";
import { EcsLaunchTemplate } from "./bindings/providers/alicloud/ecs-launch-template";
import { EssInstanceRefresh } from "./bindings/providers/alicloud/ess-instance-refresh";
import { EssLifecycleHook } from "./bindings/providers/alicloud/ess-lifecycle-hook";
import { EssScalingGroup } from "./bindings/providers/alicloud/ess-scaling-group";
import { EssScalingRule } from "./bindings/providers/alicloud/ess-scaling-rule";
import { EventBridgeEventBus } from "./bindings/providers/alicloud/event-bridge-event-bus";
import { EventBridgeEventSourceV2 } from "./bindings/providers/alicloud/event-bridge-event-source-v2";
import { EventBridgeRule } from "./bindings/providers/alicloud/event-bridge-rule";
import { Instance } from "./bindings/providers/alicloud/instance";
import { KmsAlias } from "./bindings/providers/alicloud/kms-alias";
import { KmsKey } from "./bindings/providers/alicloud/kms-key";
import { KmsSecret } from "./bindings/providers/alicloud/kms-secret";
import { LogProject } from "./bindings/providers/alicloud/log-project";
import { LogStore } from "./bindings/providers/alicloud/log-store";
import { LogStoreIndex } from "./bindings/providers/alicloud/log-store-index";
import { MessageServiceQueue } from "./bindings/providers/alicloud/message-service-queue";
import { OssBucket } from "./bindings/providers/alicloud/oss-bucket";
import { OssBucketHttpsConfig } from "./bindings/providers/alicloud/oss-bucket-https-config";
import { OssBucketObject } from "./bindings/providers/alicloud/oss-bucket-object";
import { OssBucketPublicAccessBlock } from "./bindings/providers/alicloud/oss-bucket-public-access-block";
import { PvtzZone } from "./bindings/providers/alicloud/pvtz-zone";
import { PvtzZoneAttachment } from "./bindings/providers/alicloud/pvtz-zone-attachment";
import { PvtzZoneRecord } from "./bindings/providers/alicloud/pvtz-zone-record";
import { RamPolicy } from "./bindings/providers/alicloud/ram-policy";
import { RamRole } from "./bindings/providers/alicloud/ram-role";
import { RamRolePolicyAttachment } from "./bindings/providers/alicloud/ram-role-policy-attachment";
import { SecurityGroup } from "./bindings/providers/alicloud/security-group";
import { SecurityGroupRule } from "./bindings/providers/alicloud/security-group-rule";

/** Every managed resource of the platform, by what it is in a gateway; `transform` and `resourcesOf` use the same words. */
export const RESOURCE_KINDS = {
  key: KmsKey,
  keyAlias: KmsAlias,
  secret: KmsSecret,

  role: RamRole,
  policy: RamPolicy,
  policyAttachment: RamRolePolicyAttachment,

  bucket: OssBucket,
  bucketPublicAccessBlock: OssBucketPublicAccessBlock,
  bucketHttpsConfig: OssBucketHttpsConfig,
  bucketObject: OssBucketObject,

  logProject: LogProject,
  logStore: LogStore,
  logIndex: LogStoreIndex,

  loadBalancer: AlbLoadBalancer,
  loadBalancerSecurityGroup: SecurityGroup,
  loadBalancerSecurityGroupAttachment: AlbLoadBalancerSecurityGroupAttachment,
  serverGroup: AlbServerGroup,
  listener: AlbListener,
  listenerRule: AlbRule,
  privateZone: PvtzZone,
  privateZoneAttachment: PvtzZoneAttachment,
  privateRecord: PvtzZoneRecord,

  nodeSecurityGroup: SecurityGroup,
  securityGroupRule: SecurityGroupRule,
  launchTemplate: EcsLaunchTemplate,
  scalingGroup: EssScalingGroup,
  scalingRule: EssScalingRule,
  lifecycleHook: EssLifecycleHook,
  instanceRefresh: EssInstanceRefresh,
  instance: Instance,

  driftQueue: MessageServiceQueue,
  driftEventBus: EventBridgeEventBus,
  driftEventSource: EventBridgeEventSourceV2,
  driftRule: EventBridgeRule,
} as const;

/** What a resource is in a gateway. */
export type ResourceKind = keyof typeof RESOURCE_KINDS;

/** The binding's resource of a kind. */
export type ResourceOf<Kind extends ResourceKind> = InstanceType<(typeof RESOURCE_KINDS)[Kind]>;

/** The binding's configuration of a kind. */
export type ConfigOf<Kind extends ResourceKind> = NonNullable<ConstructorParameters<(typeof RESOURCE_KINDS)[Kind]>[2]>;

type TaggableKind = { [Kind in ResourceKind]: "tags" extends keyof ConfigOf<Kind> ? Kind : never }[ResourceKind];

/** The kinds that Alibaba Cloud tags; the compiler sees to it that none is missing. */
export const TAGGABLE: Readonly<Record<TaggableKind, true>> = {
  key: true,
  secret: true,
  role: true,
  policy: true,
  bucket: true,
  logProject: true,
  loadBalancer: true,
  loadBalancerSecurityGroup: true,
  serverGroup: true,
  listener: true,
  privateZone: true,
  nodeSecurityGroup: true,
  launchTemplate: true,
  scalingGroup: true,
  instance: true,
  driftQueue: true,
};
