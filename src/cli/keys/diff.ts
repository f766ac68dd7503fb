import type { AgentState } from "../../litellm/agents";
import { CommandError } from "../command-error";
import { AdminApi, keyHash, LiveKey } from "./admin-api";
import { AGENTS_AT_ONCE, rulesOf } from "./apply";
import { atOnce } from "./at-once";
import { absentGroups } from "./groups";
import { Difference, differences, shortHash, teamId, teamSpec } from "./key-spec";
import { KeysContext } from "./open-keys";
import { priceCheck } from "./prices";
import { byAgent, changeOf, foreignProblem, hasEnded, isOver } from "./reconcile";
import { changesText } from "./report";
import { absentAgents } from "./revoke";

/** Something that `keys apply` would do. */
interface Pending {
  readonly agent?: string;
  readonly group?: string;
  readonly would: string;
  readonly changes?: readonly Difference[];
}

/** How `diff` ends where there is a difference. */
const DIFFERS = 2;

/**
 * Tells what `apply` would do, and writes nothing.
 * @throws CommandError with exit code 2 where that is something
 */
export async function diff(context: KeysContext): Promise<void> {
  const { desired, gateway, report } = context;
  const api = await context.api();
  const [keys, teams] = await Promise.all([api.list(), api.teams()]);
  const [live, turn, prices] = [byAgent(keys), atOnce(AGENTS_AT_ONCE), priceCheck(api)];
  const groups = desired.groups.flatMap((group): Pending[] => {
    const found = teams.find(({ team_id: id }) => id === teamId(group.name));
    if (found === undefined) return [{ group: group.name, would: "be made" }];
    const changes = differences(found, teamSpec(group));
    return changes.length === 0 ? [] : [{ group: group.name, would: "be changed", changes }];
  });
  const held = new Map(keys.map((key) => [key.token, key]));
  const agents = await Promise.all(
    desired.agents.map((agent) => turn(() => ofAgent(context, api, agent, live.get(agent.name) ?? [], held))),
  );
  const pending: Pending[] = [
    ...groups,
    ...agents.flat(),
    ...absentAgents(live, desired).map((agent) => ({ agent, would: `be revoked, with ${live.get(agent)!.length} keys` })),
    ...absentGroups(teams, desired.groups).map(({ name }) => ({ group: name, would: "be removed, once it is empty" })),
  ];
  for (const agent of desired.agents) {
    const warning = await prices(agent);
    if (warning !== undefined) report.warning(warning);
  }
  if (report.json) report.line(JSON.stringify({ gateway, pending, warnings: report.warnings }, null, 2));
  else pending.map(pendingText).forEach(report.line);
  if (pending.length > 0) throw new CommandError(`${gateway}: ${pending.length} differences; \`keys apply\` settles them`, DIFFERS);
  if (!report.json) report.line(`${gateway}: the keys of ${desired.agents.length} agents are as they should be`);
}

async function ofAgent(
  context: KeysContext,
  api: AdminApi,
  agent: AgentState,
  live: readonly LiveKey[],
  held: ReadonlyMap<string, LiveKey>,
): Promise<Pending[]> {
  const rules = rulesOf(context);
  const name = agent.name;
  const key = await context.secrets.key(name);
  const hash = key === undefined ? undefined : keyHash(key);
  const foreign = foreignProblem(agent, held.get(hash ?? ""));
  if (foreign !== undefined) return [{ agent: name, would: `fail: ${foreign}` }];
  const others = live
    .filter(({ token }) => token !== hash)
    .flatMap((other): Pending[] => {
      const says = `its other key ${shortHash(other.token)}`;
      if (isOver(other, api.now())) return [{ agent: name, would: `lose ${says}, which has ended` }];
      const changes = changeOf(other, agent, rules, "outgoing", api.now())?.differences;
      return changes === undefined ? [] : [{ agent: name, would: `get an end for, or a change of, ${says}`, changes }];
    });
  return [...ofKey(agent, hash, live, rules, api.now()), ...others];
}

function ofKey(
  agent: AgentState,
  hash: string | undefined,
  live: readonly LiveKey[],
  rules: ReturnType<typeof rulesOf>,
  now: number,
): Pending[] {
  const found = live.find(({ token }) => token === hash);
  if (found === undefined && hasEnded(agent, now)) return [];
  if (hash === undefined) return [{ agent: agent.name, would: "get a key; the store has none" }];
  if (found === undefined) return [{ agent: agent.name, would: `have the store's key ${shortHash(hash)} made known to the gateway` }];
  const changes = changeOf(found, agent, rules, "current", now)?.differences;
  return changes === undefined ? [] : [{ agent: agent.name, would: "be changed", changes }];
}

function pendingText({ agent, group, would, changes = [] }: Pending): string {
  return `${agent ?? `group ${group}`}: would ${would}${changes.length === 0 ? "" : `: ${changesText(changes)}`}`;
}
