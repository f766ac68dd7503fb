import { createHash } from "node:crypto";
import { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { CommandRun } from "./command-run";
import { ConfigError } from "./errors";
import { GeneratedAsset } from "./generated-asset";
import { handedOverValueProblems } from "./handed-over-values";
import { AgentsProps } from "./litellm";
import { agentsProblems, AgentState, agentStates } from "./litellm/agents";
import { AGENT_ROUTES } from "./litellm/routes";
import { LiteLlmCluster } from "./litellm-cluster";
import { LlmSecrets } from "./llm-secrets";

/**
 * Who makes the agents' keys: the computer that applies the stack, which must reach the admin listener; or nobody, and
 * only the desired state is published.
 */
export type Provisioning = "runner" | "none";

/** The agents of a gateway. */
export interface AgentQuotaKeysProps {
  /** The gateway that the keys are for. */
  readonly cluster: LiteLlmCluster;
  /** The gateway's secrets, of which the master key makes the agents' keys. */
  readonly secrets: LlmSecrets;
  readonly agents: AgentsProps;
  /** @default "none" */
  readonly provisioning?: Provisioning;
}

/**
 * A key, quota and budget for each agent: the desired state as an object of its own, so that a change of a quota rolls
 * no node, and the name of the secret that each agent's key lies in.
 * @throws ConfigError when an agent is wrong, or `runner` has no admin listener to talk to
 */
export class AgentQuotaKeys extends Construct {
  /** The names of the agents' secrets, by agent. */
  public readonly keySecretNames: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, props: AgentQuotaKeysProps) {
    super(scope, id);
    const { cluster } = props;
    ConfigError.throwIfAny(this, handedOverValueProblems("agents", props.agents));
    ConfigError.throwIfAny(this, [
      ...agentsProblems(props.agents, cluster.modelNames),
      ...provisioningProblems(props.provisioning, cluster.adminEndpoint !== undefined),
    ]);
    const states = agentStates(props.agents, cluster.modelNames, (agent) => `agents/${agent}`);
    this.keySecretNames = Object.fromEntries(states.map((state) => [state.name, `${cluster.gatewayName}/${state.secretName}`]));

    const desired = new GeneratedAsset(
      this,
      "DesiredState",
      "agents.json",
      JSON.stringify({ version: 1, routes: AGENT_ROUTES, agents: states }, null, 1),
    );
    const object = cluster.files.putFile(
      `DesiredStateObject${this.node.id}`,
      `agents/${desired.sha256}.json`,
      desired.path,
      desired.sha256,
    );
    if (props.provisioning === "runner")
      this.provisionFromRunner(props, desired, states, [object, ...cluster.ready, ...props.secrets.ready]);
  }

  private provisionFromRunner(
    props: AgentQuotaKeysProps,
    desired: GeneratedAsset,
    states: readonly AgentState[],
    after: ITerraformDependable[],
  ): void {
    const { cluster, secrets } = props;
    states.forEach((state) => {
      new CommandRun(this, `Key-${state.name}`, {
        words: ["keys", "apply", "--agent", state.name],
        dependsOn: after,
        triggers: { agent: state.name, quota: sha256(JSON.stringify(state)) },
        environment: {
          AIGW_AGENT: state.name,
          AIGW_DESIRED_STATE: desired.path,
          AIGW_ENDPOINT: cluster.adminEndpoint!,
          AIGW_STORE: secrets.store.settings(cluster.gatewayName).kind,
          AIGW_REGION: cluster.platform.region,
          AIGW_MASTER_KEY_SECRET: secrets.masterKey.name,
          AIGW_KEY_SECRET: this.keySecretNames[state.name]!,
        },
      });
    });
  }
}

/** The problem of how keys are made. */
export function provisioningProblems(provisioning: Provisioning | undefined, hasAdminListener: boolean): string[] {
  if (provisioning !== "runner" || hasAdminListener) return [];
  return ['provisioning: "runner" needs adminFrom with the range that the runner is in; without it nothing listens for it'];
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
