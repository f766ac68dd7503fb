/** What a node said lately of a secret. */
export interface NodeUse {
  /** The host's name. */
  readonly node: string;
  /** The versions that its processes said they use; none: it has said nothing. */
  readonly versions: readonly string[];
}

/** Who uses which version of a secret: the lines `secret-in-use` of the request log, held against the fleet's members. */
export interface UseReport {
  /** Every node of the fleet, also one that has said nothing. */
  uses(secret: string): Promise<readonly NodeUse[]>;
  /** The same of several secrets, asked for at once. */
  usesOfAll(secrets: readonly string[]): Promise<ReadonlyMap<string, readonly NodeUse[]>>;
}

/** A line of the request log, as far as it matters here. */
export interface UseLine {
  readonly node: string;
  readonly version: string;
  /** Which of the node's processes says so. */
  readonly process?: string;
  /** When, as a text that sorts by time. */
  readonly time?: string;
}

/**
 * For how long what a node says holds: each of its processes says it again at every refresh. Lines take a minute to the log.
 * @returns milliseconds
 */
export function sayingHolds(refreshIntervalSeconds: number): number {
  return (refreshIntervalSeconds + 180) * 1000;
}

/** The line of a log, if it is one of this secret's. */
export function useLine(text: string, secret: string): UseLine[] {
  try {
    const line = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const { event, node, secret_version: version, process, time } = line;
    const isUse = event === "secret-in-use" && line.secret === secret && typeof node === "string" && typeof version === "string";
    return isUse ? [{ node, version, ...textOf({ process, time }) }] : [];
  } catch {
    return [];
  }
}

function textOf(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  const given = Object.entries(fields).filter(([, value]) => typeof value === "string" || typeof value === "number");
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

/**
 * What the members said of each secret, by its lines of the log.
 * @param hostOf the name by which the members are known, of the one in a line
 */
export function allUses(
  secrets: readonly string[],
  lines: readonly string[],
  members: readonly string[] | undefined,
  hostOf = (node: string): string => node,
): ReadonlyMap<string, readonly NodeUse[]> {
  const said = (secret: string): UseLine[] =>
    lines.flatMap((line) => useLine(line, secret)).map((line) => ({ ...line, node: hostOf(line.node) }));
  return new Map(secrets.map((secret) => [secret, nodeUses(said(secret), members)]));
}

/** What each process of each member said last. Without a list of members, of whoever said something. */
export function nodeUses(lines: readonly UseLine[], members: readonly string[] | undefined): NodeUse[] {
  const said = lastOfEach(lines);
  return [...new Set(members ?? said.map(({ node }) => node))].map((node) => ({
    node,
    versions: [...new Set(said.filter((line) => line.node === node).map(({ version }) => version))],
  }));
}

/** A line that names no process may be of any, so that each version of such lines stands. */
function lastOfEach(lines: readonly UseLine[]): readonly UseLine[] {
  const byTime = [...lines].sort(({ time: a = "" }, { time: b = "" }) => (a < b ? -1 : Number(a > b)));
  return [...new Map(byTime.map((line) => [`${line.node} ${line.process ?? `with ${line.version}`}`, line])).values()];
}

/** The nodes of which it is not sure that they use this version only. */
export function notYet(uses: readonly NodeUse[], version: string): readonly NodeUse[] {
  return uses.filter(({ versions }) => versions.length !== 1 || versions[0] !== version);
}

/** The nodes in words. */
export function nodesText(uses: readonly NodeUse[], version: string): string {
  return uses
    .map(({ node, versions }) => {
      const others = versions.filter((other) => other !== version);
      return versions.length === 0 ? `${node} (has said nothing lately)` : `${node} (said ${others.join(", ")})`;
    })
    .join("; ");
}
