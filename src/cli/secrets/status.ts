import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, EXIT, NodesUnknown } from "../command-error";
import { table } from "../table";
import { SecretsContext } from "./context";
import { DocumentSecret, isSaltKey } from "./known-secrets";
import { versionAt } from "./store-client";
import { NodeUse, notYet } from "./use-report";

const DAY_MS = 86_400_000;
const OLD_DAYS = 90;
/** Whoever asks for the status waits no longer for the nodes' log. */
const LOG_MS = 5_000;

/** How {@link status} answers. */
export interface StatusOptions {
  /** For machines. */
  readonly json?: boolean;
  /** A value that is older makes it end with 2. */
  readonly maxAge?: number;
}

/** What is known of a secret without its value. */
export interface SecretStatus {
  readonly name: string;
  readonly purpose: string;
  readonly store: string;
  /** Whose value it is. */
  readonly owner: DocumentSecret["owner"];
  /** "empty": there is a secret without a value. */
  readonly state: "present" | "empty" | "absent" | "unknown";
  readonly version?: string;
  readonly previousVersion?: string;
  /** Of the value, in whole days. */
  readonly ageDays?: number;
  /** When the value took the place of another. */
  readonly lastRotation?: string;
  /** What each node said lately, absent where that can not be told. Of what nodes take at their start only: what they found then or later. */
  readonly readers?: readonly NodeUse[];
  /** Of "unknown", why. */
  readonly problem?: string;
}

/**
 * Tells of each secret whether it is there, how old its value is, its version, its owner, and which nodes read it. That the
 * nodes' log does not answer is told, and fails nothing.
 * @throws CommandError with exit code 2 where a value is older than `maxAge`, 1 where a store does not answer
 */
export async function status(context: SecretsContext, { json = false, maxAge }: StatusOptions): Promise<void> {
  const { secrets } = context.document;
  const [stored, readers] = await Promise.all([Promise.all(secrets.map((secret) => statusOf(context, secret))), readersOf(context)]);
  const all = stored.map((one): SecretStatus => ({ ...one, readers: readers?.get(one.name) }));
  context.say(json ? JSON.stringify(all, null, 2) : tableOf(all));
  const unknown = all.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  if (unknown.length > 0) throw new CommandError(unknown.join("\nerror: "));
  const limit = maxAge ?? OLD_DAYS;
  const old = all.filter(({ ageDays = 0, ...one }) => ageDays > limit && !isSaltKey(context.document, one as unknown as DocumentSecret));
  const message = old.map(({ name, ageDays }) => `${name} is ${ageDays} days old: ${context.command(`rotate ${name}`)}`).join("\n");
  if (old.length === 0) return;
  if (maxAge !== undefined) throw new CommandError(message, EXIT.wronglyCalled);
  context.warn(message);
}

async function statusOf(context: SecretsContext, secret: DocumentSecret): Promise<SecretStatus> {
  const { name, purpose, store, owner } = secret;
  const common = { name, purpose, store, owner };
  try {
    const versions = await (await context.client(secret)).versions(secret);
    const current = versionAt(versions, "current");
    if (current === undefined) return { ...common, state: versions === undefined ? "absent" : "empty" };
    const isFirst = (versions ?? []).length === 1;
    return {
      ...common,
      state: "present",
      version: current.id,
      previousVersion: versionAt(versions, "previous")?.id,
      ageDays: current.made === undefined ? undefined : Math.max(0, Math.floor((Date.now() - current.made.getTime()) / DAY_MS)),
      lastRotation: isFirst ? undefined : current.made?.toISOString(),
    };
  } catch (error) {
    return { ...common, state: "unknown", problem: (error as Error).message };
  }
}

/** By secret; undefined where it is not known who they are. */
async function readersOf(context: SecretsContext): Promise<ReadonlyMap<string, readonly NodeUse[]> | undefined> {
  try {
    const asked = context.useReport().then((report) => report.usesOfAll(context.document.secrets.map(({ name }) => name)));
    return await Promise.race([asked, tooLate()]);
  } catch (error) {
    if (!(error instanceof NodesUnknown)) context.warn(`warning: ${(error as Error).message}`);
    return undefined;
  }
}

async function tooLate(): Promise<never> {
  await sleep(LOG_MS, undefined, { ref: false });
  throw new CommandError("which nodes use it can not be told: the nodes' log does not answer in time");
}

/** How many nodes said that they use this version and no other. */
function readersText({ readers, version }: SecretStatus): string {
  if (readers === undefined || version === undefined) return "-";
  const others = notYet(readers, version).length;
  const nodes = `${readers.length} node${readers.length === 1 ? "" : "s"}`;
  return others === 0 ? nodes : `${readers.length - others} of ${nodes}`;
}

function tableOf(all: readonly SecretStatus[]): string {
  const rows = all.map((one) => [
    one.name,
    one.state,
    one.ageDays === undefined ? "-" : `${one.ageDays} days`,
    one.version ?? "-",
    one.previousVersion ?? "-",
    one.lastRotation?.slice(0, 10) ?? "-",
    readersText(one),
    one.owner === "gateway" ? "the gateway" : "you",
  ]);
  return table(["NAME", "VALUE", "AGE", "VERSION", "PREVIOUS", "ROTATED", "READ BY", "OWNER"], rows).join("\n");
}
