import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../command-error";
import { SecretsContext } from "./context";
import { DocumentSecret, refuseSaltKey, secretOf } from "./known-secrets";
import { NewValue, unchanged, write } from "./put";
import { mint } from "./secret-value";
import { StoreClient, versionAt } from "./store-client";
import { nodesText, notYet } from "./use-report";

/** Whether, and how, a command waits for the nodes. */
export interface WaitOptions {
  /** Until every node uses the new version. */
  readonly wait?: boolean;
  /** In seconds. */
  readonly timeout?: number;
  /** In seconds; how often the log is asked. */
  readonly poll?: number;
}

/** Two refreshes of 15 minutes, since a node has several processes, and what the log takes. */
const TIMEOUT_SECONDS = 2_700;
const POLL_SECONDS = 15;

/** Makes a new value the current one and keeps the old one as the previous; `--wait` until every node uses it. */
export async function rotate(context: SecretsContext, name: string, options: NewValue & WaitOptions): Promise<void> {
  const secret = secretOf(context.document, name);
  refuseSaltKey(context.document, secret);
  if (options.wait === true) refuseStartOnly(secret, "--wait");
  const client = await context.client(secret);
  const old = versionAt(await client.versions(secret), "current")?.id;
  if (old === undefined) throw new CommandError(`${secret.name}: it has no value to rotate; ${context.command(`put ${secret.name}`)}`);
  const version = await newVersion(context, client, secret, options);
  if (version === undefined) context.say(unchanged(secret));
  else context.say(`${secret.name}: version ${version} is the current one, ${old} is kept as the previous one`);
  if (options.wait === true) await untilAllUse(context, secret, version ?? old, options);
  for (const line of nextSteps(context, secret, options.wait === true)) context.say(line);
}

/** Takes the previous version out of use, once no node uses it. */
export async function retire(context: SecretsContext, name: string, { force = false }: { readonly force?: boolean }): Promise<void> {
  const secret = secretOf(context.document, name);
  refuseSaltKey(context.document, secret);
  const client = await context.client(secret);
  const versions = await client.versions(secret);
  const [current, previous] = [versionAt(versions, "current"), versionAt(versions, "previous")];
  if (current === undefined || previous === undefined) {
    context.say(`${secret.name}: there is no previous version`);
    return;
  }
  if (!force) await refuseWhileUsed(context, secret, current.id);
  await client.dropPrevious(secret);
  context.say(`${secret.name}: version ${previous.id} is retired; ${current.id} is the only one in use`);
  if (secret.owner === "user") context.say("Now revoke the old key at the provider: until then whoever has a copy can use it.");
}

/** Makes the previous value the current one again; what was current becomes the previous. `--wait` as {@link rotate}. */
export async function rollback(context: SecretsContext, name: string, options: WaitOptions = {}): Promise<void> {
  const secret = secretOf(context.document, name);
  refuseSaltKey(context.document, secret);
  if (options.wait === true) refuseStartOnly(secret, "--wait");
  const version = await (await context.client(secret)).restorePrevious(secret);
  context.say(`${secret.name}: back to the previous value, version ${version}; ${takenOver(secret)}`);
  if (options.wait === true) await untilAllUse(context, secret, version, options);
}

async function newVersion(
  context: SecretsContext,
  client: StoreClient,
  secret: DocumentSecret,
  value: NewValue,
): Promise<string | undefined> {
  const isMinted = secret.owner === "gateway" && value.fromEnv === undefined;
  return isMinted ? client.put(secret, mint()) : (await write(context, client, secret, value)).version;
}

async function untilAllUse(context: SecretsContext, secret: DocumentSecret, version: string, options: WaitOptions): Promise<void> {
  const report = await context.useReport();
  const ends = Date.now() + (options.timeout ?? TIMEOUT_SECONDS) * 1000;
  for (let told = ""; ;) {
    const uses = await report.uses(secret.name);
    const others = notYet(uses, version);
    if (uses.length > 0 && others.length === 0) {
      context.say(`${secret.name}: all ${uses.length} nodes use ${version}`);
      return;
    }
    const text = uses.length === 0 ? "no node has said anything yet" : nodesText(others, version);
    if (text !== told) context.warn(`waiting for ${text}`);
    told = text;
    if (Date.now() > ends) throw new CommandError(`${secret.name}: not all nodes use ${version} in time: ${text}`);
    await sleep((options.poll ?? POLL_SECONDS) * 1000);
  }
}

async function refuseWhileUsed(context: SecretsContext, secret: DocumentSecret, version: string): Promise<void> {
  refuseStartOnly(secret, "retire without --force");
  const uses = await (await context.useReport()).uses(secret.name);
  const others = notYet(uses, version);
  if (uses.length > 0 && others.length === 0) return;
  const text =
    uses.length === 0
      ? "no node has said which version it uses"
      : `it is not sure that only ${version} is in use: ${nodesText(others, version)}`;
  throw new CommandError(`${secret.name}: ${text}; wait for the nodes' next refresh, or --force`);
}

/** What a node's log says of these is what the store holds, not what the process was started with. */
function refuseStartOnly(secret: DocumentSecret, what: string): void {
  if (!secret.takenAtStart) return;
  throw new CommandError(`${secret.name}: ${what} can not be answered: a node takes it over at its start only; replace the nodes first`);
}

function takenOver(secret: DocumentSecret): string {
  return secret.takenAtStart
    ? "a node takes it over at its start: replace the nodes (an instance refresh), one by one"
    : "nodes take it over at their next refresh, within 15 minutes unless refreshInterval says otherwise";
}

function nextSteps(context: SecretsContext, secret: DocumentSecret, waited: boolean): string[] {
  const { name } = secret;
  return [
    ...(waited ? [] : [`Next: ${takenOver(secret)}.`]),
    `If calls fail: ${context.command(`rollback ${name}`)}`,
    `Once all nodes use it: ${context.command(`retire ${name}${secret.takenAtStart ? " --force" : ""}`)}`,
  ];
}
