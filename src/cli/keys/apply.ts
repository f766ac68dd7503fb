import type { AgentState } from "../../litellm/agents";
import { CommandError, EXIT } from "../command-error";
import { unknownWord } from "../secrets/secret-value";
import { AdminApi, AdminApiError, keyHash, LiveKey } from "./admin-api";
import { atOnce } from "./at-once";
import { removeGroups, settleGroup } from "./groups";
import { shortHash, teamId } from "./key-spec";
import { KeysContext } from "./open-keys";
import { PriceCheck, priceCheck } from "./prices";
import { byAgent, changeOf, hasEnded, orFailure, Outcome, OVERLAP_MS, refuseForeign, Rules, settleKey, settleKeys } from "./reconcile";
import { absentAgents, revokeAgent } from "./revoke";

/** What {@link apply} works on; nothing: on all, and on what is named no more. */
export interface ApplyOptions {
  readonly agent?: string;
  readonly group?: string;
}

/** So many agents are worked on at a time: the store answers while the gateway, of which eight things are asked, is busy. */
export const AGENTS_AT_ONCE = 24;

/** Makes the store and the gateway agree with what is desired. */
export async function apply(context: KeysContext, { agent, group }: ApplyOptions = {}): Promise<void> {
  if (agent !== undefined && group !== undefined) throw new CommandError("--agent or --group, not both", EXIT.wronglyCalled);
  if (agent !== undefined) await applyAgent(context, context.agent(agent));
  else if (group !== undefined) await applyGroup(context, group);
  else await applyAll(context);
  context.report.end(context.gateway);
}

/** How an agent's keys are held against the desired state. */
export function rulesOf({ desired }: KeysContext, overlapMs = OVERLAP_MS): Rules {
  return { routes: desired.routes, overlapMs };
}

async function applyGroup(context: KeysContext, name: string): Promise<void> {
  const { desired, gateway, report } = context;
  const group = desired.groups.find((one) => one.name === name);
  const known = desired.groups.map((one) => one.name);
  if (group === undefined) throw new CommandError(unknownWord(name, `a group of agents of ${gateway}`, known), EXIT.wronglyCalled);
  const api = await context.api();
  report.done(await settleGroup(api, group, (await api.team(teamId(name)))?.team_info));
}

async function applyAgent(context: KeysContext, agent: AgentState): Promise<void> {
  const api = await context.api();
  const outcome = await orFailure(agent.name, () => oneAgent(context, api, agent));
  context.report.done(outcome);
  await tellPrices(context, priceCheck(api), agent, outcome);
}

/** One question where nothing is to be done. Other keys of the agent are asked for only where its own is changed. */
async function oneAgent(context: KeysContext, api: AdminApi, agent: AgentState): Promise<Outcome> {
  const rules = rulesOf(context);
  const key = await keyFor(context, api, agent, await context.secrets.key(agent.name));
  if (key === undefined) return { agent: agent.name, action: "ended" };
  const found = await api.find(keyHash(key));
  refuseForeign(agent, found);
  const isNew = found === undefined;
  if (!isNew && changeOf(found, agent, rules, "current", api.now()) === undefined) return settleKey(api, rules, agent, key, found);
  await makeGroupOf(context, api, agent);
  return isNew ? settleKey(api, rules, agent, key, found) : settleKeys(api, rules, { agent, key }, await api.ofAgent(agent.name));
}

/** LiteLLM makes a key of a team that is not there without a word, and that key can neither be used nor changed. */
async function makeGroupOf({ desired }: KeysContext, api: AdminApi, { group }: AgentState): Promise<void> {
  const state = desired.groups.find(({ name }) => name === group);
  if (state === undefined || (await api.team(teamId(state.name))) !== undefined) return;
  const { problem } = await settleGroup(api, state, undefined);
  if (problem !== undefined) throw new CommandError(groupProblem(state.name, problem));
}

async function applyAll(context: KeysContext): Promise<void> {
  const { desired, report, secrets } = context;
  const api = await context.api();
  const turn = atOnce(AGENTS_AT_ONCE);
  // The store is asked while the gateway tells what it has.
  const stored = new Map(desired.agents.map(({ name }) => [name, forLater(turn(() => secrets.key(name)))]));
  const [keys, teams] = await Promise.all([api.list(), api.teams()]);
  const groups = await Promise.all(
    desired.groups.map((group) =>
      settleGroup(
        api,
        group,
        teams.find(({ team_id: id }) => id === teamId(group.name)),
      ),
    ),
  );
  groups.forEach(report.done);
  const problems = new Map(groups.filter(({ action }) => action === "failed").map(({ group, problem }) => [group, problem ?? ""]));
  const [live, rules, prices] = [byAgent(keys), rulesOf(context), priceCheck(api)];
  const held = new Map(keys.map((key) => [key.token, key]));
  report.expect(desired.agents.length + groups.length);
  const settle = async (agent: AgentState): Promise<Outcome> => {
    const problem = agent.group === undefined ? undefined : problems.get(agent.group);
    if (problem !== undefined) throw new CommandError(groupProblem(agent.group!, problem));
    const [found, own] = [await stored.get(agent.name), live.get(agent.name) ?? []];
    if (isSettled(own, found, (key) => changeOf(key, agent, rules, "current", api.now()) === undefined)) {
      return { agent: agent.name, action: "unchanged", key: shortHash(own[0]!.token) };
    }
    // Since it was read somebody may have rotated it.
    const key = await keyFor(context, api, agent, found === undefined ? undefined : await secrets.key(agent.name));
    if (key === undefined) return { agent: agent.name, action: "ended" };
    refuseForeign(agent, held.get(keyHash(key)));
    return settleKeys(api, rules, { agent, key }, own);
  };
  await Promise.all(
    desired.agents.map((agent) =>
      turn(async () => {
        const outcome = await orFailure(agent.name, () => settle(agent));
        report.done(outcome);
        await tellPrices(context, prices, agent, outcome);
      }),
    ),
  );
  const absent = absentAgents(live, desired);
  report.expect(absent.length);
  await Promise.all(
    absent.map((name) => turn(async () => report.done(await orFailure(name, () => revokeAgent(api, secrets, name, live.get(name) ?? []))))),
  );
  (await removeGroups(api, teams, desired.groups)).forEach(report.done);
}

/** Whether an agent has one key, which is the one in the store and as it should be. */
function isSettled([only, ...others]: readonly LiveKey[], stored: string | undefined, isRight: (key: LiveKey) => boolean): boolean {
  return stored !== undefined && only?.token === keyHash(stored) && others.length === 0 && isRight(only);
}

/** The key that the store holds, else a new one; none is made for an agent that has come to its end. */
async function keyFor({ secrets }: KeysContext, api: AdminApi, agent: AgentState, stored: string | undefined): Promise<string | undefined> {
  return stored ?? (hasEnded(agent, api.now()) ? undefined : secrets.make(agent.name));
}

/** A failure is told once somebody asks for what was promised. */
function forLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function groupProblem(group: string, problem: string): string {
  return `its group ${group} could not be made: ${problem}`;
}

async function tellPrices({ report }: KeysContext, prices: PriceCheck, agent: AgentState, { action }: Outcome): Promise<void> {
  if (action !== "made" && action !== "changed") return;
  try {
    const warning = await prices(agent);
    if (warning !== undefined) report.warning(warning);
  } catch (error) {
    // The key is as it should be; whether its models have prices is another matter.
    if (!(error instanceof AdminApiError)) throw error;
  }
}
