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
}

/** A line of the request log, as far as it matters here. */
export interface UseLine {
  readonly node: string;
  readonly version: string;
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
    const line = JSON.parse(text) as { event?: unknown; secret?: unknown; node?: unknown; secret_version?: unknown };
    const { event, node, secret_version: version } = line;
    const isUse = event === "secret-in-use" && line.secret === secret && typeof node === "string" && typeof version === "string";
    return isUse ? [{ node, version }] : [];
  } catch {
    return [];
  }
}

/** What each member said. Without a list of members, whoever said something. */
export function nodeUses(lines: readonly UseLine[], members: readonly string[] | undefined): NodeUse[] {
  return [...new Set(members ?? lines.map(({ node }) => node))].map((node) => ({
    node,
    versions: [...new Set(lines.filter((line) => line.node === node).map(({ version }) => version))],
  }));
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
