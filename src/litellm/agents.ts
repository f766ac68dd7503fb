import { amountProblems, wholeNumberProblems } from "../limits";
import { unknownName } from "../nearest";
import { list, number, Shape, shapeProblems } from "../shape";

/** What one agent may use. A limit that is not given does not hold for it. */
export interface AgentProps {
  /**
   * Requests per minute, over all nodes.
   * @default - no limit
   */
  readonly qpm?: number;
  /**
   * Tokens per minute, over all nodes.
   * @default - no limit
   */
  readonly tpm?: number;
  /**
   * Tokens per day, in the gateway's time zone.
   * @default - no limit
   */
  readonly dailyTokens?: number;
  /**
   * US dollars per day, in the gateway's time zone.
   * @default - no limit
   */
  readonly dailyBudgetUsd?: number;
  /**
   * The models and aliases that the agent may call.
   * @default - all of the gateway's
   */
  readonly models?: readonly string[];
}

/** The agents by name. */
export interface AgentsProps {
  readonly [name: string]: AgentProps;
}

/** What the key of one agent must be like; `models` is never empty, since a key without models may call any. */
export interface AgentState {
  readonly name: string;
  readonly secretName: string;
  readonly models: readonly string[];
  readonly qpm?: number;
  readonly tpm?: number;
  readonly dailyTokens?: number;
  readonly dailyBudgetUsd?: number;
}

/** All that is wrong with the agents, given the names that can be called. */
export function agentsProblems(agents: AgentsProps, modelNames: readonly string[]): string[] {
  const known = new Set(modelNames);
  return [
    ...collisionProblems(Object.keys(agents)),
    ...Object.entries(agents).flatMap(([name, agent]) => agentProblems(`agents.${name}`, name, agent, known)),
  ];
}

/** The agents as their keys must be, in the order of their names. */
export function agentStates(agents: AgentsProps, modelNames: readonly string[], secretName: (agent: string) => string): AgentState[] {
  return Object.keys(agents)
    .sort()
    .map((name) => {
      const { models, qpm, tpm, dailyTokens, dailyBudgetUsd } = agents[name]!;
      return { name, secretName: secretName(name), models: models ?? modelNames, qpm, tpm, dailyTokens, dailyBudgetUsd };
    });
}

const AGENT_SHAPE: Shape<AgentProps> = { qpm: number, tpm: number, dailyTokens: number, dailyBudgetUsd: number, models: list };

function agentProblems(prop: string, name: string, agent: AgentProps, known: ReadonlySet<string>): string[] {
  const shape = shapeProblems(prop, agent, AGENT_SHAPE);
  if (shape.length > 0) return shape;
  return [
    ...(AGENT_NAME.test(name)
      ? []
      : [`agents: ${JSON.stringify(name)} is not a name of 1 to 63 letters, digits and . _ - that starts with a letter or digit`]),
    ...wholeNumberProblems(`${prop}.qpm`, agent.qpm),
    ...wholeNumberProblems(`${prop}.tpm`, agent.tpm),
    ...wholeNumberProblems(`${prop}.dailyTokens`, agent.dailyTokens),
    ...amountProblems(`${prop}.dailyBudgetUsd`, agent.dailyBudgetUsd),
    ...(agent.models?.length === 0 ? [`${prop}.models: [] allows nothing; name at least one model, or leave it out for all`] : []),
    ...(agent.models ?? [])
      .filter((model) => !known.has(model))
      .map((model) => `${prop}.models: ${unknownName(model, "a model of this gateway", [...known])}`),
  ];
}

const AGENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** The name of an agent where only lower-case letters, digits and hyphens may stand; two agents must not share one. */
export function cleanAgentName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

function collisionProblems(names: readonly string[]): string[] {
  const seen = new Map<string, string>();
  return names.flatMap((name) => {
    const clean = cleanAgentName(name);
    const earlier = seen.get(clean);
    seen.set(clean, earlier ?? name);
    return earlier === undefined ? [] : [`agents: "${earlier}" and "${name}" both become "${clean}"; rename one`];
  });
}
