import { SynthesizedExample, synthesizeExample } from "../examples";
import type { AppliedStack } from "./applied-stack";
import { AWS_PLACE } from "./aws-proof";
import { checkovReport } from "./checkov";
import { ForeseenStack } from "./foreseen-stack";
import { Finding, parliamentFindings } from "./parliament";
import type { PolicyDocument } from "./policy-document";

const STACKS = [
  ["quickstart", "quickstart-aws"],
  ["aws-production", "aws-production"],
  ["vault", "vault-aws"],
] as const;

type Stack = (typeof STACKS)[number][1];

const ALL: readonly Stack[] = STACKS.map(([, stack]) => stack);
/** Neither has a certificate. */
const PLAIN: readonly Stack[] = ["quickstart-aws", "vault-aws"];

const INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"];

/**
 * What parliament 1.6 finds that is not so: it reads AWS's list of what these actions can be bound to as if a statement had
 * to name one of each, from imported models to prompt routers. AWS asks for the one that is called.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html
 */
const MISTAKEN: Readonly<Partial<Record<Stack, Readonly<Record<string, readonly Finding[]>>>>> = {
  "aws-production": {
    gateway_Role: ["CallBedrockModels", "CallModelBehindProfile"].map((statement) => ({
      issue: "RESOURCE_MISMATCH",
      statement,
      actions: INVOKE,
    })),
  },
};

/** A check of Checkov that is not passed, and why that is right or bearable. */
interface Suppression {
  readonly check: string;
  /** The constructs, below the gateway, that do not pass it. */
  readonly on: RegExp;
  readonly stacks: readonly Stack[];
  readonly why: string;
}

const SUPPRESSED: readonly Suppression[] = [
  {
    check: "CKV_AWS_2",
    on: /^Cluster_LoadBalancer_AgentsListener$/,
    stacks: PLAIN,
    why: "a listener speaks HTTPS where a certificate is given; without one it is reached from its network only",
  },
  {
    check: "CKV_AWS_103",
    on: /^Cluster_LoadBalancer_AgentsListener$/,
    stacks: PLAIN,
    why: "there is no TLS to choose a version of without a certificate",
  },
  {
    check: "CKV2_AWS_20",
    on: /^Cluster_LoadBalancer$/,
    stacks: PLAIN,
    why: "there is no listener of HTTPS to redirect to without a certificate; with one there is none of HTTP",
  },
  {
    check: "CKV_AWS_378",
    on: /^Cluster_LoadBalancer_(Admin|Agents)Targets$/,
    stacks: ALL,
    why: "TLS ends at the balancer: nodes have no certificate, and take HTTP from the balancer's security group only",
  },
  {
    check: "CKV_AWS_91",
    on: /^Cluster_LoadBalancer$/,
    stacks: PLAIN,
    why: "access logs need a bucket of the account's own, named by accessLogs; nodes write the log of requests either way",
  },
  {
    check: "CKV_AWS_18",
    on: /^Cluster_Files_Bucket$/,
    stacks: PLAIN,
    why: "access logs need a bucket of the account's own, named by accessLogs",
  },
  {
    check: "CKV_AWS_158",
    on: /^Cluster_Logs_Group$/,
    stacks: PLAIN,
    why: "CloudWatch encrypts logs by a key of its own, unless logKeyArn names one that lets the service in",
  },
  {
    check: "CKV_AWS_297",
    on: /^Drift_Target_Schedule$/,
    stacks: ["aws-production"],
    why: "the schedule holds the name of a stack; EventBridge encrypts it by a key of its own",
  },
  {
    check: "CKV_AWS_144",
    on: /^Cluster_Files_Bucket$/,
    stacks: ALL,
    why: "all of the bucket is made anew by an apply; nodes run on without it",
  },
  {
    check: "CKV_AWS_145",
    on: /^Cluster_Files_Bucket$/,
    stacks: ALL,
    why: "S3 encrypts by a key of its own; in it is no secret, and a key of KMS would have to be opened to every node",
  },
  {
    check: "CKV2_AWS_62",
    on: /^Cluster_Files_Bucket$/,
    stacks: ALL,
    why: "nothing waits for a new object: Terraform, which puts it there, also changes the nodes",
  },
  {
    check: "CKV2_AWS_57",
    on: /^(Agents_)?Secrets_[\w-]+$/,
    stacks: ["quickstart-aws", "aws-production"],
    why: "providers issue their keys themselves, and the gateway its own and the agents': no function of Lambda could; the command rotates them",
  },
];

describe.each(STACKS)("of the example %s, the stack %s", (example, stack) => {
  let synthesized: SynthesizedExample;
  beforeAll(() => {
    synthesized = synthesizeExample(example);
  });
  afterAll(() => synthesized.dispose());

  it("has no policy in which parliament finds something, but for its mistakes", async () => {
    const policies = policiesOf(new ForeseenStack(synthesized.stackFolder(stack), AWS_PLACE));
    const found = Object.entries(await parliamentFindings(policies)).filter(([, findings]) => findings.length > 0);
    expect(Object.fromEntries(found)).toEqual(MISTAKEN[stack] ?? {});
    expect(Object.keys(policies).length).toBeGreaterThan(1);
  });

  it("fails the checks of Checkov that are suppressed here, and no other", async () => {
    const { passed, failed } = await checkovReport(synthesized.stackFolder(stack));
    const expected = SUPPRESSED.filter(({ stacks }) => stacks.includes(stack));
    const suppressing = (check: string, construct: string) => expected.find((one) => one.check === check && one.on.test(construct));
    expect(failed.filter(({ check, construct }) => suppressing(check, construct) === undefined)).toEqual([]);
    const used = failed.map(({ check, construct }) => suppressing(check, construct));
    expect(expected.filter((one) => !used.includes(one))).toEqual([]);
    expect(passed).toBeGreaterThan(50);
  });
});

it("parliament finds what is wrong", async () => {
  const right = { Effect: "Allow", Action: "s3:ListBucket", Resource: "arn:aws:s3:::bucket" } as const;
  const wrong = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket-without-a-key" } as const;
  const policy: PolicyDocument = {
    Version: "2012-10-17",
    Statement: [
      { Sid: "Right", ...right },
      { Sid: "Wrong", ...wrong },
    ],
  };
  expect(await parliamentFindings({ policy })).toEqual({
    policy: [{ issue: "RESOURCE_MISMATCH", statement: "Wrong", actions: ["s3:GetObject"] }],
  });
});

/** By the construct that each belongs to, below the stack. */
function policiesOf(stack: AppliedStack): Record<string, PolicyDocument> {
  const policies = ["aws_iam_role_policy", "aws_iam_policy"].flatMap((type) => stack.all(type));
  return Object.fromEntries(policies.map((policy) => [policy.id.replace(/_[^_]*Policy\d*_[0-9A-F]{8}$/, ""), policy.policy("policy")]));
}
