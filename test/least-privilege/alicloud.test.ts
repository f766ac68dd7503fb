import { SynthesizedExample, synthesizeExample } from "../support/examples";
import { AppliedStack, PolicyDocument } from "../support/policies/applied-stack";
import type { Asked } from "../support/policies/aws-requests";
import { ramAllows, RamRequest } from "../support/policies/ram";
import { AlicloudGateway, allowedOnAlicloud, refusedOnAlicloud } from "../support/policies/ram-requests";
import { ramPoliciesOf } from "../support/policies/role-policies";

const AT = { region: "cn-shanghai", account: "1234567890123456" };
const ALL = ["master-key", "salt-key", "database", "redis"];

/** What the examples are to have, by heart. */
const EXAMPLES = [
  {
    example: "quickstart",
    stack: "quickstart-alicloud",
    name: "prod-gateway",
    secrets: ["dashscope", "anthropic", "openai", "deepseek", ...ALL].map((secret) => `prod-gateway/${secret}`),
    groups: 0,
  },
  {
    example: "alicloud-production",
    stack: "alicloud-production",
    name: "ai-gateway-default",
    secrets: ["dashscope", "pai-finetune", "deepseek", "moonshot", "zhipu", ...ALL].map((secret) => `ai-gateway-default/${secret}`),
    groups: 2,
  },
] as const;

describe.each(EXAMPLES)("the nodes of $stack", ({ example, stack, name, secrets, groups }) => {
  let synthesized: SynthesizedExample;
  let policies: readonly PolicyDocument[];
  let gateway: AlicloudGateway;

  beforeAll(() => {
    synthesized = synthesizeExample(example);
    const applied = new AppliedStack(synthesized.stackFolder(stack), AT);
    policies = ramPoliciesOf(applied, `${name}-nodes-${AT.region}`);
    const [key, ...others] = ids(applied, "alicloud_kms_key");
    expect(others).toEqual([]);
    gateway = { ...AT, name, secrets, key: key!, groups: ids(applied, "alicloud_ess_scaling_group") };
  });
  afterAll(() => synthesized.dispose());

  it("can do all that they need", () => {
    expect(gateway.groups).toHaveLength(groups);
    expect(answers(policies, allowedOnAlicloud(gateway))).toEqual(expected(allowedOnAlicloud(gateway), true));
  });

  it("can do nothing else that matters", () => {
    expect(answers(policies, refusedOnAlicloud(gateway))).toEqual(expected(refusedOnAlicloud(gateway), false));
  });

  it("are refused by their policies alone: an administrator's would let them", () => {
    const administrator: PolicyDocument = { Version: "1", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
    expect(answers([administrator], refusedOnAlicloud(gateway))).toEqual(expected(refusedOnAlicloud(gateway), true));
  });
});

function ids(applied: AppliedStack, type: string): string[] {
  return [...applied.resources(type).keys()].map((id) => applied.text({ id: `\${${type}.${id}.id}` }, "id"));
}

function answers(policies: readonly PolicyDocument[], requests: readonly Asked<RamRequest>[]): Record<string, boolean> {
  return Object.fromEntries(requests.map((request) => [request.what, ramAllows(policies, request)]));
}

function expected(requests: readonly Asked<RamRequest>[], answer: boolean): Record<string, boolean> {
  return Object.fromEntries(requests.map(({ what }) => [what, answer]));
}
