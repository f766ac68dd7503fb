import { databaseProblems, IDatabase, IRedis, redisProblems } from "./backing-services";
import { ICertificate } from "./certificate";
import { Duration, secondsProblems } from "./duration";
import { wholeNumberProblems } from "./limits";
import { GatewayModelProps } from "./litellm";
import { gatewayModelProblems } from "./litellm/gateway-model";
import { cidrProblems, ingressProblems, INetwork, networkProblems } from "./network";
import { InstallProps, installProblems } from "./node/install-props";
import { FleetSize, GatewayPlatform, IPrivateZone } from "./platform";
import { Removal } from "./removal";
import { boolean, duration, list, listOrObject, number, object, oneOf, Shape, text } from "./shape";
import { nameProblems } from "./text";

/** The machines of a gateway: how many, how big, where, and who may reach them. */
export interface ClusterProps extends GatewayModelProps, InstallProps {
  readonly platform: GatewayPlatform;
  /** The gateway's name: 3 to 24 lower-case letters, digits and hyphens; may hold `${terraform.workspace}`. */
  readonly name: string;
  readonly network: INetwork;
  readonly database: IDatabase;
  readonly redis: IRedis;
  /**
   * The least nodes of the scaling group, at least 2.
   * @default 2
   */
  readonly minNodes?: number;
  /**
   * The most nodes of the scaling group.
   * @default - twice `minNodes`
   */
  readonly maxNodes?: number;
  /**
   * The average CPU load that the group keeps, in percent.
   * @default 60
   */
  readonly cpuTargetPercent?: number;
  /**
   * That many instances instead of a scaling group, at least 2; replaced, not edited, when the bundle changes.
   * @default - a scaling group
   */
  readonly fixedNodes?: number;
  /** @default - "c7i.large" on AWS, "ecs.c7.large" on Alibaba Cloud: 2 vCPU, 4 GiB */
  readonly instanceType?: string;
  /**
   * The processes that serve on a node, 1 to 64. Each takes 0.7 GiB of memory and has its own connections to the database.
   * @default - one for each processor, as far as 1.5 GiB of memory each go
   */
  readonly workers?: number;
  /**
   * The largest body of a request, in MiB, 1 to 512; above it a caller gets 413. While bodies come in, a worker holds eight
   * times that at the most: size the nodes' memory for it.
   * @default 32
   */
  readonly maxRequestMib?: number;
  /**
   * The most requests that wait for their turn in a worker, 1 to 10,000; beyond it a caller gets 503 with Retry-After.
   * @default 100
   */
  readonly maxWaiting?: number;
  /** @default - the newest Ubuntu 24.04: when a node starts on AWS, when the launch template is made on Alibaba Cloud */
  readonly imageId?: string;
  /**
   * The encrypted system disk, in GiB.
   * @default 40
   */
  readonly diskSizeGib?: number;
  /**
   * The address ranges whose agents may reach the gateway.
   * @default - the network's own range
   */
  readonly agentsFrom?: readonly string[];
  /**
   * The address ranges from which keys may be administered.
   * @default - none: there is no admin listener
   */
  readonly adminFrom?: readonly string[];
  /**
   * With it the listeners speak HTTPS, and `domainName` is needed.
   * @default - HTTP, inside the network only
   */
  readonly certificate?: ICertificate;
  /** @default - the balancer's own name */
  readonly domainName?: string;
  /**
   * The private zone that `domainName` lies in.
   * @default - one is made for the network
   */
  readonly privateZone?: IPrivateZone;
  /**
   * The address ranges that nodes may reach: the providers, the database, Redis, the package index.
   * @default ["0.0.0.0/0"]
   */
  readonly egressTo?: readonly string[];
  /**
   * TCP ports that nodes may reach there, beside 80 and 443, those of the database and Redis, and those in base URLs.
   * @default - none
   */
  readonly egressPorts?: readonly number[];
  /**
   * How long the request log is kept, in whole days.
   * @default Duration.days(365)
   */
  readonly logRetention?: Duration;
  /**
   * What becomes of requests while a node can write no line of the request log and holds 10,000 of them in memory: "serve"
   * serves them and counts the lost lines, "refuse" answers 503.
   * @default "serve"
   */
  readonly whenLogIsFull?: "refuse" | "serve";
  /**
   * How often a node fetches the secrets again.
   * @default Duration.minutes(15)
   */
  readonly refreshInterval?: Duration;
  /**
   * What becomes of requests while Redis, which counts the limits, is away: "refuse" answers those that a limit of the agent,
   * the gateway or the provider holds for with 503, "serve" serves them uncounted. A group's budget always refuses.
   * @default "refuse"
   */
  readonly limitsWithoutRedis?: "refuse" | "serve";
  /**
   * Whether the cloud refuses to delete the balancer and the fleet.
   * @default true
   */
  readonly deletionProtection?: boolean;
  /**
   * What becomes of the log, the bundles and the key of the secrets when the stack is destroyed.
   * @default "retain"
   */
  readonly removal?: Removal;
}

