import { setTimeout as sleep } from "node:timers/promises";
import type { AgentState } from "../../litellm/agents";
import { CommandError, EXIT } from "../command-error";
import { mint } from "../secrets/secret-value";
import { StoreError } from "../secrets/store-error";
import { AdminApi, keyHash, LiveKey } from "./admin-api";
import { AGENTS_AT_ONCE, rulesOf } from "./apply";
import { atOnce } from "./at-once";
import { shortHash, teamId } from "./key-spec";
import { KeysContext } from "./open-keys";
import { byAgent, hasEnded, orFailure, Outcome, OVERLAP_MS, Rules, settleKey, settleOthers } from "./reconcile";

/** Which keys are rotated, and how. */
export interface RotateOptions {
  readonly all?: boolean;
  /** Of all, those that are at least so old, in milliseconds. */
  readonly olderThan?: number;
  /** How long an old key works on, in milliseconds. @default - 24 hours */
  readonly overlap?: number;
  /** How often, and with which pause in milliseconds, a new key is tried and read back before it counts as refused. */
  readonly proof?: { readonly tries: number; readonly pauseMs: number };
}

const DAY_MS = 86_400_000;
const PROOF = { tries: 5, pauseMs: 1_000 };

/** Gives agents new keys; the old ones work on for the overlap, then end by themselves. */
export async function rotate(context: KeysContext, name: string | undefined, options: RotateOptions): Promise<void> {
  const { desired, gateway, report } = context;
  const { all = false, olderThan, overlap = OVERLAP_MS } = options;
  if ((name === undefined) !== all) throw new CommandError("name an agent, or give --all", EXIT.wronglyCalled);
  if (olderThan !== undefined && !all) throw new CommandError("--older-than goes with --all", EXIT.wronglyCalled);
  const agents = name === undefined ? desired.agents : [context.agent(name)];
  refuseLongOverlap(agents, overlap);
  const api = await context.api();
  const [live, turn, rules] = [byAgent(await api.list()), atOnce(AGENTS_AT_ONCE), rulesOf(context, overlap)];
  report.expect(agents.length);
  await Promise.all(
    agents.map((agent) =>
      turn(async () => {
        const keys = live.get(agent.name) ?? [];
        report.done(await orFailure(agent.name, () => rotateIfDue(context, api, rules, agent, keys, options)));
      }),
    ),
  );
  report.end(gateway);
}

/** What ends sooner than its overlap would leave its agent without a key. */
function refuseLongOverlap(agents: readonly AgentState[], overlap: number): void {
  const end = Date.now() + overlap;
  const short = agents.filter(({ expires }) => expires !== undefined && Date.parse(expires) > Date.now() && Date.parse(expires) < end);
  if (short.length === 0) return;
  const named = short.map(({ name, expires }) => `${name} (expires ${expires})`).join(", ");
  throw new CommandError(
    `--overlap: ${hoursText(overlap)} is longer than what is left of ${named}; give a shorter one`,
    EXIT.wronglyCalled,
  );
}

async function rotateIfDue(
  context: KeysContext,
  api: AdminApi,
  rules: Rules,
  agent: AgentState,
  live: readonly LiveKey[],
  options: RotateOptions,
): Promise<Outcome> {
  const { secrets } = context;
  const { all = false, olderThan, proof = PROOF } = options;
  const reason = await notDue(context, api, agent, olderThan);
  if (reason !== undefined && !all) throw new CommandError(reason);
  if (reason === undefined) return rotateOne(context, api, rules, agent, live, proof);
  // A rotation that was interrupted may have left an old key without an end.
  const key = await secrets.key(agent.name);
  const others = key === undefined ? [] : await settleOthers(api, rules, agent, live, keyHash(key));
  return { agent: agent.name, action: others.length === 0 ? "unchanged" : "changed", note: [reason, ...others].join("; ") };
}

