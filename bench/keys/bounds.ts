/** What one round took. */
export interface Round {
  /** In seconds. */
  readonly curl: number;
  readonly fromNothing: number;
  readonly unchanged: number;
  /** The most that the command has held. */
  readonly megabytes: number;
  /** Of an apply without a change, at the gateway and at the store. */
  readonly writes: number;
}

/** Something that we promise, and what was found. */
export interface Bound {
  readonly what: string;
  readonly found: number;
  readonly atMost: number;
  readonly unit?: string;
}

/** Times by the medians of all rounds; of memory and writes the most in any. */
export function bounds(rounds: readonly Round[]): Bound[] {
  const curl = medianOf(rounds, "curl");
  return [
    { what: "agents from nothing, over curl", found: medianOf(rounds, "fromNothing") / curl, atMost: 0.7 },
    { what: "apply without a change, over curl", found: medianOf(rounds, "unchanged") / curl, atMost: 0.05 },
    { what: "memory of the command", found: Math.max(...rounds.map(({ megabytes }) => megabytes)), atMost: 200, unit: " MB" },
    { what: "writes of an apply without a change", found: Math.max(...rounds.map(({ writes }) => writes)), atMost: 0 },
  ];
}

/** Whether a promise is kept. */
export function isKept({ found, atMost }: Bound): boolean {
  return found <= atMost;
}

/** The median of one thing over all rounds. */
export function medianOf(rounds: readonly Round[], what: keyof Round): number {
  const sorted = rounds.map((round) => round[what]).sort((first, second) => first - second);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
