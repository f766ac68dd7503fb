/** A policy of either cloud, as its JSON has it. */
export interface PolicyJson {
  readonly Statement: StatementJson | readonly StatementJson[];
}

/** A statement of a policy of either cloud. */
export interface StatementJson {
  readonly Effect: string;
  /** In the trust of a role. */
  readonly Principal?: string | Readonly<Record<string, string | readonly string[]>>;
  readonly Action?: string | readonly string[];
  readonly NotAction?: unknown;
  readonly Resource?: string | readonly string[];
  readonly NotResource?: unknown;
  readonly Condition?: unknown;
}

/** How a live role differs from what is needed; each line is one action on one resource. */
export interface AccessDifference {
  readonly missing: readonly string[];
  readonly tooMuch: readonly string[];
}

/** One action on one resource, both of which may be patterns. */
interface Access {
  readonly action: string;
  readonly resource: string;
  /** In one spelling; "" without any. */
  readonly condition: string;
}

/**
 * What a role lacks and what it has too much, by comparing texts of policies: one pattern is held by another that matches
 * it. Whatever is denied with or without a condition counts as missing, and a statement of what is *not* meant as too much.
 */
export function compareAccess(required: readonly PolicyJson[], live: readonly PolicyJson[]): AccessDifference {
  const statements = live.flatMap(statementsOf);
  const needed = required.flatMap(statementsOf).flatMap(accessOf);
  const allowed = statements
    .filter(isPlain)
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(accessOf);
  const denied = statements
    .filter(isPlain)
    .filter(({ Effect }) => Effect === "Deny")
    .flatMap(accessOf);
  const unclear = statements.filter((statement) => !isPlain(statement));
  return {
    missing: [
      ...needed.filter((one) => !allowed.some((other) => holds(other, one))).map(told),
      ...needed.flatMap((one) => denied.filter((other) => overlaps(other, one)).map((other) => `${told(one)}, denied by ${told(other)}`)),
    ],
    tooMuch: [
      ...allowed.filter((one) => !needed.some((other) => holds(other, one))).map(told),
      ...unclear.map((statement) => `${statement.Effect} of all but ${JSON.stringify(statement.NotAction ?? statement.NotResource)}`),
    ],
  };
}

/** All statements; a policy of one may do without a list. */
export function statementsOf({ Statement }: PolicyJson): readonly StatementJson[] {
  return "Effect" in Statement ? [Statement] : Statement;
}

function isPlain({ NotAction, NotResource }: StatementJson): boolean {
  return NotAction === undefined && NotResource === undefined;
}

function accessOf({ Action = [], Resource = [], Condition }: StatementJson): Access[] {
  const condition = Condition === undefined ? "" : JSON.stringify(inOneSpelling(Condition));
  return listed(Action).flatMap((action) => listed(Resource).map((resource) => ({ action, resource, condition })));
}

/** A list of one and the one, and keys in any order, are the same. */
function inOneSpelling(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 1 ? (value[0] as unknown) : [...(value as string[])].sort();
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, content]): [string, unknown] => [key, inOneSpelling(content)]);
  return Object.fromEntries(entries.sort(([one], [other]) => one.localeCompare(other)));
}

function holds(wider: Access, narrower: Access): boolean {
  return (
    isLike(wider.action.toLowerCase(), narrower.action.toLowerCase()) &&
    isLike(wider.resource, narrower.resource) &&
    (wider.condition === "" || wider.condition === narrower.condition)
  );
}

function overlaps(one: Access, other: Access): boolean {
  const [action, otherAction] = [one.action.toLowerCase(), other.action.toLowerCase()];
  return (
    (isLike(action, otherAction) || isLike(otherAction, action)) &&
    (isLike(one.resource, other.resource) || isLike(other.resource, one.resource))
  );
}

/** Wildcards of the narrower text are letters to the wider one: its `*` and `?` match them, and itself. */
function isLike(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^]*")
    .replaceAll("?", "[^*]");
  return new RegExp(`^${source}$`, "u").test(text);
}

function listed(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}

function told({ action, resource, condition }: Access): string {
  return `${action} on ${resource}${condition === "" ? "" : ` if ${condition}`}`;
}
