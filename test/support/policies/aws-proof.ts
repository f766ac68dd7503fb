import { all, answers, type Asked } from "./answers";
import { type AppliedStack, onlyOf } from "./applied-stack";
import { allowedToCompare, neverToCompare, refusedToCompare } from "./aws-drift-requests";
import { allowedOnAws, type AwsGateway, provisioningOnAws, refusedOnAws, refusedToProvisionOnAws } from "./aws-requests";
import { iamAllows, type IamRequest, type IamRole } from "./iam";
import { administratorPolicy } from "./policy-document";
import { iamPoliciesOf, patternsIn } from "./role-policies";

/** Where the examples on AWS are applied to. */
export const AWS_PLACE = { region: "eu-central-1", account: "123456789012" } as const;

const OWN = ["master-key", "salt-key", "redis"];

/** What the examples are to have, by heart. */
const GATEWAYS = {
  "quickstart-aws": {
    name: "prod-gateway",
    secrets: ["dashscope", "anthropic", "openai", "deepseek", "database", ...OWN].map((secret) => `prod-gateway/${secret}`),
    profiles: [],
    hasDriftCheck: false,
  },
  "aws-production": {
    name: "ai-gateway-default",
    secrets: ["ai-gateway/rds", ...["azureOpenai", "openai", "cohere", ...OWN].map((secret) => `ai-gateway-default/${secret}`)],
    profiles: [{ id: "eu.amazon.nova-pro-v1:0", model: "amazon.nova-pro-v1:0" }],
    hasDriftCheck: true,
  },
} as const;

/** Tests that the roles of an example may do what they need and nothing else. */
export function hasLeastPrivilegeOnAws(stack: keyof typeof GATEWAYS, applied: () => Promise<AppliedStack>): void {
  const { hasDriftCheck, ...expected } = GATEWAYS[stack];
  let gateway: AwsGateway;
  let nodes: IamRole;
  let drift: IamRole;

  it("has roles with policies", async () => {
    const resources = await applied();
    const key = onlyOf(resources, "aws_kms_key");
    gateway = {
      ...AWS_PLACE,
      ...expected,
      key: key.text("arn"),
      keyPolicy: key.policy("policy"),
      group: onlyOf(resources, "aws_autoscaling_group").text("arn"),
    };
    nodes = roleIn(resources, `${gateway.name}-nodes-${gateway.region}`);
    drift = roleIn(resources, `${gateway.name}-drift-${gateway.region}`);
    expect(nodes.policies).toHaveLength(2);
    expect(drift.policies).toHaveLength(hasDriftCheck ? 1 : 0);
  });

  it("lets its nodes do all that they need", () => expectAnswers(nodes, allowed(gateway), true));

  it("lets its nodes do nothing else that matters", () => expectAnswers(nodes, refused(gateway), false));

  it("names what its nodes may do one by one, but for objects, streams of its log, agents' keys, and regions behind a profile", () => {
    const { name, profiles } = gateway;
    const bucket = `arn:aws:s3:::${name}-bundles-${AWS_PLACE.account}-${AWS_PLACE.region}`;
    expect(patternsIn(nodes.policies)).toEqual([
      ...profiles.map(({ model }) => `arn:aws:bedrock:*::foundation-model/${model}`),
      `arn:aws:logs:${AWS_PLACE.region}:${AWS_PLACE.account}:log-group:/cdktf-ai-gateway/${name}:*`,
      `${bucket}/bundles/*`,
      `${bucket}/settings/*`,
      `arn:aws:secretsmanager:${AWS_PLACE.region}:${AWS_PLACE.account}:secret:${name}/agents/*-??????`,
    ]);
  });

  it("refuses by their policies alone: an administrator's would let them", async () => {
    const ownAccount = refused(gateway).filter(({ account }) => account === undefined);
    await expectAnswers({ ...nodes, policies: [administratorPolicy("2012-10-17")] }, ownAccount, true);
  });

  if (!hasDriftCheck) return;

  it("lets its drift check see settings", () => expectAnswers(drift, allowedToCompare(gateway), true));

  it("lets its drift check do nothing else that matters", async () => {
    await expectAnswers(drift, [...neverToCompare(gateway), ...refusedToCompare(gateway)], false);
  });

  it("denies its drift check the values of secrets, whatever else it is allowed", async () => {
    const mighty = { ...drift, policies: [...drift.policies, administratorPolicy("2012-10-17")] };
    await expectAnswers(mighty, neverToCompare(gateway), false);
    await expectAnswers(mighty, refusedToCompare(gateway), true);
  });
}

/** The nodes of all examples make the agents' keys. */
function allowed(gateway: AwsGateway): Asked<IamRequest>[] {
  return [...allowedOnAws(gateway), ...provisioningOnAws(gateway)];
}

function refused(gateway: AwsGateway): Asked<IamRequest>[] {
  return [...refusedOnAws(gateway), ...refusedToProvisionOnAws(gateway)];
}

function roleIn(resources: AppliedStack, name: string): IamRole {
  const { account } = AWS_PLACE;
  return { arn: `arn:aws:iam::${account}:role/${name}`, account, policies: iamPoliciesOf(resources, name) };
}

async function expectAnswers(role: IamRole, requests: readonly Asked<IamRequest>[], answer: boolean): Promise<void> {
  expect(await answers(requests, (request) => iamAllows(role, request))).toEqual(all(requests, answer));
}
