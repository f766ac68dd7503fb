import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { AwsContext } from "./context";
import { policyDocument } from "./policy";
import { ResourceOf } from "./resource-kinds";

/** One of several policies of a role. */
export interface ManagedPolicySpec {
  readonly roleName: string;
  /** The role's name; the policy's is made from it. */
  readonly name: string;
  /** From 2 on: the first is the inline one. */
  readonly number: number;
  readonly statements: readonly AccessStatement[];
}

/** Makes a managed policy for what the inline one has no room for, and attaches it. */
export function attachManagedPolicy(
  scope: Construct,
  { resources }: AwsContext,
  spec: ManagedPolicySpec,
): ResourceOf<"managedPolicyAttachment"> {
  const name = `${spec.name}-${spec.number}`;
  const policy = resources.make("managedPolicy", scope, `Policy${spec.number}`, {
    name,
    description: `More of what ${spec.name} may do`,
    policy: policyDocument(spec.statements),
    tags: resources.tags(name),
  });
  return resources.make("managedPolicyAttachment", scope, `Policy${spec.number}Attachment`, { role: spec.roleName, policyArn: policy.arn });
}
