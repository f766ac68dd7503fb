import { SynthesizedExample, synthesizeExample } from "../examples";
import { AppliedStack, PolicyDocument } from "./applied-stack";
import { checkovReport } from "./checkov";
import { parliamentFindings } from "./parliament";

const AT = { region: "eu-central-1", account: "123456789012" };

const STACKS = [
  ["quickstart", "quickstart-aws"],
  ["aws-production", "aws-production"],
] as const;

/** What parliament finds that is not so, or is meant so. */
const EXPECTED_FINDINGS: readonly { readonly finding: RegExp; readonly policy: RegExp; readonly why: string }[] = [
  {
    finding: /^RESOURCE_MISMATCH: bedrock:InvokeModel bedrock:InvokeModelWithResponseStream$/,
    policy: /^gateway_Role_/,
    why: "parliament 1.6 wants an ARN of every kind that can be called in a statement about calling one; AWS wants one of them",
  },
  {
    finding: /^RESOURCE_STAR: (\w+:(Describe|Get|List)\w+ ?)+$/,
    policy: /^gateway_Drift_Target_Policy_/,
    why: "the drift check reads settings of the whole account, and no value of a secret; Terraform asks by ids that it learns only then",
  },
];

/** The checks of Checkov that the examples do not pass, and why that is right or bearable. */
const SUPPRESSED: Readonly<Record<string, string>> = {
  CKV_AWS_2: "the quickstart has no certificate: it listens for HTTP inside its network only; the production example has one",
  CKV_AWS_103: "the quickstart has no certificate, see CKV_AWS_2",
  CKV2_AWS_20: "an internal balancer without a listener of HTTP beside HTTPS, which could redirect nothing",
  CKV_AWS_378: "nodes take HTTP from the balancer's security group only; TLS ends at the balancer",
  CKV_AWS_91: "the gateway writes its own log of requests; access logs need a bucket that belongs to the account",
  CKV_AWS_158: "CloudWatch encrypts logs anyhow; prompts are not in them, and a key of one's own is a transform away",
  CKV_AWS_297: "what the schedule says holds no secret",
  CKV_AWS_18: "the bucket holds public code and settings without a secret; access logs need a bucket that belongs to the account",
  CKV_AWS_144: "the bucket's content is made anew by every apply",
  CKV_AWS_145: "S3's own key, so that the nodes need not be let to another key of KMS",
  CKV2_AWS_61: "a rollback finds the old bundles; each apply adds a few hundred kilobytes",
  CKV2_AWS_62: "nobody waits for a new bundle: Terraform replaces the nodes itself",
  CKV2_AWS_57: "providers' keys are issued by the providers: rotated by the command, which no function of Lambda could do",
};

describe.each(STACKS)("of the example %s, the stack %s", (example, stack) => {
  let synthesized: SynthesizedExample;
  beforeAll(() => (synthesized = synthesizeExample(example)));
  afterAll(() => synthesized.dispose());

  it("has no policy in which parliament finds something", async () => {
    const policies = policiesOf(new AppliedStack(synthesized.stackFolder(stack), AT));
    const found = Object.entries(await parliamentFindings(policies)).flatMap(([policy, findings]) =>
      findings.filter((finding) => !isExpected(policy, finding)).map((finding) => `${policy}: ${finding}`),
    );
    expect(found).toEqual([]);
    expect(Object.keys(policies).length).toBeGreaterThan(1);
  });

  it("fails no check of Checkov that is not suppressed here", async () => {
    const { passed, failed } = await checkovReport(synthesized.stackFolder(stack));
    expect(failed.filter(({ check }) => SUPPRESSED[check] === undefined)).toEqual([]);
    expect(passed).toBeGreaterThan(50);
  });
});

it("parliament finds what is wrong", async () => {
  const wrong: PolicyDocument = {
    Version: "2012-10-17",
    Statement: [{ Sid: "Wrong", Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket-without-a-key" }],
  };
  expect(await parliamentFindings({ wrong })).toEqual({ wrong: ["RESOURCE_MISMATCH: s3:GetObject"] });
});

function policiesOf(applied: AppliedStack): Record<string, PolicyDocument> {
  const policies = ["aws_iam_role_policy", "aws_iam_policy"].flatMap((type) => [...applied.resources(type)]);
  return Object.fromEntries(policies.map(([id, attributes]) => [id, applied.policy(attributes, "policy")]));
}

function isExpected(policy: string, finding: string): boolean {
  return EXPECTED_FINDINGS.some((expected) => expected.policy.test(policy) && expected.finding.test(finding));
}