/** What the props hold; checked before anything else, so that no other check meets another kind of value. */
export const CLUSTER_SHAPE: Shape<ClusterProps> = {
  platform: object,
  name: text,
  network: object,
  database: object,
  redis: object,
  providers: listOrObject,
  routing: object,
  aliases: object,
  cache: object,
  rpmLimit: number,
  logPrompts: boolean,
  timezone: text,
  litellmRelease: text,
  requirementsFile: text,
  prismaClientFile: text,
  minNodes: number,
  maxNodes: number,
  cpuTargetPercent: number,
  fixedNodes: number,
  instanceType: text,
  workers: number,
  maxRequestMib: number,
  maxWaiting: number,
  imageId: text,
  diskSizeGib: number,
  agentsFrom: list,
  adminFrom: list,
  certificate: object,
  domainName: text,
  privateZone: object,
  egressTo: list,
  egressPorts: list,
  logRetention: duration,
  refreshInterval: duration,
  pythonIndex: text,
  engineMirror: text,
  containerImage: text,
  extraParameters: listOrObject,
  openedIds: list,
  limitsWithoutRedis: oneOf("refuse", "serve"),
  whenLogIsFull: oneOf("refuse", "serve"),
  deletionProtection: boolean,
  removal: oneOf("retain", "destroy"),
};

/** The props that a cluster can not do without. */
export const CLUSTER_NEEDS = ["platform", "name", "network", "database", "redis", "providers"] as const;

/** All that is wrong with a cluster's props. */
export function clusterProblems(props: ClusterProps): string[] {
  return [
    ...serviceProblems(props),
    ...sizeProblems(props),
    ...props.platform.problems({
      name: props.name,
      instanceType: props.instanceType,
      imageId: props.imageId,
      certificateId: props.certificate?.id,
      logRetentionDays: logRetentionDays(props),
    }),
    ...networkProblems("network", props.network),
    ...tlsProblems(props),
    ...ingressProblems("agentsFrom", props.agentsFrom ?? []),
    ...ingressProblems("adminFrom", props.adminFrom ?? []),
    ...cidrProblems("egressTo", props.egressTo ?? []),
    ...(props.egressPorts ?? []).flatMap((port) => wholeNumberProblems("egressPorts", port, 1, 65535)),
    ...secondsProblems("refreshInterval", props.refreshInterval, 60, 86_400),
    ...installProblems(props),
    ...gatewayModelProblems(props),
  ];
}

function serviceProblems(props: ClusterProps): string[] {
  return [...databaseProblems("database", props.database), ...redisProblems("redis", props.redis)];
}

function sizeProblems(props: ClusterProps): string[] {
  const scaling = (["minNodes", "maxNodes", "cpuTargetPercent"] as const).filter((prop) => props[prop] !== undefined);
  if (props.fixedNodes !== undefined && scaling.length > 0) {
    return [`fixedNodes: give either fixedNodes or ${scaling.join(", ")}, not both; a fixed number of nodes does not scale`];
  }
  const minimum = props.minNodes ?? 2;
  return [
    ...wholeNumberProblems("fixedNodes", props.fixedNodes, 2, 100),
    ...wholeNumberProblems("minNodes", props.minNodes, 2, 1000),
    ...wholeNumberProblems("maxNodes", props.maxNodes, minimum, 1000),
    ...wholeNumberProblems("cpuTargetPercent", props.cpuTargetPercent, 10, 90),
    ...wholeNumberProblems("workers", props.workers, 1, 64),
    ...wholeNumberProblems("maxRequestMib", props.maxRequestMib, 1, 512),
    ...wholeNumberProblems("maxWaiting", props.maxWaiting, 1, 10_000),
    ...wholeNumberProblems("diskSizeGib", props.diskSizeGib, 20, 500),
  ];
}

const DOMAIN_NAME = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*$/;

function tlsProblems(props: ClusterProps): string[] {
  const domain = props.domainName;
  const zone = props.privateZone?.zoneName;
  return [
    ...(props.certificate !== undefined && domain === undefined
      ? ['domainName: none is given; a certificate holds for a name, such as "llm.corp.example"']
      : []),
    ...(domain !== undefined && props.certificate === undefined
      ? [`certificate: none is given for domainName ${JSON.stringify(domain)}; a name is served over HTTPS only`]
      : []),
    ...(zone !== undefined && domain === undefined ? [`privateZone: ${JSON.stringify(zone)} has no use without domainName`] : []),
    ...nameProblems("privateZone.zoneId", props.privateZone?.zoneId, /^[A-Za-z0-9]+$/, "the id of a private zone"),
    ...nameProblems("privateZone.zoneName", zone, DOMAIN_NAME, 'a lower-case domain name of at least two labels, such as "corp.example"'),
    ...nameProblems("domainName", domain, DOMAIN_NAME, 'a lower-case domain name of at least two labels, such as "llm.corp.example"'),
    ...(zone !== undefined && domain !== undefined && domain !== zone && !domain.endsWith(`.${zone}`)
      ? [`domainName: ${JSON.stringify(domain)} does not lie in the privateZone ${JSON.stringify(zone)}`]
      : []),
  ];
}

/** Whether keys can be administered at all. */
export function hasAdminListener(props: ClusterProps): boolean {
  return (props.adminFrom ?? []).length > 0;
}

/** How many nodes, defaults filled in. */
export function fleetSize(props: ClusterProps): FleetSize {
  if (props.fixedNodes !== undefined) return { kind: "fixed", count: props.fixedNodes };
  const minimum = props.minNodes ?? 2;
  return { kind: "scaling", minimum, maximum: props.maxNodes ?? minimum * 2, cpuTargetPercent: props.cpuTargetPercent ?? 60 };
}

/** How long the request log is kept, default filled in. */
export function logRetentionDays(props: ClusterProps): number {
  return props.logRetention?.toDays() ?? 365;
}
