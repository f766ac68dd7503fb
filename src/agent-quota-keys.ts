import { createHash } from "node:crypto";
import { ITerraformDependable, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { IAccessRole } from "./access";
import { CommandRun } from "./command-run";
import { ConfigError } from "./errors";
import { GeneratedAsset } from "./generated-asset";
import { handedOverValueProblems } from "./handed-over-values";
import { agentsProblems } from "./litellm/agent-problems";
import { AgentQuotas } from "./litellm/agent-props";
import { AgentState, DesiredState, desiredState } from "./litellm/agents";
import { LiteLlmCluster } from "./litellm-cluster";
import { LlmSecrets } from "./llm-secrets";
import { unknownName } from "./nearest";
import { terraformJson } from "./text";

/**
 * Who makes the agents' keys: the computer that applies the stack, which must reach the admin listener; or nobody, and
 * only the desired state is published.
 */
export type Provisioning = "runner" | "none";

/** The agents of a gateway. */
export interface AgentQuotaKeysProps extends AgentQuotas {
  /** The gateway that the keys are for. */
  readonly cluster: LiteLlmCluster;
  /** The gateway's secrets: its master key makes the agents' keys, and they lie where it does. */
  readonly secrets: LlmSecrets;
  /** @default "none" */
  readonly provisioning?: Provisioning;
}

/**
 * A key, quota and budget for each agent: the desired state as an object of its own, so that a change of a quota rolls
 * no node, and a secret for each agent's key, which Terraform never sees.
 * @throws ConfigError when an agent is wrong, or `runner` has no admin listener to talk to
 */
export class AgentQuotaKeys extends Construct {
  /** The names of the agents' secrets, by agent. */
  public readonly keySecretNames: Readonly<Record<string, string>>;

  private readonly secrets: LlmSecrets;
  private readonly readers: { readonly name: string; readonly reader: IAccessRole }[] = [];

  constructor(scope: Construct, id: string, props: AgentQuotaKeysProps) {
    super(scope, id);
    const { cluster, secrets } = props;
    ConfigError.throwIfAny(this, handedOverValueProblems("agents", props.agents));
    ConfigError.throwIfAny(this, [
      ...agentsProblems(props, cluster.model),
      ...provisioningProblems(props.provisioning, cluster.adminEndpoint !== undefined),
    ]);
    this.secrets = secrets;
    const desired = desiredState(props, cluster.model.modelNames);
    this.keySecretNames = Object.fromEntries(desired.agents.map((state) => [state.name, `${cluster.gatewayName}/${state.secretName}`]));
    const declared = secrets.declareFurther(this, "Secrets", {
      secrets: desired.agents.map(({ name }) => ({
        name: this.keySecretNames[name]!,
        purpose: `the key of agent ${name}`,
        owner: "gateway",
      })),
      readers: (secret) => this.readers.filter(({ name }) => name === secret).map(({ reader }) => reader),
    });
    const file = new GeneratedAsset(this, "DesiredState", "agents.json", JSON.stringify(desired, null, 1));
    const object = cluster.files.putFile(`DesiredStateObject${this.node.id}`, `agents/${file.sha256}.json`, file.path, file.sha256);
    // Where the command finds it, in what is synthesized.
    const document = { version: 1, gateway: cluster.gatewayName, desiredState: file.path, endpoint: cluster.adminEndpoint };
    new TerraformLocal(this, "Keys", terraformJson(document));
    if (props.provisioning === "runner") {
      this.provisionFromRunner(cluster, file.path, desired, [object, ...declared, ...cluster.ready, ...secrets.ready]);
    }
  }

  /**
   * Lets a role read the key of an agent, such as the role of the machine that the agent runs on.
   * @throws ConfigError when there is no such agent
   */
  public grantKeyRead(agent: string, reader: IAccessRole): void {
    const name = Object.hasOwn(this.keySecretNames, agent) ? this.keySecretNames[agent] : undefined;
    if (name === undefined) {
      throw new ConfigError(this.node.path, [`grantKeyRead: ${unknownName(agent, "an agent of this gateway", Object.keys(this.keySecretNames))}`]);
    }
    this.readers.push({ name, reader });
    this.secrets.grantReadOf(this, `Read-${agent}-${reader.node.id}`, [name], reader);
  }

  /** One run for each agent and group, so that a change of one is one, and a run that revokes whoever is named no more. */
  private provisionFromRunner(
    cluster: LiteLlmCluster,
    desiredStatePath: string,
    { agents, groups }: DesiredState,
    after: readonly ITerraformDependable[],
  ): void {
    const environment = {
      AIGW_SECRETS: this.secrets.document,
      AIGW_DESIRED_STATE: desiredStatePath,
      AIGW_ENDPOINT: cluster.adminEndpoint!,
    };
    const run = (id: string, words: readonly string[], triggers: Record<string, string>, dependsOn: readonly ITerraformDependable[]) =>
      new CommandRun(this, id, { words: ["keys", ...words], environment, triggers, dependsOn });
    const made = new Map(
      groups.map((group) => [
        group.name,
        run(`Group-${group.name}`, ["apply", "--group", group.name], { group: group.name, budget: digest(group) }, after),
      ]),
    );
    const groupOf = ({ group }: AgentState) => (group === undefined ? [] : [made.get(group)!]);
    agents.forEach((agent) =>
      run(`Key-${agent.name}`, ["apply", "--agent", agent.name], { agent: agent.name, quota: digest(agent) }, [
        ...after,
        ...groupOf(agent),
      ]),
    );
    run("Absent", ["revoke", "--absent"], { agents: digest(agents.map(({ name }) => name)) }, after);
  }
}

/** The problem of how keys are made. */
export function provisioningProblems(provisioning: Provisioning | undefined, hasAdminListener: boolean): string[] {
  if (provisioning !== "runner" || hasAdminListener) return [];
  return ['provisioning: "runner" needs adminFrom with the range that the runner is in; without it nothing listens for it'];
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
