import { AnnotationMetadataEntryType, Fn, ITerraformDependable, Lazy, TerraformLocal, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { AccessStatement } from "./access";
import {
  CLUSTER_NEEDS,
  CLUSTER_SHAPE,
  ClusterProps,
  clusterProblems,
  fleetSize,
  hasAdminListener,
  logRetentionDays,
} from "./cluster-props";
import { Duration } from "./duration";
import { ConfigError } from "./errors";
import { GatewayRole } from "./gateway-role";
import { GeneratedAsset } from "./generated-asset";
import { Route } from "./litellm";
import { GatewayModel, gatewayModel } from "./litellm/gateway-model";
import { ADMIN_ROUTES, AGENT_ROUTES, READINESS_PATH } from "./litellm/routes";
import { LONGEST_CALL_SECONDS } from "./litellm/routing";
import { LlmSecrets, missingSecretProblems } from "./llm-secrets";
import { nodeBundle } from "./node/bundle";
import { ADMIN_PORT, AGENTS_PORT, NodeProvisioning, nodeSettings, NodeSettingsProps } from "./node/settings";
import { userData } from "./node/user-data";
import { GatewayPlatform, IGatewayPart, ListenerSpec, LoadBalancer, LogStore, ObjectStore } from "./platform";
import { object, shapeProblems } from "./shape";
import { isExpression, literalText, terraformJson } from "./text";

/** A cluster takes the secrets and the identity of its nodes from outside. */
export interface LiteLlmClusterProps extends ClusterProps {
  readonly secrets: LlmSecrets;
  readonly role: GatewayRole;
}

/** A node boots and installs in some minutes, and tries to start for another 40 (StartLimitBurst in aigw.service). */
const LAUNCH_SECONDS = 2700;
/** The balancer sends requests to a node after two checks that went well, 10 s apart. */
const WARM_UP_SECONDS = 60;
const HTTPS = 443;
/** The object that says which agents there should be. */
const DESIRED_STATE = "agents/desired.json";
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
  /** What it serves, and how. */
  public readonly model: GatewayModel;
  public readonly platform: GatewayPlatform;
  /** The gateway's name. */
  public readonly gatewayName: string;
  /** The identity of its nodes. */
  public readonly role: GatewayRole;

  private agents?: Construct;
  private provisioning?: NodeProvisioning;

  constructor(scope: Construct, id: string, props: LiteLlmClusterProps) {
    super(scope, id);
    ConfigError.throwIfAny(this, ownProblems(this, props));
    props.platform.bind(this);
    const model = gatewayModel(props);
    // Annotations would add a stack trace, with paths of this machine and lines of this Node.js, to what is synthesized.
    model.warnings.forEach((warning) => this.node.addMetadata(AnnotationMetadataEntryType.WARN, warning));
    const removal = props.removal ?? "retain";
    this.platform = props.platform;
    this.gatewayName = props.name;
    this.role = props.role;
    this.model = model;

    this.files = props.platform.objectStore(this, "Files", { name: props.name, removal });
    this.logs = props.platform.logStore(this, "Logs", { name: props.name, retentionDays: logRetentionDays(props), removal });
    props.role.allow(this.files.readStatement(["bundles/*", "settings/*"]));
    props.role.allow(this.logs.writeStatement);
    this.bedrockStatements(model).forEach((statement) => props.role.allow(statement));

    this.loadBalancer = this.balance(props, model);
    this.endpoint = endpoint(props, this.loadBalancer, "Agents");
    this.adminEndpoint = hasAdminListener(props) ? endpoint(props, this.loadBalancer, "Admin") : undefined;
    this.runNodes(props, model);
  }

  /** What balances between the nodes, and so must be there before anything talks to the gateway. */
  public get ready(): readonly ITerraformDependable[] {
    return this.loadBalancer.ready;
  }

  /**
   * Publishes which agents there should be. The object keeps its name, so that a change of them rolls no node.
   * @param by whose agents they are
   * @throws ConfigError when another construct has published its own
   */
  public publishAgents(by: Construct, desired: string): ITerraformDependable {
    if (this.agents !== undefined) {
      throw new ConfigError(by.node.path, [
        `cluster: ${JSON.stringify(this.gatewayName)} has the agents of ${this.agents.node.path} already; give them all to one AgentQuotaKeys`,
      ]);
    }
    this.agents = by;
    return this.files.putText(`DesiredStateObject${by.node.id}`, DESIRED_STATE, literalText(desired));
  }

  /** Has the nodes make the keys of the agents that are published, and lets them read that. */
  public provisionAgents(provisioning: Omit<NodeProvisioning, "bucket" | "key">): void {
    this.provisioning = { ...provisioning, bucket: this.files.bucket, key: DESIRED_STATE };
    this.role.allow(this.files.readStatement([DESIRED_STATE]));
  }

  private bedrockStatements(model: GatewayModel): AccessStatement[] {
    return model.providers
      .filter((provider) => provider.kind === "bedrock")
      .flatMap((provider) => {
        const models = provider.models.map((props) => props.upstream ?? props.name);
        return this.platform.bedrockStatements(this, models, provider.props.awsRegion ?? this.platform.region);
      });
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
      egressPorts: egressPorts(props, model),
      egressCidrs: props.egressTo ?? ["0.0.0.0/0"],
      launchSeconds: LAUNCH_SECONDS,
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
      secrets: props.secrets,
      environment: bundle.environment,
      database: props.database,
      redis: props.redis,
      log: this.logs.settings,
      launch: this.launchSettings(props),
      install: props,
      workers: props.workers,
      maxRequestMib: props.maxRequestMib ?? 32,
      maxWaiting: props.maxWaiting ?? 100,
      whenLogIsFull: props.whenLogIsFull ?? "serve",
      limitsWithoutRedis: props.limitsWithoutRedis ?? "refuse",
      refreshIntervalSeconds: (props.refreshInterval ?? Duration.minutes(15)).toSeconds(),
    });
    // Who makes the agents' keys is said after the cluster is made.
    const produce = (): string => terraformJson({ ...settings, provisioning: this.provisioning });
    const text = new TerraformLocal(this, "Settings", Lazy.stringValue({ produce }));
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

  private launchSettings(props: LiteLlmClusterProps): NodeSettingsProps["launch"] {
    if (fleetSize(props).kind === "fixed") return undefined;
    return { ...props.platform.launchSettings(props.name), waitSeconds: LAUNCH_SECONDS };
  }
}

