import type { AgentState } from "../../litellm/agents";
import { table } from "../table";
import { LiveKey } from "./admin-api";
import { agentOf, shortHash } from "./key-spec";
import { KeysContext } from "./open-keys";
import { byAgent, expiryOf, hasEnded, isOver } from "./reconcile";

/** A key as it is told: by the first digits of its hash, never by its own. */
interface ListedKey {
  readonly agent: string;
  readonly key: string | null;
  /** `absent`: the agent has no key at the gateway; `not declared`: `apply` would revoke it. */
  readonly state: "live" | "outgoing" | "switched off" | "ended" | "absent" | "not declared";
  readonly models: readonly string[];
  readonly qpm: unknown;
  readonly tpm: unknown;
  readonly dailyTokens: unknown;
  readonly dailyBudgetUsd: unknown;
  readonly group: unknown;
  readonly expires: string | null;
}

/** Tells the agents' keys that the gateway knows, and the agents without one. Keys of others are not told. */
export async function list(context: KeysContext): Promise<void> {
  const { desired, gateway, report } = context;
  const api = await context.api();
  const live = byAgent(await api.list());
  const named = new Set(desired.agents.map(({ name }) => name));
  const keys = [...live.values()].flat().map((key) => listed(key, named, api.now()));
  const without = desired.agents.filter(({ name }) => !live.has(name)).map((agent) => absent(agent, api.now()));
  const all = [...keys, ...without].sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));
  if (report.json) report.line(JSON.stringify({ gateway, keys: all }, null, 2));
  else table(HEADS, all.map(row)).forEach(report.line);
}

const HEADS = ["AGENT", "KEY", "STATE", "QPM", "TPM", "TOKENS/DAY", "USD/DAY", "GROUP", "EXPIRES", "MODELS"];

function row(key: ListedKey): string[] {
  const { agent, state, models, expires } = key;
  const cells = [key.key, state, key.qpm, key.tpm, key.dailyTokens, key.dailyBudgetUsd, key.group, expires?.slice(0, 16)];
  return [agent, ...cells.map((cell) => (cell === null || cell === undefined ? "-" : String(cell as string | number))), models.join(",")];
}

function listed(key: LiveKey, named: ReadonlySet<string>, now: number): ListedKey {
  const { metadata = {}, models = [] } = key;
  const agent = agentOf(key)!;
  const end = expiryOf(key);
  return {
    agent,
    key: shortHash(key.token),
    state: stateOf(key, named.has(agent), now),
    models,
    qpm: metadata.aigw_qpm ?? null,
    tpm: metadata.aigw_tpm ?? null,
    dailyTokens: metadata.aigw_daily_tokens ?? null,
    dailyBudgetUsd: metadata.aigw_daily_budget_usd ?? null,
    group: metadata.aigw_group ?? null,
    expires: end === undefined ? null : new Date(end).toISOString(),
  };
}

function stateOf(key: LiveKey, isNamed: boolean, now: number): ListedKey["state"] {
  if (isOver(key, now)) return "ended";
  if (key.blocked === true) return "switched off";
  if (!isNamed) return "not declared";
  return key.metadata?.aigw_outgoing === true ? "outgoing" : "live";
}

function absent(agent: AgentState, now: number): ListedKey {
  const { name, models, qpm = null, tpm = null, dailyTokens = null, dailyBudgetUsd = null, group = null, expires = null } = agent;
  const state = hasEnded(agent, now) ? "ended" : "absent";
  return { agent: name, key: null, state, models, qpm, tpm, dailyTokens, dailyBudgetUsd, group, expires };
}

function sortKey({ agent, state, key }: ListedKey): string {
  return `${agent} ${state === "outgoing" ? 1 : 0} ${key ?? ""}`;
}
