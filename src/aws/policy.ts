import { AccessStatement } from "../access";
import { terraformJson } from "../text";

/**
 * An IAM policy that allows the statements and denies the last ones. Statements of the same id are told apart by a number,
 * since IAM refuses a policy with two of one id.
 */
export function policyDocument(allowed: readonly AccessStatement[], denied: readonly AccessStatement[] = []): string {
  const statements = [
    ...allowed.map((statement) => rendered("Allow", statement)),
    ...denied.map((statement) => rendered("Deny", statement)),
  ];
  return terraformJson({ Version: "2012-10-17", Statement: withUniqueIds(statements) });
}

/** The trust of a role in one service of AWS, and nobody else. */
export function trustDocument(service: string, conditions?: AccessStatement["conditions"]): string {
  return terraformJson({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: service }, ...(conditions && { Condition: conditions }) },
    ],
  });
}

interface RenderedStatement {
  readonly Sid: string;
}

function rendered(effect: "Allow" | "Deny", { sid, actions, resources, conditions }: AccessStatement): RenderedStatement {
  return {
    Sid: sid,
    Effect: effect,
    Action: actions,
    Resource: resources,
    ...(conditions && { Condition: conditions }),
  } as RenderedStatement;
}

function withUniqueIds(statements: readonly RenderedStatement[]): RenderedStatement[] {
  const seen = new Map<string, number>();
  return statements.map((statement) => {
    const count = (seen.get(statement.Sid) ?? 0) + 1;
    seen.set(statement.Sid, count);
    return count === 1 ? statement : { ...statement, Sid: `${statement.Sid}${count}` };
  });
}