function ownProblems(cluster: LiteLlmCluster, props: LiteLlmClusterProps): string[] {
  const shape = shapeProblems("", props, { ...CLUSTER_SHAPE, secrets: object, role: object }, [...CLUSTER_NEEDS, "secrets", "role"]);
  if (shape.length > 0) return shape;
  const problems = clusterProblems(props);
  return problems.length > 0 ? problems : [...missingSecretProblems(props.secrets, props), ...sameNameProblems(cluster, props)];
}

/** Two gateways of one name would make the same bucket, balancer and role, which only the apply would find out. */
function sameNameProblems(cluster: LiteLlmCluster, { name, platform }: LiteLlmClusterProps): string[] {
  const others = TerraformStack.of(cluster)
    .node.findAll()
    .filter((node): node is LiteLlmCluster => (node as Partial<LiteLlmCluster>).part === "cluster" && node !== cluster);
  const same = others.find(
    (other) => other.gatewayName === name && other.platform.cloud === platform.cloud && other.platform.region === platform.region,
  );
  return same === undefined ? [] : [`name: ${JSON.stringify(name)} is the name of ${same.node.path} already; give each gateway its own`];
}

/** The ports in addresses, such as vLLM's 8000 and Vault's 8200, are open too. */
function egressPorts(props: LiteLlmClusterProps, model: GatewayModel): number[] {
  const registry = props.containerImage === undefined ? undefined : `https://${props.containerImage}`;
  const stores = props.secrets.stores.map((store) => store.settings(props.name));
  const vaults = stores.map((settings) => (settings.kind === "vault" ? settings.address : undefined));
  const urls = [...model.providers.map(({ baseUrl }) => baseUrl), ...vaults, props.pythonIndex, props.engineMirror, registry];
  const inUrls = urls.map((url = "") => (isExpression(url) ? undefined : /^https?:\/\/[^/:]+:(\d+)/.exec(url)?.[1]));
  const given = inUrls.filter((port) => port !== undefined).map(Number);
  return [...new Set([HTTP, HTTPS, props.database.port, props.redis.port, ...given, ...(props.egressPorts ?? [])])];
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

function listenerPort(props: ClusterProps, id: ListenerSpec["id"]): number {
  const ports = props.certificate === undefined ? { Agents: HTTP, Admin: 8080 } : { Agents: HTTPS, Admin: 8443 };
  return ports[id];
}

function endpoint(props: ClusterProps, loadBalancer: LoadBalancer, id: ListenerSpec["id"]): string {
  const scheme = props.certificate === undefined ? "http" : "https";
  const port = id === "Agents" ? "" : `:${listenerPort(props, id)}`;
  return `${scheme}://${props.domainName ?? loadBalancer.dnsName}${port}`;
}

function callSeconds(model: GatewayModel): number {
  return model.routing.timeout?.toSeconds() ?? LONGEST_CALL_SECONDS;
}
