import { createHash } from "node:crypto";
import { ITerraformDependable, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { IAccessRole } from "./access";
import { CommandRun } from "./command-run";
import { Duration, secondsProblems } from "./duration";
import { ConfigError } from "./errors";
import { GeneratedAsset } from "./generated-asset";
import { handedOverValueProblems } from "./handed-over-values";
import { agentsProblems } from "./litellm/agent-problems";
import { AgentQuotas } from "./litellm/agent-props";
import { AGENT_SECRETS, AgentState, DesiredState, desiredState } from "./litellm/agents";
import { LiteLlmCluster } from "./litellm-cluster";
import { LlmSecrets } from "./llm-secrets";
import { unknownName } from "./nearest";
import { terraformJson } from "./text";

/**
 * Who makes the agents' keys: the computer that applies the stack, which must reach the admin listener; the gateway's own
 * nodes, for a computer that does not reach it; or nobody, and only the desired state is published.
 */
export type Provisioning = "runner" | "gateway" | "none";

/** The agents of a gateway. */
export interface AgentQuotaKeysProps extends AgentQuotas {
  /** The gateway that the keys are for. */
  readonly cluster: LiteLlmCluster;
  /** The gateway's secrets: its master key makes the agents' keys, and they lie where it does. */
  readonly secrets: LlmSecrets;
  /**
   * Who makes the keys; "runner" needs `adminFrom`.
   * @default "runner" where there is an admin listener, else "gateway"
   */
  readonly provisioning?: Provisioning;
  /**
   * How often the nodes hold the keys against what is desired, with `provisioning: "gateway"`: from 1 minute to a day. A
   * change of the agents is seen within half a minute, whatever this says.
   * @default Duration.minutes(5)
   */
  readonly provisioningInterval?: Duration;
}

/**
 * A key, quota and budget for each agent: the desired state as an object of its own, so that a change of a quota rolls
 * no node, and a secret for each agent's key, which Terraform never sees.
 * @throws ConfigError when an agent is wrong, `runner` has no admin listener to talk to, or the cluster has agents already
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
      ...provisioningProblems(props, cluster.adminEndpoint !== undefined),
    ]);
    this.secrets = secrets;
    const provisioning = chosenProvisioning(props, cluster.adminEndpoint !== undefined);
    const desired = desiredState(props, cluster.model.modelNames);
    this.keySecretNames = Object.fromEntries(desired.agents.map((state) => [state.name, `${cluster.gatewayName}/${state.secretName}`]));
    const declared = secrets.declareFurther(this, "Secrets", {
      secrets: desired.agents.map(({ name }) => ({
        name: this.keySecretNames[name]!,
        purpose: `the key of agent ${name}`,
        owner: "gateway",
      })),
      readers: (secret) => [
        ...(provisioning === "gateway" ? [cluster.role] : []),
        ...this.readers.filter(({ name }) => name === secret).map(({ reader }) => reader),
      ],
    });
    const text = JSON.stringify(desired, null, 1);
    const file = new GeneratedAsset(this, "DesiredState", "agents.json", text);
    const object = cluster.publishAgents(this, text);
    // Where the command finds it, in what is synthesized.
    const document = { version: 1, gateway: cluster.gatewayName, desiredState: file.path, endpoint: cluster.adminEndpoint };
    new TerraformLocal(this, "Keys", terraformJson(document));
    if (provisioning === "runner") {
      this.provisionFromRunner(cluster, file.path, desired, onceNamed([object, ...cluster.ready, ...secrets.ready]), declared);
    }
    if (provisioning === "gateway") this.provisionFromNodes(cluster, props.provisioningInterval ?? Duration.minutes(5));
  }

  /**
   * Lets a role read the key of an agent, such as the role of the machine that the agent runs on.
   * @throws ConfigError when there is no such agent
   */
  public grantKeyRead(agent: string, reader: IAccessRole): void {
    const name = Object.hasOwn(this.keySecretNames, agent) ? this.keySecretNames[agent] : undefined;
    if (name === undefined) {
      throw new ConfigError(this.node.path, [
        `grantKeyRead: ${unknownName(agent, "an agent of this gateway", Object.keys(this.keySecretNames))}`,
      ]);
    }
    this.readers.push({ name, reader });
    this.secrets.grantReadOf(this, `Read-${agent}-${reader.node.id}`, [name], reader);
  }

  private provisionFromNodes(cluster: LiteLlmCluster, interval: Duration): void {
    this.secrets.grantWriteBelow(this, "Write", AGENT_SECRETS, cluster.role);
    cluster.provisionAgents({
      secrets: `${cluster.gatewayName}/${AGENT_SECRETS}/`,
      intervalSeconds: interval.toSeconds(),
      encryptionKeyId: this.secrets.key?.id,
    });
  }

  /**
   * One run for each agent and group, so that the plan names who is changed and a failure who is not; then one over all, which
   * revokes whoever is named no more, and makes up for runs that an apply which was killed has left out.
   */
  private provisionFromRunner(
    cluster: LiteLlmCluster,
    desiredStatePath: string,
    { agents, groups }: DesiredState,
    after: readonly ITerraformDependable[],
    declared: ReadonlyMap<string, ITerraformDependable>,
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
    // Each waits for its own only: a stack of 1,000 agents would else name a million dependencies.
    const own = ({ name, group }: AgentState): ITerraformDependable[] =>
      [declared.get(this.keySecretNames[name]!), made.get(group ?? "")].filter((one) => one !== undefined);
    const { key } = this.secrets;
    const encryption = key === undefined ? [] : ["--encryption-key", key.id];
    const keys = agents.map((agent) =>
      run(`Key-${agent.name}`, ["apply", ...encryption, "--agent", agent.name], { agent: agent.name, quota: digest(agent) }, [
        ...after,
        ...own(agent),
      ]),
    );
    // Terraform takes a run that was killed for done if it wrote its state meanwhile, as it does whenever something beside it ends.
    run("All", ["apply", ...encryption], { state: digest({ agents, groups }) }, [...after, ...made.values(), ...keys]);
  }
}

type ProvisioningProps = Pick<AgentQuotaKeysProps, "provisioning" | "provisioningInterval">;

function chosenProvisioning({ provisioning }: ProvisioningProps, hasAdminListener: boolean): Provisioning {
  return provisioning ?? (hasAdminListener ? "runner" : "gateway");
}

/** All that is wrong with how keys are made. */
export function provisioningProblems(props: ProvisioningProps, hasAdminListener: boolean): string[] {
  const { provisioning, provisioningInterval } = props;
  const chosen = chosenProvisioning(props, hasAdminListener);
  return [
    ...secondsProblems("provisioningInterval", provisioningInterval, 60, 86_400),
    ...(provisioningInterval !== undefined && chosen !== "gateway"
      ? [`provisioningInterval: with provisioning: "${chosen}" no node makes keys; leave it out, or say provisioning: "gateway"`]
      : []),
    ...(provisioning === "runner" && !hasAdminListener
      ? [
          'provisioning: "runner" needs adminFrom with the range that the runner is in; without it nothing listens for it; "gateway" needs none',
        ]
      : []),
  ];
}

/** With the name of each made once: cdktf makes a token and a stack trace each time that it is asked, and 1,000 agents ask. */
function onceNamed(dependables: readonly ITerraformDependable[]): ITerraformDependable[] {
  return dependables.map(({ fqn }) => ({ fqn }));
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
