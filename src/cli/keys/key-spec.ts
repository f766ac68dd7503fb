import type { AgentState, GroupState } from "../../litellm/agents";
import { keyRoutes, type Route } from "../../litellm/routes";
import { KeySpec, LiveKey, LiveTeam, TeamSpec } from "./admin-api";

/** Something that is otherwise at the gateway than it should be. */
export interface Difference {
  /** In the words of the props, where there is one for it. */
  readonly what: string;
  readonly is: unknown;
  readonly should: unknown;
}

/** What a key is for: the one in the store, or one that another has taken the place of and that ends by itself. */
export type Standing = "current" | "outgoing";

/**
 * An agent's key as LiteLLM holds it. All limits of an agent stand in the metadata: the node's plugin counts them over all
 * keys of the agent. LiteLLM's own would count for each key by itself, and so are taken away.
 */
export function keySpec(agent: AgentState, hash: string, routes: readonly Route[], standing: Standing = "current"): KeySpec {
  return {
    // Aliases are unique in a gateway, and an agent has two keys while one replaces the other.
    key_alias: keyAlias(agent.name, hash),
    models: agent.models,
    allowed_routes: keyRoutes(routes),
    rpm_limit: null,
    tpm_limit: null,
    max_budget: null,
    budget_duration: null,
    team_id: agent.group === undefined ? null : teamId(agent.group),
    blocked: !agent.enabled,
    metadata: given({
      aigw_agent: agent.name,
      aigw_qpm: agent.qpm,
      aigw_tpm: agent.tpm,
      aigw_daily_tokens: agent.dailyTokens,
      aigw_daily_budget_usd: agent.dailyBudgetUsd,
      aigw_group: agent.group,
      aigw_labels: agent.labels,
      aigw_outgoing: standing === "outgoing" ? true : undefined,
    }),
  };
}

/** The name of an agent's key at the gateway. */
export function keyAlias(agent: string, hash: string): string {
  return `${agent}-${shortHash(hash)}`;
}

/** What a key is called where people see it. */
export function shortHash(hash: string): string {
  return hash.slice(0, 8);
}

/** The budget of a group, as LiteLLM holds it: the first of a calendar month, or midnight, begins it anew. */
export function teamSpec({ name, budgetUsd, budgetPeriod }: GroupState): TeamSpec {
  return {
    team_id: teamId(name),
    team_alias: teamId(name),
    max_budget: budgetUsd,
    budget_duration: budgetPeriod === "month" ? "1mo" : "1d",
    metadata: { aigw_group: name },
  };
}

/** The team that a group is. */
export function teamId(group: string): string {
  return `aigw-${group}`;
}

/** The agent that a key was made for by us. */
export function agentOf({ metadata }: LiveKey): string | undefined {
  return typeof metadata?.aigw_agent === "string" ? metadata.aigw_agent : undefined;
}

/** The group that a team was made for by us. */
export function groupOf({ metadata }: LiveTeam): string | undefined {
  return typeof metadata?.aigw_group === "string" ? metadata.aigw_group : undefined;
}

/** All that a key or a team has otherwise than it should; what LiteLLM keeps beside that is its own. */
export function differences(live: LiveKey | LiveTeam, spec: KeySpec | TeamSpec): Difference[] {
  return Object.entries(spec).flatMap(([field, should]) => {
    const is = (live as unknown as Record<string, unknown>)[field];
    return field === "metadata" ? inMetadata(is, should as KeySpec["metadata"]) : one(field, is, should);
  });
}

function inMetadata(live: unknown, wanted: KeySpec["metadata"]): Difference[] {
  const held = (live ?? {}) as Record<string, unknown>;
  const ours = new Set([...Object.keys(wanted), ...Object.keys(held).filter((name) => name.startsWith("aigw_"))]);
  return [...ours].flatMap((name) => one(name, held[name], wanted[name]));
}

function one(field: string, is: unknown, should: unknown): Difference[] {
  return canonical(is) === canonical(should) ? [] : [{ what: WORDS[field] ?? field, is: is ?? null, should: should ?? null }];
}

/** Lists are sets, the order of names is of no matter, and what is not there is neither false. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return JSON.stringify([...(value as unknown[])].sort());
  if (typeof value === "object" && value !== null) {
    return JSON.stringify(Object.entries(value).sort(([first], [second]) => (first < second ? -1 : 1)));
  }
  return JSON.stringify(value === false ? null : (value ?? null));
}

const WORDS: Readonly<Record<string, string>> = {
  allowed_routes: "routes",
  rpm_limit: "LiteLLM's own rpm limit",
  tpm_limit: "LiteLLM's own tpm limit",
  max_budget: "budget",
  budget_duration: "budget period",
  team_id: "team",
  key_alias: "alias",
  team_alias: "alias",
  blocked: "switched off",
  aigw_agent: "agent",
  aigw_qpm: "qpm",
  aigw_tpm: "tpm",
  aigw_daily_tokens: "dailyTokens",
  aigw_daily_budget_usd: "dailyBudgetUsd",
  aigw_group: "group",
  aigw_labels: "labels",
  aigw_outgoing: "outgoing",
};

function given(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
