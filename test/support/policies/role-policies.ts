import type { AppliedResource, AppliedStack } from "./applied-stack";
import type { PolicyDocument } from "./policy-document";

/** All policies that a role has on AWS once the stack is applied: its own, and those that are attached. */
export function iamPoliciesOf(stack: AppliedStack, role: string): PolicyDocument[] {
  const inline = of(stack, "aws_iam_role_policy", "role", role);
  const attached = of(stack, "aws_iam_role_policy_attachment", "role", role).map((attachment) => attachment.text("policy_arn"));
  const managed = stack.all("aws_iam_policy").filter((policy) => attached.includes(policy.text("arn")));
  return [...inline, ...managed].map((policy) => policy.policy("policy"));
}

/** All policies that a role has on Alibaba Cloud once the stack is applied. */
export function ramPoliciesOf(stack: AppliedStack, role: string): PolicyDocument[] {
  const attached = of(stack, "alicloud_ram_role_policy_attachment", "role_name", role).map((attachment) => attachment.text("policy_name"));
  return stack
    .all("alicloud_ram_policy")
    .filter((policy) => attached.includes(policy.text("policy_name")))
    .map((policy) => policy.policy("policy_document"));
}

/** The actions and resources of policies that are patterns; the six characters that AWS adds to a secret's name aside. */
export function patternsIn(policies: readonly PolicyDocument[]): string[] {
  const texts = policies.flatMap(({ Statement }) => Statement).flatMap(({ Action, Resource }) => [Action, Resource].flat());
  return texts.filter((text) => /[*?]/.test(text.replace(/-\?{6}$/, ""))).sort();
}

function of(stack: AppliedStack, type: string, attribute: string, role: string): AppliedResource[] {
  return stack.all(type).filter((resource) => resource.text(attribute) === role);
}
