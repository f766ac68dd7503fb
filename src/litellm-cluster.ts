import { Annotations, Fn, ITerraformDependable, TerraformLocal, Token } from "cdktf";
import { Construct } from "constructs";
import { databaseProblems, IDatabase, IRedis, redisProblems } from "./backing-services";
import { ICertificate } from "./certificate";
import { Duration, secondsProblems } from "./duration";
import { ConfigError } from "./errors";
import { GatewayRole } from "./gateway-role";
import { GeneratedAsset } from "./generated-asset";
import { wholeNumberProblems } from "./limits";
import { GatewayModelProps, Route } from "./litellm";
import { GatewayModel, gatewayModel, gatewayModelProblems } from "./litellm/gateway-model";
import { ADMIN_ROUTES, AGENT_ROUTES, READINESS_PATH } from "./litellm/routes";
import { LONGEST_CALL_SECONDS } from "./litellm/routing";
import { LlmSecrets } from "./llm-secrets";
import { cidrProblems, ingressProblems, INetwork, networkProblems } from "./network";
import { nodeBundle } from "./node/bundle";
import { ADMIN_PORT, AGENTS_PORT, nodeSettings } from "./node/settings";
import { userData } from "./node/user-data";
import { FleetSize, GatewayPlatform, IGatewayPart, IPrivateZone, ListenerSpec, LoadBalancer, LogStore, ObjectStore } from "./platform";
import { Removal } from "./secret-store";
import { nameProblems, terraformJson } from "./text";

/** The machines of a gateway: how many, how big, where, and who may reach them. */
export interface ClusterProps extends GatewayModelProps {
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
  /** @default - the newest Ubuntu 24.04 of the cloud */
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
   * How long the request log is kept, in whole days.
   * @default Duration.days(365)
   */
  readonly logRetention?: Duration;
  /**
   * How often a node fetches the secrets again.
   * @default Duration.minutes(15)
   */
  readonly refreshInterval?: Duration;
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

/** A cluster takes the secrets and the identity of its nodes from outside. */
export interface LiteLlmClusterProps extends ClusterProps {
  readonly secrets: LlmSecrets;
  readonly role: GatewayRole;
}

/** A node boots, installs and migrates in that time. */
const WARM_UP_SECONDS = 300;
const HTTPS = 443;
/** The package mirrors of the distributions still speak HTTP; packages are signed. */
const HTTP = 80;

/**
 * The nodes that run LiteLLM, and the internal load balancer before them.
 * @throws ConfigError with all that is wrong with the props
 */
export class LiteLlmCluster extends Construct implements IGatewayPart<"cluster"> {
  public readonly part = "cluster";
  /** The bucket of bundles, settings and desired states. */
  public readonly files: ObjectStore;
  public readonly logs: LogStore;
  public readonly loadBalancer: LoadBalancer;
  /** What agents use as base URL, without a path. */
  public readonly endpoint: string;
  /** Where keys are administered; undefined without `adminFrom`. */
  public readonly adminEndpoint?: string;
  /** All names that a request may name. */
  public readonly modelNames: readonly string[];
  public readonly platform: GatewayPlatform;
  /** The gateway's name. */
  public readonly gatewayName: string;

  constructor(scope: Construct, id: string, props: LiteLlmClusterProps) {
    super(scope, id);
    ConfigError.throwIfAny(this, clusterProblems(props));
    props.platform.bind(this);
    const model = gatewayModel(props);
    model.warnings.forEach((warning) => Annotations.of(this).addWarning(warning));
    const removal = props.removal ?? "retain";
    this.platform = props.platform;
    this.gatewayName = props.name;
    this.modelNames = model.modelNames;

    this.files = props.platform.objectStore(this, "Files", { name: props.name, removal });
    this.logs = props.platform.logStore(this, "Logs", { name: props.name, retentionDays: logRetentionDays(props), removal });
    props.role.allow(this.files.readStatement(["bundles/*", "settings/*"]));
    props.role.allow(this.logs.writeStatement);

    this.loadBalancer = this.balance(props, model);
    this.endpoint = endpoint(props, this.loadBalancer, "Agents");
    this.adminEndpoint = hasAdminListener(props) ? endpoint(props, this.loadBalancer, "Admin") : undefined;
    this.runNodes(props, model);
  }

