import type { DesiredState } from "../../litellm/agents";
import { CommandError, EXIT } from "../command-error";
import { unknownWord } from "../secrets/secret-value";
import { AdminApi, LiveKey } from "./admin-api";
import { AgentSecrets, Left } from "./agent-secrets";
import { removeGroups } from "./groups";
import { shortHash } from "./key-spec";
import { KeysContext } from "./open-keys";
import { byAgent, orFailure, Outcome, problemOf } from "./reconcile";

/** The names that an agent can have. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Takes the keys of an agent away, or of all that are named no more. */
export async function revoke(context: KeysContext, name: string | undefined, absent: boolean): Promise<void> {
  if ((name === undefined) !== absent) throw new CommandError("name an agent, or give --absent", EXIT.wronglyCalled);
  if (name === undefined) await revokeAbsent(context);
  else await revokeNamed(context, name);
  context.report.end(context.gateway);
}

/** Those that have keys of ours at the gateway, and are named no more. */
export function absentAgents(live: ReadonlyMap<string, unknown>, { agents }: DesiredState): string[] {
  const named = new Set(agents.map(({ name }) => name));
  return [...live.keys()].filter((name) => !named.has(name)).sort();
}

/**
 * Shuts all keys of an agent on every node, retires what the store holds, and deletes them at last: who is interrupted finds
 * them by what is left at the gateway. A store that refuses leaves no key alive.
 */
export async function revokeAgent(api: AdminApi, secrets: AgentSecrets, agent: string, keys: readonly LiveKey[]): Promise<Outcome> {
  for (const key of keys) if (key.blocked !== true) await api.block(key.token);
  const secret = secrets.secretOf(agent).name;
  const left = await secrets.retire(agent).catch((error: unknown) => ({ problem: problemOf(error) }));
  for (const key of keys) await api.remove(key.token);
  const count = keys.length === 1 ? `key ${shortHash(keys[0]!.token)}` : `${keys.length} keys`;
  if (typeof left === "object") {
    const problem = `${count} deleted at the gateway, but ${secret} still holds a value, which opens nothing: ${left.problem}`;
    return { agent, action: "failed", problem };
  }
  if (keys.length === 0 && left !== "retired") return { agent, action: "unchanged", note: "it had no key" };
  return { agent, action: "revoked", note: `${count} deleted; ${LEFT[left](secret)}` };
}

const LEFT: Readonly<Record<Left, (secret: string) => string>> = {
  nothing: (secret) => `there is no value in ${secret}`,
  retired: (secret) => `${secret} says that it was revoked; the store keeps older versions for a while, which open nothing`,
  "retired before": (secret) => `${secret} said before that it was revoked`,
};

async function revokeNamed(context: KeysContext, name: string): Promise<void> {
  const { desired, gateway, secrets, report } = context;
  const known = desired.agents.map((agent) => agent.name);
  const unknown = (): CommandError => new CommandError(unknownWord(name, `an agent of ${gateway}`, known), EXIT.wronglyCalled);
  if (!NAME.test(name)) throw unknown();
  const api = await context.api();
  const keys = await api.ofAgent(name);
  const isNamed = known.includes(name);
  if (!isNamed && keys.length === 0 && !(await secrets.exists(name))) throw unknown();
  report.done(await orFailure(name, () => revokeAgent(api, secrets, name, keys)));
  if (isNamed) {
    report.warning(`${name} is still declared: the next apply makes it a new key; to keep it out, set enabled: false or remove it`);
  }
}

async function revokeAbsent(context: KeysContext): Promise<void> {
  const { desired, secrets, report } = context;
  const api = await context.api();
  const [keys, teams] = await Promise.all([api.list(), api.teams()]);
  const live = byAgent(keys);
  const absent = absentAgents(live, desired);
  report.expect(absent.length);
  await Promise.all(
    absent.map(async (name) => report.done(await orFailure(name, () => revokeAgent(api, secrets, name, live.get(name) ?? [])))),
  );
  (await removeGroups(api, teams, desired.groups)).forEach(report.done);
}
