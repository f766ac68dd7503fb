import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { ConfigError } from "../errors";
import { longestLength } from "../policy-length";
import { policyParts } from "../policy-parts";
import { policyDocument } from "./role-policy-document";

/** @see https://www.alibabacloud.com/help/en/ram/product-overview/limits */
const LONGEST_POLICY = 6144;
/** Of the ten custom policies that a role may have attached, one is for what the nodes need of their scaling groups. */
const MOST_POLICIES = 9;

/**
 * A role's statements in as many policies as RAM asks for; at least one, which may be empty.
 * @throws ConfigError when a role can not have as many
 */
export function ramPolicyParts(scope: Construct, statements: readonly AccessStatement[]): readonly (readonly AccessStatement[])[] {
  const parts = policyParts(statements, {
    longest: () => LONGEST_POLICY,
    lengthOf: (part) => longestLength(scope, policyDocument(part), { "data.alicloud_account": 16 }),
  });
  ConfigError.throwIfAny(scope, tooManyProblems(parts.length));
  return parts;
}

function tooManyProblems(count: number): string[] {
  if (count <= MOST_POLICIES) return [];
  return [
    `secrets: what the role must read takes ${count} policies of RAM, and it can have ${MOST_POLICIES} of them; use fewer secrets or shorter names`,
  ];
}