/** Why an agent's key is not rotated; undefined: it is. */
async function notDue({ secrets }: KeysContext, api: AdminApi, agent: AgentState, olderThan?: number): Promise<string | undefined> {
  if (hasEnded(agent, api.now())) return "it has come to its expires; it needs no key";
  if (!agent.enabled) return "it is switched off, and a key that is not let in can not be proved";
  if (olderThan === undefined) return undefined;
  const made = await secrets.madeAt(agent.name);
  if (made === undefined) return undefined;
  const age = Date.now() - made.getTime();
  return age >= olderThan ? undefined : `its key is ${Math.floor(age / DAY_MS)} days old`;
}

/**
 * The gateway first, so that no agent reads a key that it does not know; then the store; then the old key's end. Whatever of
 * it is interrupted leaves a key that works in the store, and at the gateway at most one more that never ends: the next
 * `apply` or `rotate` gives that its end.
 */
async function rotateOne(
  { secrets }: KeysContext,
  api: AdminApi,
  rules: Rules,
  agent: AgentState,
  live: readonly LiveKey[],
  proof: typeof PROOF,
): Promise<Outcome> {
  const old = await secrets.key(agent.name);
  if (old === undefined) throw new CommandError(`it has no key yet; run \`keys apply --agent ${agent.name}\``);
  if (agent.group !== undefined && (await api.team(teamId(agent.group))) === undefined) {
    throw new CommandError(`its group ${agent.group} is not there yet; run \`keys apply --group ${agent.group}\``);
  }
  const key = mint();
  const hash = keyHash(key);
  await settleKey(api, rules, agent, key, undefined);
  const isProved = (): Promise<boolean> => provedKey(api, key, proof);
  if (!(await isProved())) {
    await api.remove(hash);
    throw new CommandError("the gateway refuses its new key, which is deleted again; the old one is untouched");
  }
  await replaceOrRemove(secrets.replace(agent.name, key), api, hash, () => secrets.key(agent.name));
  const read = await readBack(() => secrets.key(agent.name), old, proof);
  if (read === old) throw new CommandError("the store answers with the old key still, so neither is ended; run `keys apply` in a while");
  if (read !== key) {
    // Agents may have read ours meanwhile.
    await settleOthers(api, rules, agent, [{ token: hash }], "");
    throw new CommandError("another one has written its secret at the same time; that key stands, and ours ends by itself");
  }
  if (!(await isProved())) {
    await secrets.restore(agent.name);
    await api.remove(hash);
    throw new CommandError("the gateway refuses its new key, so the store has the old one again; the old one is untouched");
  }
  const said = await settleOthers(api, rules, agent, live, hash);
  const known = live.some(({ token }) => token === keyHash(old));
  const note = known ? `the old one, ${said.join("; ")}` : "the gateway did not know the old one";
  return { agent: agent.name, action: "rotated", key: shortHash(hash), note };
}

/** Whether a key came into the store is asked where the store did not say; one that it refused is of use to nobody. */
async function replaceOrRemove(
  writing: Promise<void>,
  api: AdminApi,
  hash: string,
  current: () => Promise<string | undefined>,
): Promise<void> {
  try {
    await writing;
  } catch (error) {
    const now = await current().catch(() => undefined);
    if (now !== undefined && keyHash(now) === hash) return;
    // Of any other failure it is not sure that the key will not be there: the next apply gives it its end.
    if (error instanceof StoreError && error.isRefusal) await api.remove(hash);
    throw error;
  }
}

/** A store may answer with what was there before for a moment. */
async function readBack(
  read: () => Promise<string | undefined>,
  old: string,
  { tries, pauseMs }: typeof PROOF,
): Promise<string | undefined> {
  for (let tried = 1; ; tried += 1) {
    const value = await read();
    if (value !== old || tried >= tries) return value;
    await sleep(pauseMs);
  }
}

async function provedKey(api: AdminApi, key: string, { tries, pauseMs }: typeof PROOF): Promise<boolean> {
  for (let tried = 1; ; tried += 1) {
    if (await api.letsIn(key)) return true;
    if (tried >= tries) return false;
    await sleep(pauseMs);
  }
}

function hoursText(milliseconds: number): string {
  const hours = milliseconds / 3_600_000;
  return hours >= 1 ? `${Number(hours.toFixed(1))} h` : `${Math.round(milliseconds / 1000)} s`;
}