  private balance(props: LiteLlmClusterProps, model: GatewayModel): LoadBalancer {
    const loadBalancer = props.platform.loadBalancer(this, "LoadBalancer", {
      name: props.name,
      network: props.network,
      listeners: listeners(props, props.agentsFrom ?? [props.platform.networkCidr(this, props.network)]),
      healthCheckPath: READINESS_PATH,
      idleTimeoutSeconds: LONGEST_CALL_SECONDS,
      drainSeconds: callSeconds(model),
      certificateId: props.certificate?.id,
      deletionProtection: props.deletionProtection ?? true,
    });
    if (props.domainName !== undefined) {
      loadBalancer.privateName(this, "PrivateName", { domainName: props.domainName, zone: props.privateZone, network: props.network });
    }
    return loadBalancer;
  }

  private runNodes(props: LiteLlmClusterProps, model: GatewayModel): void {
    const { script, ready } = this.publish(props, model);
    props.platform.nodes(this, "Nodes", {
      name: props.name,
      network: props.network,
      instanceType: props.instanceType,
      imageId: props.imageId,
      diskSizeGib: props.diskSizeGib ?? 40,
      size: fleetSize(props),
      role: props.role,
      userData: script,
      targets: this.loadBalancer.targets,
      ingress: this.loadBalancer.nodeIngress,
      egressPorts: [...new Set([HTTP, HTTPS, props.database.port, props.redis.port])],
      egressCidrs: props.egressTo ?? ["0.0.0.0/0"],
      warmUpSeconds: WARM_UP_SECONDS,
      drainSeconds: callSeconds(model),
      deletionProtection: props.deletionProtection ?? true,
      after: [...ready, ...this.loadBalancer.ready],
    });
  }

