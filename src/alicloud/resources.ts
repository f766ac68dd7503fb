import { MadeResources, PartResources } from "../part-resources";
import { GatewayPartName, IGatewayPart } from "../platform";
import { ResourceKind, ResourceOf } from "./resource-kinds";

/** The resources of `LlmSecrets`; undefined with a key that is made elsewhere. */
export interface AlicloudSecretsResources {
  readonly key: ResourceOf<"key"> | undefined;
  readonly keyAlias: ResourceOf<"keyAlias"> | undefined;
  /** With `management: "terraform"` only. */
  readonly secrets: readonly ResourceOf<"secret">[];
}

/** The resources of `GatewayRole`; of a role that is there already there are none, and asking for them is an error. */
export interface AlicloudRoleResources {
  readonly role: ResourceOf<"role">;
  readonly policy: ResourceOf<"policy">;
  /** What the first policy has no room for; known once the stack is synthesized. */
  readonly furtherPolicies: readonly ResourceOf<"policy">[];
  readonly policyAttachment: ResourceOf<"policyAttachment">;
}

/** The resources of `LiteLlmCluster`; what a gateway may lack is an empty list or undefined. */
export interface AlicloudClusterResources {
  readonly bucket: ResourceOf<"bucket"> | undefined;
  readonly bucketObjects: readonly ResourceOf<"bucketObject">[];
  readonly logProject: ResourceOf<"logProject"> | undefined;
  readonly logStore: ResourceOf<"logStore"> | undefined;
  readonly logIndex: ResourceOf<"logIndex"> | undefined;
  readonly loadBalancer: ResourceOf<"loadBalancer">;
  readonly loadBalancerSecurityGroup: ResourceOf<"loadBalancerSecurityGroup">;
  /** One for each listener, in their order, and last the empty one that is the listeners' default. */
  readonly serverGroups: readonly ResourceOf<"serverGroup">[];
  readonly listeners: readonly ResourceOf<"listener">[];
  readonly listenerRules: readonly ResourceOf<"listenerRule">[];
  readonly privateZone: ResourceOf<"privateZone"> | undefined;
  readonly privateRecord: ResourceOf<"privateRecord"> | undefined;
  readonly nodeSecurityGroup: ResourceOf<"nodeSecurityGroup">;
  /** The rules of both security groups. */
  readonly securityGroupRules: readonly ResourceOf<"securityGroupRule">[];
  readonly launchTemplate: ResourceOf<"launchTemplate">;
  /** One for each zone. */
  readonly scalingGroups: readonly ResourceOf<"scalingGroup">[];
  readonly scalingRules: readonly ResourceOf<"scalingRule">[];
  readonly lifecycleHooks: readonly ResourceOf<"lifecycleHook">[];
  /** By which a node may tell its scaling group that it serves. */
  readonly launchPolicy: ResourceOf<"policy"> | undefined;
  readonly instanceRefreshes: readonly ResourceOf<"instanceRefresh">[];
  /** The instances of a fleet of fixed size. */
  readonly instances: readonly ResourceOf<"instance">[];
}

/** The resources of `DriftCheck`. */
export interface AlicloudDriftResources {
  readonly role: ResourceOf<"role">;
  readonly policy: ResourceOf<"policy">;
  readonly queue: ResourceOf<"driftQueue">;
  readonly eventBus: ResourceOf<"driftEventBus">;
  readonly eventSource: ResourceOf<"driftEventSource">;
  readonly rule: ResourceOf<"driftRule">;
}

/** The resources of each part of a gateway on Alibaba Cloud. */
export interface AlicloudResources {
  readonly secrets: AlicloudSecretsResources;
  readonly role: AlicloudRoleResources;
  readonly cluster: AlicloudClusterResources;
  readonly drift: AlicloudDriftResources;
}

/** Every resource that the platform makes, by what it is in a gateway. */
type Resources = { readonly [Kind in ResourceKind]: ResourceOf<Kind> };

/** What was made for which part of which gateway. */
export const MADE = new PartResources<Resources>("AlicloudPlatform");

/**
 * The resources of a part.
 * @throws Error when no AlicloudPlatform made any for it
 */
export function resourcesOfPart<Part extends GatewayPartName>(part: IGatewayPart<Part>): AlicloudResources[Part] {
  return VIEWS[part.part](MADE.of(part));
}

const VIEWS: { readonly [Part in GatewayPartName]: (made: MadeResources<Resources>) => AlicloudResources[Part] } = {
  secrets: (made) => ({ key: made.first("key"), keyAlias: made.first("keyAlias"), secrets: made.all("secret") }),
  role: (made) => ({
    role: made.one("role"),
    policy: made.one("policy"),
    furtherPolicies: made.all("policy").slice(1),
    policyAttachment: made.one("policyAttachment"),
  }),
  cluster: (made) => ({
    bucket: made.first("bucket"),
    bucketObjects: made.all("bucketObject"),
    logProject: made.first("logProject"),
    logStore: made.first("logStore"),
    logIndex: made.first("logIndex"),
    loadBalancer: made.one("loadBalancer"),
    loadBalancerSecurityGroup: made.one("loadBalancerSecurityGroup"),
    serverGroups: made.all("serverGroup"),
    listeners: made.all("listener"),
    listenerRules: made.all("listenerRule"),
    privateZone: made.first("privateZone"),
    privateRecord: made.first("privateRecord"),
    nodeSecurityGroup: made.one("nodeSecurityGroup"),
    securityGroupRules: made.all("securityGroupRule"),
    launchTemplate: made.one("launchTemplate"),
    scalingGroups: made.all("scalingGroup"),
    scalingRules: made.all("scalingRule"),
    lifecycleHooks: made.all("lifecycleHook"),
    launchPolicy: made.first("policy"),
    instanceRefreshes: made.all("instanceRefresh"),
    instances: made.all("instance"),
  }),
  drift: (made) => ({
    role: made.one("role"),
    policy: made.one("policy"),
    queue: made.one("driftQueue"),
    eventBus: made.one("driftEventBus"),
    eventSource: made.one("driftEventSource"),
    rule: made.one("driftRule"),
  }),
};
