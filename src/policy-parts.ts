import { AccessStatement } from "./access";

/** What a cloud takes as one policy. */
export interface PolicyLimits {
  /** How long the policy of a number, from 0 on, may be. */
  readonly longest: (index: number) => number;
  /** How long a policy of these statements is at most. */
  readonly lengthOf: (statements: readonly AccessStatement[]) => number;
}

/**
 * Shares statements out among as few policies as hold them in their order. A statement of many resources is split, which
 * changes nothing of what it allows.
 */
export function policyParts(statements: readonly AccessStatement[], limits: PolicyLimits): readonly AccessStatement[][] {
  return statements.reduce<AccessStatement[][]>((parts, statement) => add(parts, statement, limits), [[]]);
}

function add(parts: AccessStatement[][], statement: AccessStatement, limits: PolicyLimits): AccessStatement[][] {
  const last = parts[parts.length - 1]!;
  const fits = (count: number): boolean => limits.lengthOf([...last, ofResources(statement, 0, count)]) <= limits.longest(parts.length - 1);
  const all = statement.resources.length;
  if (fits(all)) return [...parts.slice(0, -1), [...last, statement]];
  // An empty policy takes one resource whatever its length, which the cloud then judges.
  const count = Math.max(largest(all, fits), last.length === 0 ? 1 : 0);
  const filled = count === 0 ? parts : [...parts.slice(0, -1), [...last, ofResources(statement, 0, count)]];
  return count === all ? filled : add([...filled, []], ofResources(statement, count), limits);
}

function ofResources(statement: AccessStatement, from: number, to?: number): AccessStatement {
  return { ...statement, resources: statement.resources.slice(from, to) };
}

/** The largest number below a limit for which a test holds, 0 for none; a test that fails for a number fails for all above. */
function largest(limit: number, holds: (count: number) => boolean): number {
  let known = 0;
  let excluded = limit;
  while (excluded - known > 1) {
    const middle = Math.floor((known + excluded) / 2);
    if (holds(middle)) known = middle;
    else excluded = middle;
  }
  return known;
}
