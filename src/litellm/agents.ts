import { AgentGroupProps, AgentProps, AgentQuotas } from "./agent-props";
import { AGENT_ROUTES, Route } from "./routes";

/** What the key of one agent must be like; `models` is never empty, since a key without models may call any. */
export interface AgentState {
  readonly name: string;
  /** Below the gateway's name. */
  readonly secretName: string;
  readonly models: readonly string[];
  readonly enabled: boolean;
  readonly qpm?: number;
  readonly tpm?: number;
  readonly dailyTokens?: number;
  readonly dailyBudgetUsd?: number;
  /** An instant, in UTC. */
  readonly expires?: string;
  readonly group?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What the names of all agents' secrets begin with, below the gateway's name. */
export const AGENT_SECRETS = "agents";

/** What agents share. */
export interface GroupState {
  readonly name: string;
  readonly budgetUsd: number;
  readonly budgetPeriod: "day" | "month";
}

/** The keys that a gateway should have: what `agents.json` says. It holds no name of the gateway and no secret. */
export interface DesiredState {
  readonly version: 1;
  /** All that any agent may call. */
  readonly routes: readonly Route[];
  readonly groups: readonly GroupState[];
  readonly agents: readonly AgentState[];
}

/** The desired state of agents that nothing is wrong with, in the order of their names. */
export function desiredState({ agents, agentDefaults, agentGroups = {} }: AgentQuotas, modelNames: readonly string[]): DesiredState {
  return {
    version: 1,
    routes: AGENT_ROUTES,
    groups: Object.keys(agentGroups)
      .sort()
      .map((name) => groupState(name, agentGroups[name]!)),
    agents: Object.keys(agents)
      .sort()
      .map((name) => agentState(name, withDefaults(agents[name]!, agentDefaults), modelNames)),
  };
}

/** An agent with the defaults of all; its labels are added to theirs. */
export function withDefaults(agent: AgentProps, defaults: AgentProps = {}): AgentProps {
  const given = Object.fromEntries(Object.entries(agent).filter(([, value]) => value !== undefined)) as AgentProps;
  const labels = { ...defaults.labels, ...agent.labels };
  return { ...defaults, ...given, ...(Object.keys(labels).length > 0 && { labels }) };
}

function agentState(name: string, agent: AgentProps, modelNames: readonly string[]): AgentState {
  const { models = modelNames, enabled = true, expires, qpm, tpm, dailyTokens, dailyBudgetUsd, group, labels } = agent;
  return {
    name,
    secretName: `${AGENT_SECRETS}/${name}`,
    models,
    enabled,
    qpm,
    tpm,
    dailyTokens,
    dailyBudgetUsd,
    expires: expires === undefined ? undefined : instant(expires).toISOString(),
    group,
    labels,
  };
}

function groupState(name: string, { dailyBudgetUsd, monthlyBudgetUsd }: AgentGroupProps): GroupState {
  return dailyBudgetUsd === undefined
    ? { name, budgetUsd: monthlyBudgetUsd!, budgetPeriod: "month" }
    : { name, budgetUsd: dailyBudgetUsd, budgetPeriod: "day" };
}

/** A day ends with itself. */
export function instant(expires: string): Date {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(expires);
  return isDay ? new Date(Date.parse(`${expires}T00:00:00Z`) + DAY_MS) : new Date(expires);
}

const DAY_MS = 86_400_000;
