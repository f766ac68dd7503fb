import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { CloudName, minimalProps, newStack } from "../support/gateways";
import { all, answers } from "../support/policies/answers";
import { onlyOf } from "../support/policies/applied-stack";
import { AWS_PLACE } from "../support/policies/aws-proof";
import { provisioningOnAws } from "../support/policies/aws-requests";
import { ForeseenStack } from "../support/policies/foreseen-stack";
import { iamAllows } from "../support/policies/iam";
import { ramAllows } from "../support/policies/ram";
import { ALICLOUD_PLACE } from "../support/policies/ram-proof";
import { provisioningOnAlicloud } from "../support/policies/ram-requests";
import { iamPoliciesOf, ramPoliciesOf } from "../support/policies/role-policies";
import { AiGateway, Provisioning } from "cdktf-ai-gateway";

/** Only nodes that make the agents' keys may do what that takes. */
describe.each([
  ["gateway", true],
  ["runner", false],
  ["none", false],
] as const)('with provisioning: "%s"', (provisioning, isAllowed) => {
  const outdir = mkdtempSync(join(tmpdir(), "provisioning-"));
  afterAll(() => rmSync(outdir, { recursive: true }));

  it("the nodes on AWS may read, write and encrypt the agents' keys, or may not", async () => {
    const resources = new ForeseenStack(synthesized("aws", provisioning), AWS_PLACE);
    const key = onlyOf(resources, "aws_kms_key");
    const name = `gateway-nodes-${AWS_PLACE.region}`;
    const role = {
      arn: `arn:aws:iam::${AWS_PLACE.account}:role/${name}`,
      account: AWS_PLACE.account,
      policies: iamPoliciesOf(resources, name),
    };
    const gateway = {
      ...AWS_PLACE,
      name: "gateway",
      secrets: [],
      key: key.text("arn"),
      keyPolicy: key.policy("policy"),
      group: "",
      profiles: [],
    };
    const requests = provisioningOnAws(gateway);
    expect(await answers(requests, (request) => iamAllows(role, request))).toEqual(all(requests, isAllowed));
  });

  it("the nodes on Alibaba Cloud may read, make, write and encrypt the agents' keys, or may not", async () => {
    const resources = new ForeseenStack(synthesized("alicloud", provisioning), ALICLOUD_PLACE);
    const policies = ramPoliciesOf(resources, `gateway-nodes-${ALICLOUD_PLACE.region}`);
    const key = onlyOf(resources, "alicloud_kms_key").text("id");
    const requests = provisioningOnAlicloud({ ...ALICLOUD_PLACE, name: "gateway", secrets: [], key, groups: [] });
    expect(policies.length).toBeGreaterThan(0);
    expect(await answers(requests, (request) => ramAllows(policies, request))).toEqual(all(requests, isAllowed));
  });

  function synthesized(cloud: CloudName, chosen: Provisioning): string {
    const folder = join(outdir, cloud);
    const app = new App({ outdir: folder });
    const agents = { "research-agent": { qpm: 1 } };
    new AiGateway(newStack(cloud, app), "gateway", { ...minimalProps(cloud), adminFrom: ["10.0.9.0/24"], agents, provisioning: chosen });
    app.synth();
    return join(folder, "stacks", "stack");
  }
});
