import { Construct } from "constructs";
import { AgentQuotaKeys, Provisioning, provisioningProblems } from "./agent-quota-keys";
import { CLUSTER_NEEDS, CLUSTER_SHAPE, ClusterProps, clusterProblems } from "./cluster-props";
import { DriftCheck } from "./drift-check";
import { ConfigError } from "./errors";
import { GatewayOutputs } from "./gateway-outputs";
import { GatewayRole } from "./gateway-role";
import { AgentsProps } from "./litellm";
import { agentsProblems } from "./litellm/agents";
import { gatewayModel } from "./litellm/gateway-model";
import { LiteLlmCluster } from "./litellm-cluster";
import { IEncryptionKey, LlmSecrets, llmSecretsProblems, SecretStoresProps } from "./llm-secrets";
import { Schedule } from "./schedule";
import { object, oneOf, Shape, shapeProblems } from "./shape";

/** When the gateway's stack is compared with what is really there. */
export interface DriftProps {
  /** @default Schedule.every(Duration.hours(6)) */
  readonly schedule?: Schedule;
}

/** A whole private gateway. */
export interface AiGatewayProps extends ClusterProps, SecretStoresProps {
  /**
   * The agents that get a key, each with its limits.
   * @default - none
   */
  readonly agents?: AgentsProps;
  /**
   * Who makes the agents' keys; "runner" needs `adminFrom`.
   * @default "none"
   */
  readonly provisioning?: Provisioning;
  /** @default - no comparison is scheduled */
  readonly drift?: DriftProps;
  /**
   * The key that encrypts the secrets.
   * @default - a key of its own, rotated every year
   */
  readonly encryptionKey?: IEncryptionKey;
}

/**
 * A private LLM gateway: secrets, identity, nodes behind an internal load balancer, keys for agents, drift check.
 * @throws ConfigError with all that is wrong with the props
 */
export class AiGateway extends Construct {
  public readonly secrets: LlmSecrets;
  public readonly role: GatewayRole;
  public readonly cluster: LiteLlmCluster;
  public readonly agents: AgentQuotaKeys;
  /** Undefined without `drift`. */
  public readonly drift?: DriftCheck;

  constructor(scope: Construct, id: string, props: AiGatewayProps) {
    super(scope, id);
    ConfigError.throwIfAny(this, aiGatewayProblems(props));
    const { platform, name } = props;
    this.secrets = new LlmSecrets(this, "Secrets", props);
    this.role = new GatewayRole(this, "Role", { platform, name, secrets: this.secrets });
    this.cluster = new LiteLlmCluster(this, "Cluster", { ...clusterPropsOf(props), secrets: this.secrets, role: this.role });
    this.agents = new AgentQuotaKeys(this, "Agents", {
      cluster: this.cluster,
      masterKey: this.secrets.masterKey,
      agents: props.agents ?? {},
      provisioning: props.provisioning,
    });
    if (props.drift !== undefined) this.drift = new DriftCheck(this, "Drift", { platform, name, schedule: props.drift.schedule });
  }

  /**
   * Adds the stack's outputs: endpoint, admin endpoint where there is one, names of the agents' secrets, and where the log goes.
   * @param prefix what their names start with; two gateways in one stack need two
   */
  public registerOutputs(prefix = "gateway"): GatewayOutputs {
    return new GatewayOutputs(this, prefix);
  }
}

const GATEWAY_SHAPE: Shape<AiGatewayProps> = {
  ...CLUSTER_SHAPE,
  agents: object,
  provisioning: oneOf("runner", "none"),
  drift: object,
  encryptionKey: object,
  secretStore: object,
  secretStores: object,
};

/** All that is wrong with a gateway's props, told once. */
function aiGatewayProblems(props: AiGatewayProps): string[] {
  const shape = shapeProblems("", props, GATEWAY_SHAPE, CLUSTER_NEEDS);
  if (shape.length > 0) return shape;
  const problems = [
    ...clusterProblems(props),
    ...llmSecretsProblems(props),
    ...provisioningProblems(props.provisioning, (props.adminFrom ?? []).length > 0),
  ];
  if (problems.length > 0 || props.agents === undefined) return [...new Set(problems)];
  return agentsProblems(props.agents, gatewayModel(props).modelNames);
}

/** A cluster takes no prop that is not its own. */
function clusterPropsOf(props: AiGatewayProps): ClusterProps {
  const keys = Object.keys(CLUSTER_SHAPE) as (keyof ClusterProps)[];
  return Object.fromEntries(keys.map((key) => [key, props[key]])) as unknown as ClusterProps;
}
