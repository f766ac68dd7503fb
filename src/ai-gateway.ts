import { Construct } from "constructs";
import { AgentQuotaKeys, AgentQuotaKeysProps, provisioningProblems } from "./agent-quota-keys";
import { CLUSTER_NEEDS, CLUSTER_SHAPE, ClusterProps, clusterProblems } from "./cluster-props";
import { DriftCheck } from "./drift-check";
import { ConfigError } from "./errors";
import { GatewayOutputs } from "./gateway-outputs";
import { GatewayRole, RoleBounds, RoleProps } from "./gateway-role";
import { agentsProblems } from "./litellm/agent-problems";
import { AgentQuotas } from "./litellm/agent-props";
import { gatewayModel } from "./litellm/gateway-model";
import { LiteLlmCluster } from "./litellm-cluster";
import { IEncryptionKey, LlmSecrets, llmSecretsProblems, SecretStoresProps } from "./llm-secrets";
import { ExistingRole } from "./platform";
import { Schedule } from "./schedule";
import { boolean, duration, object, oneOf, Shape, shapeProblems, text } from "./shape";

/** When the gateway's stack is compared with what is really there. */
export interface DriftProps {
  /** @default Schedule.every(Duration.hours(6)) */
  readonly schedule?: Schedule;
}

/** A whole private gateway. */
export interface AiGatewayProps
  extends
    ClusterProps,
    SecretStoresProps,
    RoleBounds,
    Pick<RoleProps, "shellAccess">,
    Omit<AgentQuotas, "agents">,
    Pick<AgentQuotaKeysProps, "provisioning" | "provisioningInterval"> {
  /**
   * The agents that get a key, each with its limits; `{}` takes the keys of all away that had one.
   * @default - none, and nobody makes or takes keys unless `provisioning` says who
   */
  readonly agents?: AgentQuotas["agents"];
  /** @default - no comparison is scheduled */
  readonly drift?: DriftProps;
  /**
   * The key that encrypts the secrets.
   * @default - a key of its own, rotated every year
   */
  readonly encryptionKey?: IEncryptionKey;
  /**
   * A role that is there already as the identity of the nodes, such as one of a team that alone may make roles;
   * `gateway.role.requiredPolicy()` says what it must be allowed.
   * @default - a role of its own
   */
  readonly existingRole?: ExistingRole;
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
    this.role = gatewayRole(this, props, this.secrets);
    this.cluster = new LiteLlmCluster(this, "Cluster", { ...clusterPropsOf(props), secrets: this.secrets, role: this.role });
    this.agents = new AgentQuotaKeys(this, "Agents", {
      cluster: this.cluster,
      secrets: this.secrets,
      agents: props.agents ?? {},
      agentDefaults: props.agentDefaults,
      agentGroups: props.agentGroups,
      // Where nobody asks for agents nobody makes keys; an empty list takes those away that were made.
      provisioning: props.provisioning ?? (props.agents === undefined ? "none" : undefined),
      provisioningInterval: props.provisioningInterval,
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

function gatewayRole(scope: Construct, props: AiGatewayProps, secrets: LlmSecrets): GatewayRole {
  const { existingRole, ...own } = props;
  const role = { ...own, secrets };
  return existingRole === undefined
    ? new GatewayRole(scope, "Role", role)
    : GatewayRole.fromRoleName(scope, "Role", { ...role, ...existingRole });
}

const GATEWAY_SHAPE: Shape<AiGatewayProps> = {
  ...CLUSTER_SHAPE,
  agents: object,
  agentDefaults: object,
  agentGroups: object,
  provisioning: oneOf("runner", "gateway", "none"),
  provisioningInterval: duration,
  drift: object,
  encryptionKey: object,
  secretStore: object,
  secretStores: object,
  mintSecrets: oneOf("runner", "none"),
  permissionsBoundary: text,
  maxSessionDuration: duration,
  shellAccess: boolean,
  existingRole: object,
};

/** All that is wrong with a gateway's props, told once. */
function aiGatewayProblems(props: AiGatewayProps): string[] {
  const shape = shapeProblems("", props, GATEWAY_SHAPE, CLUSTER_NEEDS);
  if (shape.length > 0) return shape;
  const problems = [
    ...clusterProblems(props),
    ...llmSecretsProblems(props),
    ...existingRoleProblems(props),
    ...provisioningProblems(props, (props.adminFrom ?? []).length > 0),
  ];
  if (problems.length > 0) return [...new Set(problems)];
  return agentsProblems({ ...props, agents: props.agents ?? {} }, gatewayModel(props));
}

function existingRoleProblems({ existingRole, permissionsBoundary, maxSessionDuration }: AiGatewayProps): string[] {
  if (existingRole === undefined) return [];
  return Object.entries({ permissionsBoundary, maxSessionDuration })
    .filter(([, value]) => value !== undefined)
    .map(([prop]) => `${prop}: it is set where the existing role "${existingRole.roleName}" is made; leave it out here`);
}

/** A cluster takes no prop that is not its own. */
function clusterPropsOf(props: AiGatewayProps): ClusterProps {
  const keys = Object.keys(CLUSTER_SHAPE) as (keyof ClusterProps)[];
  return Object.fromEntries(keys.map((key) => [key, props[key]])) as unknown as ClusterProps;
}
