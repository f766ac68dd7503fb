import { ACCOUNT, REGION, Sample } from "../aws/support";
import { iamAllows, IamRequest } from "../support/policies/iam";
import { PolicyDocument } from "../support/policies/policy-document";

const CLAUDE = "anthropic.claude-sonnet-4-20250514-v1:0";
const APPLICATION = `arn:aws:bedrock:${REGION}:${ACCOUNT}:application-inference-profile/abc123def456`;
const PROVISIONED = `arn:aws:bedrock:${REGION}:${ACCOUNT}:provisioned-model/abc123def456`;

function profile(id: string, region = REGION): string {
  return `arn:aws:bedrock:${region}:${ACCOUNT}:inference-profile/${id}`;
}

function model(region: string, id = CLAUDE): string {
  return `arn:aws:bedrock:${region}::foundation-model/${id}`;
}

function may(declared: string, resource: string, by?: string): Promise<boolean> {
  const sample = new Sample({ accountId: ACCOUNT });
  const granted = sample.platform.bedrockStatements(sample.stack, [declared], REGION);
  sample.platform.role(sample.stack, "Role", { name: "gwy", description: "nodes", statements: () => granted });
  const text = sample.only("aws_iam_role_policy") as { policy: string };
  const policy = JSON.parse(text.policy.replaceAll(/\$\{data\.aws_partition[^}]*\}/g, "aws")) as PolicyDocument;
  const request: IamRequest = {
    action: "bedrock:InvokeModelWithResponseStream",
    resource,
    context: by === undefined ? {} : { "bedrock:InferenceProfileArn": by },
  };
  return iamAllows({ arn: `arn:aws:iam::${ACCOUNT}:role/gwy`, account: ACCOUNT, policies: [policy] }, request);
}

it.each(["us", "eu", "apac", "jp", "au", "global"])(
  "a profile of %s is called with the model behind it, wherever that is",
  async (geography) => {
    const id = `${geography}.${CLAUDE}`;
    expect(await may(id, profile(id))).toBe(true);
    for (const region of [REGION, "us-east-1", "ap-northeast-1"]) expect(await may(id, model(region), profile(id))).toBe(true);
    expect(await may(id, model(REGION))).toBe(false);
    expect(await may(id, model(REGION), profile(`other.${CLAUDE}`))).toBe(false);
    expect(await may(id, model(REGION, "anthropic.claude-3-haiku-20240307-v1:0"), profile(id))).toBe(false);
    expect(await may(id, profile(id, "us-east-1"))).toBe(false);
  },
);

it("a foundation model is called in its region only, and by no profile's detour", async () => {
  expect(await may(CLAUDE, model(REGION))).toBe(true);
  expect(await may(CLAUDE, model("us-east-1"))).toBe(false);
  expect(await may(CLAUDE, profile(`eu.${CLAUDE}`))).toBe(false);
});

it("an application's profile is called by its ARN, and any model through it only", async () => {
  expect(await may(APPLICATION, APPLICATION)).toBe(true);
  expect(await may(APPLICATION, model("us-east-1"), APPLICATION)).toBe(true);
  expect(await may(APPLICATION, model(REGION))).toBe(false);
  expect(await may(APPLICATION, APPLICATION.replace("abc123", "abc124"))).toBe(false);
});

it("a provisioned model is called by its ARN, and nothing else", async () => {
  expect(await may(PROVISIONED, PROVISIONED)).toBe(true);
  expect(await may(PROVISIONED, model(REGION))).toBe(false);
});
