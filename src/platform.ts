import { ITerraformDependable } from "cdktf";
import { Construct, IConstruct } from "constructs";
import { AccessStatement } from "./access";
import { Route } from "./litellm";
import { INetwork } from "./network";
import { Removal } from "./removal";
import type { RoleAccess } from "./role-access";
import { Schedule } from "./schedule";
import { SecretStore } from "./secret-store";

/** The clouds that a gateway runs on. */
export type Cloud = "aws" | "alicloud";

/** The parts of a gateway whose resources a platform makes; `resourcesOf` is typed by them. */
export type GatewayPartName = "secrets" | "role" | "cluster" | "drift";

/** A construct whose resources a platform made. */
export interface IGatewayPart<Part extends GatewayPartName> extends IConstruct {
  readonly part: Part;
}

/** What {@link GatewayPlatform.role} makes, or takes as it is. */
export interface RoleSpec {
  readonly name: string;
  readonly description: string;
  /** Absent: one is made. */
  readonly existing?: ExistingRole;
  /** AWS: the ARN of the managed policy that bounds what the role may do. */
  readonly permissionsBoundary?: string;
  /** Absent: the cloud's own, an hour. */
  readonly maxSessionSeconds?: number;
  /** People may open a shell on a node, where the cloud asks the node's role for that. */
  readonly shellAccess?: boolean;
  /** Asked for at synthesis, when every grant is known. */
  statements(): readonly AccessStatement[];
}

/** A role that was made elsewhere, and that no policy is given to here. */
export interface ExistingRole {
  readonly roleName: string;
  /**
   * AWS: the path of a role that has one. It is part of the role's ARN, which the secrets' own policies name where there
   * are `administrators`.
   * @default "/"
   * @example "/corp/llm/"
   */
  readonly rolePath?: string;
  /** AWS: the instance profile that holds the role; absent: it has the role's name. */
  readonly instanceProfileName?: string;
}

/** What {@link GatewayPlatform.allow} makes. */
export interface GrantedPolicySpec {
  readonly roleName: string;
  /** The policy's name. */
  readonly name: string;
  /** Asked for at synthesis, when every grant is known. */
  statements(): readonly AccessStatement[];
}

/** The identity of the nodes. */
export interface NodeRole {
  readonly roleName: string;
  readonly roleArn: string;
  /** What an instance is given: the instance profile's name on AWS, the role's name on Alibaba Cloud. */
  readonly instanceIdentity: string;
  /** What must be there before a node boots. */
  readonly ready: readonly ITerraformDependable[];
  /** What the role must be allowed in all; the roles of both platforms have it. */
  readonly access?: RoleAccess;
}

/** What {@link GatewayPlatform.objectStore} makes. */
export interface ObjectStoreSpec {
  /** The gateway's name; the bucket's is made from it and the account. */
  readonly name: string;
  readonly removal: Removal;
}

/** A private, versioned, encrypted bucket. */
export interface ObjectStore {
  readonly bucket: string;
  /** Puts a file of the stack's assets there. */
  putFile(id: string, key: string, path: string, sha256: string): ITerraformDependable;
  /** Puts a text there that may hold tokens. */
  putText(id: string, key: string, text: string): ITerraformDependable;
  /** Reading what lies under these keys; a key may end in `*`. */
  readStatement(keys: readonly string[]): AccessStatement;
}

/** What {@link GatewayPlatform.logStore} makes. */
export interface LogStoreSpec {
  /** The gateway's name. */
  readonly name: string;
  readonly retentionDays: number;
  readonly removal: Removal;
}

/** Where the request log goes. */
export interface LogStore {
  /** For people: the log group, or project and store. */
  readonly destination: string;
  /** For a node: how it finds it. */
  readonly settings: Readonly<Record<string, string>>;
  readonly writeStatement: AccessStatement;
}

/** One listener of the balancer, and the port of the nodes behind it. */
export interface ListenerSpec {
  /** The construct's id and, in lower case, a part of names. */
  readonly id: "Agents" | "Admin";
  readonly port: number;
  readonly nodePort: number;
  /** The address ranges that may reach it. */
  readonly allowedCidrs: readonly string[];
  /** All that it lets through; anything else is answered 404 by the balancer. */
  readonly routes: readonly Route[];
}

/** What {@link GatewayPlatform.loadBalancer} makes. */
export interface LoadBalancerSpec {
  readonly name: string;
  readonly network: INetwork;
  readonly listeners: readonly ListenerSpec[];
  readonly healthCheckPath: string;
  /** How long a connection may be silent, and a request may take. */
  readonly idleTimeoutSeconds: number;
  /** How long a leaving node may finish its streams. */
  readonly drainSeconds: number;
  /** Absent: the listeners speak HTTP. */
  readonly certificateId?: string;
  readonly deletionProtection: boolean;
}

/** A server group that nodes are put into. */
export interface BalancerTarget {
  readonly id: string;
  readonly nodePort: number;
}

