import type { AgentState } from "../../litellm/agents";
import { CommandError } from "../command-error";
import { table } from "../table";
import { AdminApi, KeyActivity, LiveTeam } from "./admin-api";
import { keyAlias, shortHash, teamId } from "./key-spec";
import { KeysContext } from "./open-keys";
import { byAgent } from "./reconcile";

/** What was used. */
interface Used {
  readonly requests: number;
  readonly tokens: number;
  readonly spendUsd: number;
}

/** An agent's use of today against its caps. */
interface AgentUsage extends Used {
  readonly agent: string;
  readonly dailyTokens: number | null;
  readonly dailyBudgetUsd: number | null;
  readonly suggested?: { readonly dailyTokens: number; readonly dailyBudgetUsd: number };
}

/** A group's use of its running day or month. */
interface GroupUsage {
  readonly group: string;
  readonly spendUsd: number;
  readonly budgetUsd: number;
  readonly budgetPeriod: "day" | "month";
}

const DAY_MS = 86_400_000;
const DAYS = 30;
const QUANTILE = 0.99;
/** Room for a day that is busier than any before, yet far from what a run-away agent uses. */
const HEADROOM = 10;
const NOTHING: Used = { requests: 0, tokens: 0, spendUsd: 0 };

/** Tells what each agent has used today against its caps, and each group of its budget; with `suggest`, caps by the last 30 days. */
export async function usage(context: KeysContext, suggest: boolean): Promise<void> {
  const { desired, gateway, report } = context;
  const api = await context.api();
  const [keys, teams] = await Promise.all([api.list(), desired.groups.length > 0 ? api.teams() : []]);
  const owners = new Map([...byAgent(keys)].flatMap(([agent, own]) => own.map(({ token }): [string, string] => [token, agent])));
  const day = dayText(api.now());
  const today = await usedOn(api, owners, day);
  const before = suggest ? await Promise.all(daysBefore(api.now()).map((one) => usedOn(api, owners, one))) : [];
  const agents = desired.agents.map((agent) => usageOf(agent, today, before));
  const groups = desired.groups.map(({ name, budgetUsd, budgetPeriod }): GroupUsage => ({
    group: name,
    spendUsd: spendOf(teams, teamId(name)),
    budgetUsd,
    budgetPeriod,
  }));
  if (report.json) report.line(JSON.stringify({ gateway, day, agents, groups }, null, 2));
  else [...agentsText(day, agents, suggest), ...groupsText(groups)].forEach(report.line);
}

/** What each agent used on a day, with all keys that it has and had. */
async function usedOn(api: AdminApi, owners: ReadonlyMap<string, string>, day: string): Promise<ReadonlyMap<string, Used>> {
  const rows = await api.activity(day, day);
  if (rows === undefined) {
    throw new CommandError(
      "the admin listener does not let GET /user/daily/activity/aggregated/keys through; apply the stack with this version",
    );
  }
  const used = new Map<string, Used>();
  for (const row of rows) {
    const agent = owners.get(row.api_key) ?? ownerByAlias(row);
    if (agent === undefined) continue;
    const { total_tokens: tokens, spend: spendUsd, api_requests: requests } = row.metrics;
    const sum = used.get(agent) ?? NOTHING;
    used.set(agent, { requests: sum.requests + requests, tokens: sum.tokens + tokens, spendUsd: sum.spendUsd + spendUsd });
  }
  return used;
}

/** A key that is deleted has left its alias, which names its agent. */
function ownerByAlias({ api_key: hash, metadata }: KeyActivity): string | undefined {
  const alias = metadata.key_alias ?? "";
  const agent = alias.slice(0, -1 - shortHash(hash).length);
  return agent !== "" && alias === keyAlias(agent, hash) ? agent : undefined;
}

function usageOf(agent: AgentState, today: ReadonlyMap<string, Used>, before: readonly ReadonlyMap<string, Used>[]): AgentUsage {
  const { name, dailyTokens = null, dailyBudgetUsd = null } = agent;
  const used = { agent: name, ...(today.get(name) ?? NOTHING), dailyTokens, dailyBudgetUsd };
  const days = before.map((day) => day.get(name) ?? NOTHING);
  if (!days.some(({ requests }) => requests > 0)) return used;
  const cap = (values: readonly number[]): number => roundedUp(HEADROOM * quantile(values));
  return {
    ...used,
    suggested: { dailyTokens: Math.ceil(cap(days.map(({ tokens }) => tokens))), dailyBudgetUsd: cap(days.map(({ spendUsd }) => spendUsd)) },
  };
}

/** The least of the values that so many of all do not exceed. */
function quantile(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.ceil(QUANTILE * sorted.length) - 1]!;
}

/** Two digits: more would claim to be exact. */
function roundedUp(value: number): number {
  if (value <= 0) return 0;
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.ceil(Number((value / unit).toPrecision(12))) * unit).toPrecision(2));
}

function spendOf(teams: readonly LiveTeam[], id: string): number {
  return teams.find(({ team_id: one }) => one === id)?.spend ?? 0;
}

function agentsText(day: string, agents: readonly AgentUsage[], suggest: boolean): string[] {
  const heads = [
    "AGENT",
    `REQUESTS ${day}`,
    "TOKENS",
    "OF",
    "",
    "USD",
    "OF",
    "",
    ...(suggest ? ["SUGGESTED TOKENS", "SUGGESTED USD"] : []),
  ];
  const rows = agents.map(({ agent, requests, tokens, spendUsd, dailyTokens, dailyBudgetUsd, suggested }) => [
    agent,
    String(requests),
    String(tokens),
    dailyTokens === null ? "-" : String(dailyTokens),
    shareText(tokens, dailyTokens),
    spendUsd.toFixed(4),
    dailyBudgetUsd === null ? "-" : String(dailyBudgetUsd),
    shareText(spendUsd, dailyBudgetUsd),
    ...(suggest ? [String(suggested?.dailyTokens ?? "-"), String(suggested?.dailyBudgetUsd ?? "-")] : []),
  ]);
  return table(heads, rows);
}

function groupsText(groups: readonly GroupUsage[]): string[] {
  if (groups.length === 0) return [];
  const rows = groups.map(({ group, spendUsd, budgetUsd, budgetPeriod }) => [
    group,
    spendUsd.toFixed(4),
    String(budgetUsd),
    shareText(spendUsd, budgetUsd),
    budgetPeriod,
  ]);
  return ["", ...table(["GROUP", "USD", "OF", "", "EACH"], rows)];
}

function shareText(used: number, cap: number | null): string {
  return cap === null || cap === 0 ? "" : `${Math.round((100 * used) / cap)} %`;
}

function daysBefore(now: number): string[] {
  return Array.from({ length: DAYS }, (_, index) => dayText(now - (index + 1) * DAY_MS));
}

/** LiteLLM keeps use by days in UTC. */
function dayText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}