  /** Puts the bundle and the settings into the bucket; the script of the first boot names both by their hashes. */
  private publish(props: LiteLlmClusterProps, model: GatewayModel): { script: string; ready: ITerraformDependable[] } {
    const bundle = nodeBundle(model, { bedrockRegion: props.platform.region, redisTls: props.redis.tls });
    const asset = new GeneratedAsset(this, "Bundle", "bundle.tar", bundle.tar);
    const bundleKey = `bundles/${asset.sha256}.tar`;
    const settings = nodeSettings({
      name: props.name,
      cloud: props.platform.cloud,
      region: props.platform.region,
      model,
      store: props.platform.secretStore.settings,
      secrets: props.secrets,
      environment: bundle.environment,
      database: props.database,
      redis: props.redis,
      log: this.logs.settings,
      refreshIntervalSeconds: (props.refreshInterval ?? Duration.minutes(15)).toSeconds(),
    });
    const text = new TerraformLocal(this, "Settings", terraformJson(settings));
    const sha256 = Fn.sha256(text.asString);
    const settingsKey = `settings/${sha256}.json`;
    const script = new TerraformLocal(
      this,
      "UserData",
      userData({
        cloud: props.platform.cloud,
        region: props.platform.region,
        bucket: this.files.bucket,
        bundle: { key: bundleKey, sha256: asset.sha256 },
        settings: { key: settingsKey, sha256 },
      }),
    );
    return {
      script: script.asString,
      ready: [
        this.files.putFile("BundleObject", bundleKey, asset.path, asset.sha256),
        this.files.putText("SettingsObject", settingsKey, text.asString),
      ],
    };
  }
}

/** All that is wrong with a cluster's props. */
export function clusterProblems(props: ClusterProps): string[] {
  return [
    ...sizeProblems(props),
    ...props.platform.problems({
      name: props.name,
      instanceType: props.instanceType,
      imageId: props.imageId,
      certificateId: props.certificate?.id,
      logRetentionDays: logRetentionDays(props),
    }),
    ...networkProblems("network", props.network),
    ...databaseProblems("database", props.database),
    ...redisProblems("redis", props.redis),
    ...tlsProblems(props),
    ...ingressProblems("agentsFrom", props.agentsFrom ?? []),
    ...ingressProblems("adminFrom", props.adminFrom ?? []),
    ...cidrProblems("egressTo", props.egressTo ?? []),
    ...secondsProblems("refreshInterval", props.refreshInterval, 60, 86_400),
    ...gatewayModelProblems(props),
  ];
}

function sizeProblems(props: ClusterProps): string[] {
  const scaling = (["minNodes", "maxNodes", "cpuTargetPercent"] as const).filter((prop) => props[prop] !== undefined);
  if (props.fixedNodes !== undefined && scaling.length > 0) {
    return [`fixedNodes: give either fixedNodes or ${scaling.join(", ")}, not both; a fixed number of nodes does not scale`];
  }
  const minimum = props.minNodes ?? 2;
  return [
    ...numberProblems("fixedNodes", props.fixedNodes, 2, 100),
    ...numberProblems("minNodes", props.minNodes, 2, 1000),
    ...numberProblems("maxNodes", props.maxNodes, Token.isUnresolved(minimum) ? 2 : minimum, 1000),
    ...numberProblems("cpuTargetPercent", props.cpuTargetPercent, 10, 90),
    ...numberProblems("diskSizeGib", props.diskSizeGib, 20, 500),
  ];
}

/** A number that may be one of Terraform's. */
function numberProblems(prop: string, value: number | undefined, minimum: number, maximum: number): string[] {
  return Token.isUnresolved(value) ? [] : wholeNumberProblems(prop, value, minimum, maximum);
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

function listeners(props: ClusterProps, agentsFrom: readonly string[]): ListenerSpec[] {
  const agents = listener(props, "Agents", AGENTS_PORT, agentsFrom, AGENT_ROUTES);
  return hasAdminListener(props) ? [agents, listener(props, "Admin", ADMIN_PORT, props.adminFrom ?? [], ADMIN_ROUTES)] : [agents];
}

function listener(
  props: ClusterProps,
  id: ListenerSpec["id"],
  nodePort: number,
  allowedCidrs: readonly string[],
  routes: readonly Route[],
): ListenerSpec {
  return { id, port: listenerPort(props, id), nodePort, allowedCidrs, routes };
}

function hasAdminListener(props: ClusterProps): boolean {
  return (props.adminFrom ?? []).length > 0;
}

function listenerPort(props: ClusterProps, id: ListenerSpec["id"]): number {
  const ports = props.certificate === undefined ? { Agents: HTTP, Admin: 8080 } : { Agents: HTTPS, Admin: 8443 };
  return ports[id];
}

function endpoint(props: ClusterProps, loadBalancer: LoadBalancer, id: ListenerSpec["id"]): string {
  const scheme = props.certificate === undefined ? "http" : "https";
  const port = id === "Agents" ? "" : `:${listenerPort(props, id)}`;
  return `${scheme}://${props.domainName ?? loadBalancer.dnsName}${port}`;
}

function fleetSize(props: ClusterProps): FleetSize {
  if (props.fixedNodes !== undefined) return { kind: "fixed", count: props.fixedNodes };
  const minimum = props.minNodes ?? 2;
  return { kind: "scaling", minimum, maximum: props.maxNodes ?? minimum * 2, cpuTargetPercent: props.cpuTargetPercent ?? 60 };
}

function callSeconds(model: GatewayModel): number {
  return model.routing.timeout?.toSeconds() ?? LONGEST_CALL_SECONDS;
}

function logRetentionDays(props: ClusterProps): number {
  return props.logRetention?.toDays() ?? 365;
}
