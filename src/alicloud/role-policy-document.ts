import { AccessStatement } from "../access";
import { terraformJson } from "../text";

/**
 * A RAM policy that allows the statements and, where given, denies the last ones.
 * @see https://www.alibabacloud.com/help/en/ram/policy-structure-and-syntax: a statement has no id
 */
export function policyDocument(allowed: readonly AccessStatement[], denied: readonly AccessStatement[] = []): string {
  return terraformJson({
    Version: "1",
    Statement: [...allowed.map((statement) => rendered("Allow", statement)), ...denied.map((statement) => rendered("Deny", statement))],
  });
}

function rendered(effect: "Allow" | "Deny", { actions, resources, conditions }: AccessStatement) {
  return { Effect: effect, Action: actions, Resource: resources, ...(conditions && { Condition: conditions }) };
}

/** The trust of a role in one service of Alibaba Cloud, and nobody else. */
export function trustDocument(service: string): string {
  return terraformJson({
    Version: "1",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: [service] } }],
  });
}
