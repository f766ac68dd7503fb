import type { AgentState } from "../../litellm/agents";
import type { Route } from "../../litellm/routes";
import { CommandError } from "../command-error";
import { failureCode, StoreError } from "../secrets/store-error";
import { AdminApi, AdminApiError, keyHash, KeySpec, Lifetime, LiveKey } from "./admin-api";
import { agentOf, Difference, differences, keySpec, shortHash, Standing } from "./key-spec";

/** An agent and the key that it has in the store. */
export interface AgentKey {
  readonly agent: AgentState;
  readonly key: string;
}

/** What was done for an agent. */
export interface Outcome {
  readonly agent: string;
  /** `ended`: it has come to its `expires`, and needs no key. */
  readonly action: "made" | "changed" | "unchanged" | "ended" | "rotated" | "revoked" | "failed";
  /** What its key is called: the first digits of its hash. */
  readonly key?: string;
  readonly changes?: readonly Difference[];
  /** What else is to be known. */
  readonly note?: string;
  /** Of a failure, why. */
  readonly problem?: string;
}

/** What keys are held against. */
export interface Rules {
  readonly routes: readonly Route[];
  /** How long a key lives on that another has taken the place of. */
  readonly overlapMs: number;
}

/** How long a key lives on unless a call says otherwise. */
export const OVERLAP_MS = 24 * 3_600_000;
/** An expiry that differs by less is the same: LiteLLM counts it from when it hears of it. */
const SAME_MS = 60_000;

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
  const live = byAgent(await api.list());
  const rules = { routes, overlapMs: OVERLAP_MS };
  return Promise.all(
    wanted.map(async (one) => {
      const outcome = await orFailure(one.agent.name, () => settleKeys(api, rules, one, live.get(one.agent.name) ?? []));
      done(outcome);
      return outcome;
    }),
  );
}

/** Keys by the agent that they were made for; keys of others are not among them. */
export function byAgent(keys: readonly LiveKey[]): ReadonlyMap<string, readonly LiveKey[]> {
  const found = new Map<string, LiveKey[]>();
  for (const key of keys) {
    const agent = agentOf(key);
    if (agent === undefined) continue;
    found.set(agent, [...(found.get(agent) ?? []), key]);
  }
  return found;
}

/**
 * Makes all keys of one agent as they should be: the one in the store is made or changed, others of the agent get their
 * end, and those that have ended are removed. The others come first: whoever finds the one in the store right need not ask
 * for them.
 */
export async function settleKeys(api: AdminApi, rules: Rules, { agent, key }: AgentKey, live: readonly LiveKey[]): Promise<Outcome> {
  const hash = keyHash(key);
  const others = await settleOthers(api, rules, agent, live, hash);
  const own = await settleKey(
    api,
    rules,
    agent,
    key,
    live.find(({ token }) => token === hash),
  );
  if (others.length === 0) return own;
  return { ...own, action: own.action === "unchanged" ? "changed" : own.action, note: others.join("; ") };
}

/** Makes the key of the store what it should be, by one call at most. */
export async function settleKey(api: AdminApi, rules: Rules, agent: AgentState, key: string, found: LiveKey | undefined): Promise<Outcome> {
  const hash = keyHash(key);
  const named = { agent: agent.name, key: shortHash(hash) };
  const change = found === undefined ? undefined : changeOf(found, agent, rules, "current", api.now());
  if (found !== undefined && change === undefined) return { ...named, action: "unchanged" };
  if (change !== undefined && (await api.update(hash, change.spec))) return { ...named, action: "changed", changes: change.differences };
  if (hasEnded(agent, api.now())) return { ...named, action: "ended" };
  await api.generate(key, { ...keySpec(agent, hash, rules.routes), ...lifetime(endOf(agent), api.now()) });
  return { ...named, action: "made" };
}

/** Why the key that the store holds for an agent can not become its own: the gateway knows it as somebody else's. */
export function foreignProblem(agent: AgentState, found: LiveKey | undefined): string | undefined {
  if (found === undefined || agentOf(found) === agent.name) return undefined;
  const owner = agentOf(found) ?? "somebody that we have made none for";
  return `what its secret holds is key ${shortHash(found.token)} of ${owner}; \`keys revoke ${agent.name}\` and \`keys apply\` give it one of its own`;
}

