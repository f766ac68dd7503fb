/** What a release of LiteLLM changes, as lines of text. */

const ENTRY = /^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)/;
const HASH = /--hash=(\S+)/;
const LITELLM = /^litellm\[proxy\]==\S+$/m;

/** A package of a lock file; a universal one may hold several versions of it, each for other Pythons. */
interface Locked {
  readonly versions: readonly string[];
  readonly hashes: readonly string[];
}

/** The part of a record of LiteLLM's database schema (prisma-client.json) that is compared. */
export interface SchemaRecord {
  readonly schemaSha256: string;
  readonly models: readonly { readonly name: string }[];
}

/** requirements.in for another release of LiteLLM. */
export function requirementsFor(requirements: string, release: string): string {
  if (!LITELLM.test(requirements)) throw new Error("requirements.in has no line litellm[proxy]==…");
  return requirements.replace(LITELLM, `litellm[proxy]==${release}`);
}

/** The release of LiteLLM that a lock file holds. */
export function lockedRelease(lock: string): string {
  return versionsOf(read(lock).get("litellm"));
}

/** The packages that two lock files do not hold alike. */
export function lockChanges(before: string, after: string): string[] {
  const [old, current] = [read(before), read(after)];
  const names = [...new Set([...old.keys(), ...current.keys()])].sort();
  return names.flatMap((name) => {
    const [was, is] = [old.get(name), current.get(name)];
    const [from, to] = [versionsOf(was), versionsOf(is)];
    if (from !== to) return [`${name}  ${from} -> ${to}`];
    return was!.hashes.join() === is!.hashes.join() ? [] : [`${name}  ${to}, other files`];
  });
}

/** The migrations that the second release has and the first has not. */
export function newMigrations(before: readonly string[], after: readonly string[]): string[] {
  return after.filter((name) => !before.includes(name));
}

/** Whether two schemas differ, and in which tables. */
export function schemaChange(before: SchemaRecord, after: SchemaRecord): string {
  if (before.schemaSha256 === after.schemaSha256) return "the same";
  const [old, current] = [before, after].map(({ models }) => new Map(models.map((model) => [model.name, JSON.stringify(model)])));
  const names = [...new Set([...old!.keys(), ...current!.keys()])].sort();
  const changed = names.filter((name) => old!.get(name) !== current!.get(name));
  return changed.length === 0 ? "changed, but no table" : `changed: ${changed.join(", ")}`;
}

function read(lock: string): ReadonlyMap<string, Locked> {
  const packages = new Map<string, Locked>();
  let name = "";
  for (const line of lock.split("\n")) {
    const [, entry, version] = ENTRY.exec(line) ?? [];
    const [, hash] = HASH.exec(line) ?? [];
    name = entry ?? name;
    const { versions, hashes } = packages.get(name) ?? { versions: [], hashes: [] };
    if (version !== undefined) packages.set(name, { versions: [...versions, version], hashes });
    if (hash !== undefined) packages.set(name, { versions, hashes: [...hashes, hash].sort() });
  }
  return packages;
}

function versionsOf(locked: Locked | undefined): string {
  return locked === undefined ? "none" : locked.versions.join(" and ");
}
