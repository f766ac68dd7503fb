import type { AppliedStack, PolicyDocument } from "./applied-stack";

/** All policies that a role has on AWS once the stack is applied: its own, and those that are attached. */
export function iamPoliciesOf(stack: AppliedStack, role: string): PolicyDocument[] {
  const inline = of(stack, "aws_iam_role_policy", "role", role).map((policy) => stack.policy(policy, "policy"));
  const attached = of(stack, "aws_iam_role_policy_attachment", "role", role).map((attachment) => stack.text(attachment, "policy_arn"));
  const managed = [...stack.resources("aws_iam_policy").values()].filter((policy) =>
    attached.some((arn) => arn.endsWith(`:policy/${stack.text(policy, "name")}`)),
  );
  return [...inline, ...managed.map((policy) => stack.policy(policy, "policy"))];
}

/** All policies that a role has on Alibaba Cloud once the stack is applied. */
export function ramPoliciesOf(stack: AppliedStack, role: string): PolicyDocument[] {
  const attached = of(stack, "alicloud_ram_role_policy_attachment", "role_name", role).map((attachment) =>
    stack.text(attachment, "policy_name"),
  );
  return [...stack.resources("alicloud_ram_policy").values()]
    .filter((policy) => attached.includes(stack.text(policy, "policy_name")))
    .map((policy) => stack.policy(policy, "policy_document"));
}

function of(stack: AppliedStack, type: string, attribute: string, role: string) {
  return [...stack.resources(type).values()].filter((resource) => stack.text(resource, attribute) === role);
}
