import { all, answers, type Asked } from "./answers";
import { type AppliedStack, onlyOf } from "./applied-stack";
import { administratorPolicy, type PolicyDocument } from "./policy-document";
import { ramAllows, type RamRequest } from "./ram";
import { allowedToCompare, neverToCompare, refusedToCompare } from "./ram-drift-requests";
import {
  type AlicloudGateway,
  allowedOnAlicloud,
  provisioningOnAlicloud,
  refusedOnAlicloud,
  refusedToProvisionOnAlicloud,
} from "./ram-requests";
import { patternsIn, ramPoliciesOf } from "./role-policies";

/** Where the examples on Alibaba Cloud are applied to. */
export const ALICLOUD_PLACE = { region: "cn-shanghai", account: "1234567890123456" } as const;

const OWN = ["master-key", "salt-key", "database", "redis"];

/** What the examples are to have, by heart. */
const GATEWAYS = {
  "quickstart-alicloud": {
    name: "prod-gateway",
    secrets: ["dashscope", "anthropic", "openai", "deepseek", ...OWN].map((secret) => `prod-gateway/${secret}`),
    groups: 0,
    hasDriftCheck: false,
  },
  "alicloud-production": {
    name: "ai-gateway-default",
    secrets: ["dashscope", "pai-finetune", "deepseek", "moonshot", "zhipu", ...OWN].map((secret) => `ai-gateway-default/${secret}`),
    groups: 2,
    hasDriftCheck: true,
  },
} as const;

/** Tests that the roles of an example may do what they need and nothing else. */
export function hasLeastPrivilegeOnAlicloud(stack: keyof typeof GATEWAYS, applied: () => Promise<AppliedStack>): void {
  const { hasDriftCheck, groups, ...expected } = GATEWAYS[stack];
  let gateway: AlicloudGateway;
  let nodes: readonly PolicyDocument[];
  let drift: readonly PolicyDocument[];

  it("has roles with policies", async () => {
    const resources = await applied();
    const key = onlyOf(resources, "alicloud_kms_key").text("id");
    const ids = resources.all("alicloud_ess_scaling_group").map((group) => group.text("id"));
    gateway = { ...ALICLOUD_PLACE, ...expected, key, groups: ids };
    nodes = ramPoliciesOf(resources, `${gateway.name}-nodes-${gateway.region}`);
    drift = ramPoliciesOf(resources, `${gateway.name}-drift-${gateway.region}`);
    expect(ids).toHaveLength(groups);
    expect(nodes).toHaveLength(groups === 0 ? 1 : 2);
    expect(drift).toHaveLength(hasDriftCheck ? 1 : 0);
  });

  it("lets its nodes do all that they need", () => expectAnswers(nodes, allowed(gateway), true));

  it("lets its nodes do nothing else that matters", () => expectAnswers(nodes, refused(gateway), false));

  it("names what its nodes may do one by one, but for objects, agents' keys, and groups that a node finds itself in", () => {
    const { account, region } = ALICLOUD_PLACE;
    const bucket = `acs:oss:*:*:${gateway.name}-${account}-${region}`;
    const find = groups === 0 ? [] : [`acs:ess:${region}:${account}:scalinggroup/*`];
    const keys = `acs:kms:${region}:${account}:secret/${gateway.name}/agents/*`;
    const objects = ["agents/desired.json", "bundles/*", "settings/*"].map((object) => `${bucket}/${object}`);
    expect(patternsIn(nodes)).toEqual([...find, keys, ...objects]);
  });

  it("refuses by their policies alone: an administrator's would let them", () =>
    expectAnswers([administratorPolicy("1")], refused(gateway), true));

  if (!hasDriftCheck) return;

  it("lets its drift check see settings", () => expectAnswers(drift, allowedToCompare(gateway), true));

  it("lets its drift check do nothing else that matters", () =>
    expectAnswers(drift, [...neverToCompare(gateway), ...refusedToCompare(gateway)], false));

  it("denies its drift check the values of secrets, whatever else it is allowed", async () => {
    const mighty = [...drift, administratorPolicy("1")];
    await expectAnswers(mighty, neverToCompare(gateway), false);
    await expectAnswers(mighty, refusedToCompare(gateway), true);
  });
}

/** The nodes of all examples make the agents' keys. */
function allowed(gateway: AlicloudGateway): Asked<RamRequest>[] {
  return [...allowedOnAlicloud(gateway), ...provisioningOnAlicloud(gateway)];
}

function refused(gateway: AlicloudGateway): Asked<RamRequest>[] {
  return [...refusedOnAlicloud(gateway), ...refusedToProvisionOnAlicloud(gateway)];
}

async function expectAnswers(policies: readonly PolicyDocument[], requests: readonly Asked<RamRequest>[], answer: boolean): Promise<void> {
  expect(await answers(requests, (request) => ramAllows(policies, request))).toEqual(all(requests, answer));
}
