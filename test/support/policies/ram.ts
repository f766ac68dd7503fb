import type { PolicyDocument, PolicyStatement } from "./policy-document";

/** What a role of Alibaba Cloud asks for. */
export interface RamRequest {
  readonly action: string;
  readonly resource: string;
  /** What conditions are about, by key. */
  readonly context?: Readonly<Record<string, string>>;
}

/**
 * Whether policies of RAM allow a request: one statement must, and none may deny it.
 *
 * Written from the vendor's documents: the case of an action does not count and that of a resource does, `*` is any text
 * and `?` any one letter, all of a statement's conditions must hold, and one of a condition's values.
 * @throws Error for what is not evaluated here, rather than to take it for allowed or denied
 * @see https://www.alibabacloud.com/help/en/ram/policy-structure-and-syntax
 * @see https://www.alibabacloud.com/help/en/ram/policy-elements
 */
export function ramAllows(policies: readonly PolicyDocument[], request: RamRequest): boolean {
  const applying = policies.flatMap(statementsOf).filter((statement) => applies(statement, request));
  const effects = new Set(applying.map(({ Effect }) => Effect));
  return effects.has("Allow") && !effects.has("Deny");
}

function statementsOf({ Version, Statement }: PolicyDocument): readonly PolicyStatement[] {
  if (Version !== "1") throw new Error(`a policy of RAM has the version "1", not ${JSON.stringify(Version)}`);
  return Statement;
}

const ELEMENTS = ["Effect", "Action", "Resource", "Condition"];

function applies(statement: PolicyStatement, { action, resource, context = {} }: RamRequest): boolean {
  const unknown = Object.keys(statement).filter((element) => !ELEMENTS.includes(element));
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")} of a statement of RAM is not evaluated here`);
  return (
    listed(statement.Action).some((pattern) => isLike(pattern.toLowerCase(), action.toLowerCase())) &&
    listed(statement.Resource).some((pattern) => isLike(pattern, resource)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) => holds(operator, keys, context))
  );
}

type Comparison = (expected: string, actual: string) => boolean;

const COMPARISONS: Readonly<Record<string, { readonly compare: Comparison; readonly negated: boolean }>> = {
  StringEquals: { compare: (expected, actual) => expected === actual, negated: false },
  StringNotEquals: { compare: (expected, actual) => expected === actual, negated: true },
  StringLike: { compare: isLike, negated: false },
  StringNotLike: { compare: isLike, negated: true },
  Bool: { compare: (expected, actual) => expected === actual, negated: false },
};

function holds(
  operator: string,
  keys: Readonly<Record<string, string | readonly string[]>>,
  context: RamRequest["context"] & object,
): boolean {
  const comparison = COMPARISONS[operator];
  if (comparison === undefined) throw new Error(`the operator ${operator} is not evaluated here`);
  return Object.entries(keys).every(([key, expected]) => {
    const actual = context[key];
    const found = actual !== undefined && listed(expected).some((value) => comparison.compare(value, actual));
    return found !== comparison.negated;
  });
}

function listed(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}

function isLike(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^]*")
    .replaceAll("?", "[^]");
  return new RegExp(`^${source}$`, "u").test(text);
}
