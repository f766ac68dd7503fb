import { MadeResources, PartResources } from "../part-resources";
import { GatewayPartName, IGatewayPart } from "../platform";
import { ResourceKind, ResourceOf } from "./resource-kinds";

/** The resources of `LlmSecrets`; undefined where a key was brought along. */
export interface AwsSecretsResources {
  readonly key: ResourceOf<"key"> | undefined;
  readonly keyAlias: ResourceOf<"keyAlias"> | undefined;
  /** The gateway's own, none of them with a value. */
  readonly secrets: readonly ResourceOf<"secret">[];
  /** Those whose values Terraform writes. */
  readonly secretVersions: readonly ResourceOf<"secretVersion">[];
  readonly secretPolicies: readonly ResourceOf<"secretPolicy">[];
}

/** The resources of `GatewayRole`; of a role that is there already there are none, and asking for them is an error. */
export interface AwsRoleResources {
  readonly role: ResourceOf<"role">;
  readonly rolePolicy: ResourceOf<"rolePolicy">;
  /** What the inline policy has no room for; known once the stack is synthesized. */
  readonly managedPolicies: readonly ResourceOf<"managedPolicy">[];
  readonly instanceProfile: ResourceOf<"instanceProfile">;
}

/** The resources of `LiteLlmCluster`; what a gateway may lack is an empty list or undefined. */
export interface AwsClusterResources {
  readonly bucket: ResourceOf<"bucket">;
  readonly bucketPolicy: ResourceOf<"bucketPolicy">;
  readonly bucketObjects: readonly ResourceOf<"bucketObject">[];
  readonly logGroup: ResourceOf<"logGroup">;
  readonly loadBalancer: ResourceOf<"loadBalancer">;
  readonly loadBalancerSecurityGroup: ResourceOf<"loadBalancerSecurityGroup">;
  /** One for each listener, in their order. */
  readonly targetGroups: readonly ResourceOf<"targetGroup">[];
  readonly listeners: readonly ResourceOf<"listener">[];
  readonly listenerRules: readonly ResourceOf<"listenerRule">[];
  readonly privateZone: ResourceOf<"privateZone"> | undefined;
  readonly privateRecord: ResourceOf<"privateRecord"> | undefined;
  readonly nodeSecurityGroup: ResourceOf<"nodeSecurityGroup">;
  /** What both security groups let in. */
  readonly ingressRules: readonly ResourceOf<"ingressRule">[];
  /** What both security groups let out. */
  readonly egressRules: readonly ResourceOf<"egressRule">[];
  readonly launchTemplate: ResourceOf<"launchTemplate">;
  /** Undefined for a fleet of fixed size. */
  readonly scalingGroup: ResourceOf<"scalingGroup"> | undefined;
  readonly scalingPolicy: ResourceOf<"scalingPolicy"> | undefined;
  readonly lifecycleHook: ResourceOf<"lifecycleHook"> | undefined;
  /** By which a node may tell the scaling group that it serves. */
  readonly launchPolicy: ResourceOf<"launchPolicy"> | undefined;
  /** A fleet of fixed size: one resource that Terraform counts. */
  readonly instances: ResourceOf<"instance"> | undefined;
}

/** The resources of `DriftCheck`. */
export interface AwsDriftResources {
  readonly role: ResourceOf<"driftRole">;
  readonly rolePolicy: ResourceOf<"driftRolePolicy">;
  readonly queue: ResourceOf<"driftQueue">;
  readonly schedule: ResourceOf<"driftSchedule">;
  readonly scheduleRole: ResourceOf<"driftScheduleRole">;
  readonly scheduleRolePolicy: ResourceOf<"driftScheduleRolePolicy">;
}

/** The resources of each part of a gateway on AWS. */
export interface AwsResources {
  readonly secrets: AwsSecretsResources;
  readonly role: AwsRoleResources;
  readonly cluster: AwsClusterResources;
  readonly drift: AwsDriftResources;
}

/** Every resource that the platform makes, by what it is in a gateway. */
type Resources = { readonly [Kind in ResourceKind]: ResourceOf<Kind> };

/** What was made for which part of which gateway. */
export const MADE = new PartResources<Resources>("AwsPlatform");

/**
 * The resources of a part.
 * @throws Error when no AwsPlatform made any for it
 */
export function resourcesOfPart<Part extends GatewayPartName>(part: IGatewayPart<Part>): AwsResources[Part] {
  return VIEWS[part.part](MADE.of(part));
}

const VIEWS: { readonly [Part in GatewayPartName]: (made: MadeResources<Resources>) => AwsResources[Part] } = {
  secrets: (made) => ({
    key: made.first("key"),
    keyAlias: made.first("keyAlias"),
    secrets: made.all("secret"),
    secretVersions: made.all("secretVersion"),
    secretPolicies: made.all("secretPolicy"),
  }),
  role: (made) => ({
    role: made.one("role"),
    rolePolicy: made.one("rolePolicy"),
    managedPolicies: made.all("managedPolicy"),
    instanceProfile: made.one("instanceProfile"),
  }),
  cluster: (made) => ({
    bucket: made.one("bucket"),
    bucketPolicy: made.one("bucketPolicy"),
    bucketObjects: made.all("bucketObject"),
    logGroup: made.one("logGroup"),
    loadBalancer: made.one("loadBalancer"),
    loadBalancerSecurityGroup: made.one("loadBalancerSecurityGroup"),
    targetGroups: made.all("targetGroup"),
    listeners: made.all("listener"),
    listenerRules: made.all("listenerRule"),
    privateZone: made.first("privateZone"),
    privateRecord: made.first("privateRecord"),
    nodeSecurityGroup: made.one("nodeSecurityGroup"),
    ingressRules: made.all("ingressRule"),
    egressRules: made.all("egressRule"),
    launchTemplate: made.one("launchTemplate"),
    scalingGroup: made.first("scalingGroup"),
    scalingPolicy: made.first("scalingPolicy"),
    lifecycleHook: made.first("lifecycleHook"),
    launchPolicy: made.first("launchPolicy"),
    instances: made.first("instance"),
  }),
  drift: (made) => ({
    role: made.one("driftRole"),
    rolePolicy: made.one("driftRolePolicy"),
    queue: made.one("driftQueue"),
    schedule: made.one("driftSchedule"),
    scheduleRole: made.one("driftScheduleRole"),
    scheduleRolePolicy: made.one("driftScheduleRolePolicy"),
  }),
};