/** LiteLLM would say that it has made it, and change nothing. @throws CommandError {@link foreignProblem} */
export function refuseForeign(agent: AgentState, found: LiveKey | undefined): void {
  const problem = foreignProblem(agent, found);
  if (problem !== undefined) throw new CommandError(problem);
}

/** Gives other keys of an agent than the one in the store their end, and removes those that have ended; answers what was done. */
export async function settleOthers(
  api: AdminApi,
  rules: Rules,
  agent: AgentState,
  live: readonly LiveKey[],
  current: string,
): Promise<string[]> {
  const said: string[] = [];
  for (const other of live.filter(({ token }) => token !== current)) {
    const name = shortHash(other.token);
    if (isOver(other, api.now())) {
      await api.remove(other.token);
      said.push(`removed ${name}, which had ended`);
      continue;
    }
    const change = changeOf(other, agent, rules, "outgoing", api.now());
    if (change !== undefined && (await api.update(other.token, change.spec))) said.push(`${name} ${endText(change.end)}`);
  }
  return said;
}

/** What brings a key to what it should be. */
export interface Change {
  readonly spec: KeySpec & Lifetime;
  readonly differences: readonly Difference[];
  /** When it ends then, in milliseconds. */
  readonly end?: number;
}

/** Undefined where a key is as it should be. */
export function changeOf(live: LiveKey, agent: AgentState, rules: Rules, standing: Standing, now: number): Change | undefined {
  const wanted = keySpec(agent, live.token, rules.routes, standing);
  // One that was shut is never opened again by being another's forerunner.
  const spec = standing === "outgoing" && live.blocked === true ? { ...wanted, blocked: true } : wanted;
  const is = expiryOf(live);
  const end = standing === "current" ? endOf(agent) : outgoingEnd(live, agent, now + rules.overlapMs);
  const sameEnd = isSameEnd(is, end, now);
  const found = [...differences(live, spec), ...(sameEnd ? [] : [{ what: "expires", is: instantText(is), should: instantText(end) }])];
  if (found.length === 0) return undefined;
  return { spec: sameEnd ? spec : { ...spec, ...lifetime(end, now) }, differences: found, end };
}

/** One that is over by the clock of either side is over: a key that is to end at once lives on for a second. */
function isSameEnd(is: number | undefined, end: number | undefined, now: number): boolean {
  if (is === undefined || end === undefined) return is === end;
  return Math.abs(is - end) < SAME_MS || Math.max(is, end) <= now + SAME_MS;
}

/** Whether an agent has come to its end. */
export function hasEnded(agent: AgentState, now: number): boolean {
  const end = endOf(agent);
  return end !== undefined && end <= now;
}

/** Whether a key has come to its end. */
export function isOver(key: LiveKey, now: number): boolean {
  const end = expiryOf(key);
  return end !== undefined && end <= now;
}

/** When a key ends, in milliseconds; undefined: never. */
export function expiryOf({ expires }: LiveKey): number | undefined {
  if (!expires) return undefined;
  // Where LiteLLM names no zone, it is UTC.
  return Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(expires) ? expires : `${expires}Z`);
}

/** Answers why something failed, without words that may repeat what was sent. */
export function problemOf(error: unknown): string {
  const known = [AdminApiError, StoreError, CommandError].some((kind) => error instanceof kind);
  return known ? (error as Error).message : `it failed with ${failureCode(error)}`;
}

/** What was done for an agent, or that it failed. */
export async function orFailure(agent: string, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    return { agent, action: "failed", problem: problemOf(error) };
  }
}

function endOf({ expires }: AgentState): number | undefined {
  return expires === undefined ? undefined : Date.parse(expires);
}

/** Never later than the agent's own end, nor than the one that it has; one that was given its end before keeps it. */
function outgoingEnd(live: LiveKey, agent: AgentState, overlapped: number): number {
  const has = expiryOf(live);
  const given = live.metadata?.aigw_outgoing === true && has !== undefined ? has : overlapped;
  return Math.min(given, has ?? Infinity, endOf(agent) ?? Infinity);
}

function lifetime(end: number | undefined, now: number): Lifetime {
  return { duration: end === undefined ? null : `${Math.max(1, Math.ceil((end - now) / 1000))}s` };
}

function instantText(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}

function endText(end: number | undefined): string {
  return end === undefined ? "is as it should be" : `ends ${new Date(end).toISOString().slice(0, 16)}Z`;
}
