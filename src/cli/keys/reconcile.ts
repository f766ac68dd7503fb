import type { AgentState } from "../../litellm/agents";
import type { Route } from "../../litellm/routes";
import { AdminApi, keyHash, KeySpec, LiveKey } from "./admin-api";

/** What `agents.json` says. */
export interface DesiredState {
  readonly version: 1;
  readonly routes: readonly Route[];
  readonly agents: readonly AgentState[];
}

/** An agent and the key that it has in the store. */
export interface AgentKey {
  readonly agent: AgentState;
  readonly key: string;
}

/** What was done for an agent. */
export interface Outcome {
  readonly agent: string;
  readonly action: "made" | "changed" | "unchanged" | "failed";
  /** Of a failure, why. */
  readonly problem?: string;
}

const AT_ONCE = 8;

/**
 * Makes the gateway's keys as they are desired: one list, then a call for each key that is not so already. Nothing is
 * written for the others, so a second run writes nothing. One agent's failure holds up no other one.
 */
export async function reconcile(
  api: AdminApi,
  routes: readonly Route[],
  wanted: readonly AgentKey[],
  done: (outcome: Outcome) => void = () => undefined,
): Promise<Outcome[]> {
  const live = new Map((await api.list()).map((key) => [key.token, key]));
  const outcomes: Outcome[] = [];
  const queue = [...wanted];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const outcome = await agentsKey(api, routes, next, live);
      outcomes.push(outcome);
      done(outcome);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return outcomes.sort((a, b) => (a.agent < b.agent ? -1 : 1));
}

async function agentsKey(
  api: AdminApi,
  routes: readonly Route[],
  { agent, key }: AgentKey,
  live: ReadonlyMap<string, LiveKey>,
): Promise<Outcome> {
  const hash = keyHash(key);
  const spec = keySpec(agent, hash, routes);
  const found = live.get(hash);
  if (found !== undefined && isAs(found, spec)) return { agent: agent.name, action: "unchanged" };
  try {
    if (found !== undefined && (await api.update(hash, spec))) return { agent: agent.name, action: "changed" };
    await api.generate(key, spec);
    return { agent: agent.name, action: "made" };
  } catch (error) {
    return { agent: agent.name, action: "failed", problem: (error as Error).message };
  }
}

/** An agent's limits as LiteLLM holds them; its day of tokens is held by the node's plugin, over all keys of the agent. */
export function keySpec(agent: AgentState, hash: string, routes: readonly Route[]): KeySpec {
  return {
    // Aliases are unique in a gateway, and an agent has two keys while one replaces the other.
    key_alias: `${agent.name}-${hash.slice(0, 8)}`,
    models: agent.models,
    allowed_routes: [...new Set(routes.map(({ path }) => path))],
    rpm_limit: agent.qpm ?? null,
    tpm_limit: agent.tpm ?? null,
    max_budget: agent.dailyBudgetUsd ?? null,
    budget_duration: agent.dailyBudgetUsd === undefined ? null : "1d",
    metadata: { aigw_agent: agent.name, ...(agent.dailyTokens === undefined ? {} : { aigw_daily_tokens: agent.dailyTokens }) },
  };
}

function isAs(live: LiveKey, spec: KeySpec): boolean {
  return Object.entries(spec).every(([name, value]) => same(live[name as keyof KeySpec] ?? null, value));
}

/** LiteLLM keeps metadata of its own beside ours; lists are sets. */
function same(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) return Array.isArray(live) && sorted(live) === sorted(wanted);
  if (typeof wanted === "object" && wanted !== null) {
    const held = (live ?? {}) as Record<string, unknown>;
    const ours = Object.entries(wanted as Record<string, unknown>);
    return (
      ours.every(([name, value]) => same(held[name] ?? null, value)) &&
      Object.keys(held).every((name) => !name.startsWith("aigw_") || name in wanted)
    );
  }
  return live === wanted;
}

function sorted(list: readonly unknown[]): string {
  return JSON.stringify([...list].sort());
}