/** An internal load balancer. */
export interface LoadBalancer {
  readonly dnsName: string;
  readonly targets: readonly BalancerTarget[];
  /** Makes a private name for it: a record in the zone, or in a zone made for it. */
  privateName(scope: Construct, id: string, spec: PrivateNameSpec): void;
  /** Lets the balancer, and nobody else, reach the nodes' ports. */
  readonly nodeIngress: NodeIngress;
  /** What must be there before a node is put into a target. */
  readonly ready: readonly ITerraformDependable[];
}

/** Who may reach the nodes: the balancer by its security group (AWS), or by the ranges of its addresses (Alibaba Cloud). */
export interface NodeIngress {
  readonly securityGroupId?: string;
  readonly cidrs?: readonly string[];
}

/** A private DNS name for the balancer. */
export interface PrivateNameSpec {
  readonly domainName: string;
  /** An existing private zone that `domainName` lies in. Absent: one is made. */
  readonly zone?: IPrivateZone;
  readonly network: INetwork;
}

/** A private DNS zone that is seen from the gateway's network. */
export interface IPrivateZone {
  readonly zoneId: string;
  readonly zoneName: string;
}

/** How many nodes: a group that scales, or a fixed number of instances. */
export type FleetSize =
  | { readonly kind: "scaling"; readonly minimum: number; readonly maximum: number; readonly cpuTargetPercent: number }
  | { readonly kind: "fixed"; readonly count: number };

/** What {@link GatewayPlatform.nodes} makes. */
export interface NodesSpec {
  readonly name: string;
  readonly network: INetwork;
  /** Absent: the platform's default. */
  readonly instanceType?: string;
  /** Absent: the platform's default, Ubuntu 24.04. */
  readonly imageId?: string;
  readonly diskSizeGib: number;
  readonly size: FleetSize;
  readonly role: NodeRole;
  /** The script that runs at first boot, in plain text; may be an expression of Terraform. */
  readonly userData: string;
  readonly targets: readonly BalancerTarget[];
  readonly ingress: NodeIngress;
  /** TCP ports that nodes may reach at `egressCidrs`. */
  readonly egressPorts: readonly number[];
  readonly egressCidrs: readonly string[];
  /** How long a group that scales waits until a new node serves, from its launch, before it gives the node up. */
  readonly launchSeconds: number;
  /** How long it takes until a node that serves has its share of the requests. */
  readonly warmUpSeconds: number;
  /** How long a leaving node may finish its streams. */
  readonly drainSeconds: number;
  readonly deletionProtection: boolean;
  /** What must be there before the first node boots. */
  readonly after: readonly ITerraformDependable[];
}

/** What {@link GatewayPlatform.driftCheck} makes. */
export interface DriftCheckSpec {
  readonly name: string;
  readonly schedule: Schedule;
  /** What the target is told: which stack is to be compared. */
  readonly message: string;
}

/** The read-only identity of the comparison, and what its schedule sets off. */
export interface DriftTarget {
  readonly roleArn: string;
  /** The queue that is told when a comparison is due: its ARN on AWS, its name on Alibaba Cloud. */
  readonly queue: string;
}

/** A part's props as a platform judges them, before anything is made. */
export interface PlatformCheck {
  readonly name: string;
  readonly instanceType?: string;
  readonly imageId?: string;
  readonly certificateId?: string;
  readonly logRetentionDays?: number;
}

/**
 * A cloud. It knows this contract and never the constructs that use it. Each method makes one construct
 * `(scope, id, spec)` with the cloud's resources in it.
 */
export interface GatewayPlatform {
  readonly cloud: Cloud;
  readonly region: string;
  /** The cloud's own secret store. */
  readonly secretStore: SecretStore;

  /** All that this cloud refuses in the props. */
  problems(check: PlatformCheck): string[];
  /**
   * Sees to it that the stack has the cloud's provider, in the library's version range.
   * @throws ConfigError when the stack has none, with the line to add
   */
  bind(scope: IConstruct): void;

  /** The network's address range: given, or looked up by Terraform once per network. */
  networkCidr(scope: Construct, network: INetwork): string;

  role(scope: Construct, id: string, spec: RoleSpec): NodeRole;
  /** Lets a role that is there already do what the statements say, by one more policy. */
  allow(scope: Construct, id: string, spec: GrantedPolicySpec): void;
  /**
   * What a role needs to call these Bedrock models.
   * @throws ConfigError on a cloud whose roles can not call Bedrock
   */
  bedrockStatements(scope: Construct, models: readonly string[], region: string): AccessStatement[];
  objectStore(scope: Construct, id: string, spec: ObjectStoreSpec): ObjectStore;
  logStore(scope: Construct, id: string, spec: LogStoreSpec): LogStore;
  loadBalancer(scope: Construct, id: string, spec: LoadBalancerSpec): LoadBalancer;
  nodes(scope: Construct, id: string, spec: NodesSpec): void;
  /** What a node of a gateway of this name must know to tell its scaling group that it serves. */
  launchSettings(name: string): Readonly<Record<string, string>>;
  driftCheck(scope: Construct, id: string, spec: DriftCheckSpec): DriftTarget;
}
