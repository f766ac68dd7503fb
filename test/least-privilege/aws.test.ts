import { SynthesizedExample, synthesizeExample } from "../support/examples";
import { AppliedStack, PolicyDocument } from "../support/policies/applied-stack";
import { allowedOnAws, Asked, AwsGateway, refusedOnAws } from "../support/policies/aws-requests";
import { iamAllows, IamRequest, IamRole } from "../support/policies/iam";
import { iamPoliciesOf } from "../support/policies/role-policies";

const AT = { region: "eu-central-1", account: "123456789012" };
const ALL = ["master-key", "salt-key", "redis"];

/** What the examples are to have, by heart. */
const EXAMPLES = [
  {
    example: "quickstart",
    stack: "quickstart-aws",
    name: "prod-gateway",
    secrets: ["dashscope", "anthropic", "openai", "deepseek", "database", ...ALL].map((secret) => `prod-gateway/${secret}`),
    profiles: [],
  },
  {
    example: "aws-production",
    stack: "aws-production",
    name: "ai-gateway-default",
    secrets: ["ai-gateway/rds", ...["azureOpenai", "openai", "cohere", ...ALL].map((secret) => `ai-gateway-default/${secret}`)],
    profiles: [{ id: "eu.amazon.nova-pro-v1:0", model: "amazon.nova-pro-v1:0" }],
  },
] as const;

describe.each(EXAMPLES)("the nodes of $stack", ({ example, stack, name, secrets, profiles }) => {
  let synthesized: SynthesizedExample;
  let role: IamRole;
  let gateway: AwsGateway;

  beforeAll(() => {
    synthesized = synthesizeExample(example);
    const applied = new AppliedStack(synthesized.stackFolder(stack), AT);
    const roleName = `${name}-nodes-${AT.region}`;
    role = { arn: `arn:aws:iam::${AT.account}:role/${roleName}`, account: AT.account, policies: iamPoliciesOf(applied, roleName) };
    gateway = {
      ...AT,
      name,
      secrets,
      profiles,
      key: reference(applied, "aws_kms_key"),
      group: reference(applied, "aws_autoscaling_group"),
    };
  });
  afterAll(() => synthesized.dispose());

  it("can do all that they need", async () => {
    expect(await answers(role, allowedOnAws(gateway))).toEqual(expected(allowedOnAws(gateway), true));
  });

  it("can do nothing else that matters", async () => {
    expect(await answers(role, refusedOnAws(gateway))).toEqual(expected(refusedOnAws(gateway), false));
  });

  it("are refused by their policies alone: an administrator's would let them", async () => {
    const ownAccount = refusedOnAws(gateway).filter(({ account }) => account === undefined);
    expect(await answers({ ...role, policies: [ADMINISTRATOR] }, ownAccount)).toEqual(expected(ownAccount, true));
  });
});

const ADMINISTRATOR: PolicyDocument = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };

/** The ARN of the only resource of a type. */
function reference(applied: AppliedStack, type: string): string {
  const [id, ...others] = applied.resources(type).keys();
  expect(others).toEqual([]);
  return applied.text({ arn: `\${${type}.${id}.arn}` }, "arn");
}

async function answers(role: IamRole, requests: readonly Asked<IamRequest>[]): Promise<Record<string, boolean>> {
  const allowed = await Promise.all(
    requests.map(async (request): Promise<[string, boolean]> => [request.what, await iamAllows(role, request)]),
  );
  return Object.fromEntries(allowed);
}

function expected(requests: readonly Asked<IamRequest>[], answer: boolean): Record<string, boolean> {
  return Object.fromEntries(requests.map(({ what }) => [what, answer]));
}
