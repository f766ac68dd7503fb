import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { ConfigError } from "../errors";
import { longestLength } from "../policy-length";
import { policyParts } from "../policy-parts";
import { policyDocument } from "./policy";

/**
 * IAM counts all inline policies of a role together, and no white space.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const LONGEST_INLINE = 10_240;
/** The other inline policy: by which nodes say to their group that they serve. */
const FOR_LAUNCH_POLICY = 512;
const LONGEST_MANAGED = 6144;
/** What an account has without asking for more. */
const MOST_MANAGED = 10;

/**
 * A role's statements, shared out: the first part is for the inline policy and may be empty, each other one for a managed policy.
 * @throws ConfigError when a role can not have as many
 */
export function iamPolicyParts(scope: Construct, statements: readonly AccessStatement[]): readonly (readonly AccessStatement[])[] {
  const parts = policyParts(statements, {
    longest: (index) => (index === 0 ? LONGEST_INLINE - FOR_LAUNCH_POLICY : LONGEST_MANAGED),
    lengthOf: (part) => longestLength(scope, policyDocument(part), { "data.aws_partition": 10, "data.aws_caller_identity": 12 }),
  });
  ConfigError.throwIfAny(scope, tooManyProblems(parts.length - 1));
  return parts;
}

function tooManyProblems(managed: number): string[] {
  if (managed <= MOST_MANAGED) return [];
  return [
    `secrets: what the role must read takes ${managed} managed policies, and it can have ${MOST_MANAGED}; use fewer secrets or shorter names`,
  ];
}
