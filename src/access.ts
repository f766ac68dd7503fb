import { IConstruct } from "constructs";

/** What a role may do, in the words of its cloud; the shape is the same on both. */
export interface AccessStatement {
  /** Letters and digits. */
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Conditions by operator, then by key. */
  readonly conditions?: { readonly [operator: string]: { readonly [key: string]: string | readonly string[] } };
}

/** A role that can be allowed more. */
export interface IAccessRole extends IConstruct {
  readonly roleName: string;
  readonly roleArn: string;
  /** Allows what the statement says, and nothing else. */
  allow(statement: AccessStatement): void;
}

/** What everybody may on both clouds without being allowed it, for a policy of nobody's grants: none is taken that has no statement. */
const ASK_WHO_ONE_IS: AccessStatement = { sid: "AskWhoOneIs", actions: ["sts:GetCallerIdentity"], resources: ["*"] };

/** Statements that make a policy, also where nothing was granted. */
export function policyStatements(granted: readonly AccessStatement[] = []): readonly AccessStatement[] {
  return granted.length === 0 ? [ASK_WHO_ONE_IS] : granted;
}
