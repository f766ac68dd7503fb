import { AccessStatement } from "../../src/access";
import { readGranted } from "../support/granted";
import { ACCOUNT, DRIFT, Json, REGION, Sample } from "./support";

function policy(resource: Json): Json {
  return JSON.parse(resource.policy ?? resource.assume_role_policy).Statement;
}

describe("role", () => {
  const statement = (sid: string, resource: string): AccessStatement => ({ sid, actions: ["s3:GetObject"], resources: [resource] });

  test("instances only may assume it, and it may do what was granted by the end of synthesis", () => {
    const sample = new Sample();
    const granted: AccessStatement[] = [];
    const role = sample.platform.role(sample.stack, "Role", { name: "gwy", description: "nodes", statements: () => granted });
    granted.push(statement("Read", "a"), statement("Read", "b"), {
      ...statement("Own", "c"),
      conditions: { StringEquals: { k: "${aws:username}" } },
    });

    const assumed = JSON.parse(sample.only("aws_iam_role").assume_role_policy).Statement;
    expect(assumed).toEqual([{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }]);
    expect(policy(sample.only("aws_iam_role_policy"))).toEqual([
      { Sid: "Read", Effect: "Allow", Action: ["s3:GetObject"], Resource: ["a"] },
      { Sid: "Read2", Effect: "Allow", Action: ["s3:GetObject"], Resource: ["b"] },
      { Sid: "Own", Effect: "Allow", Action: ["s3:GetObject"], Resource: ["c"], Condition: { StringEquals: { k: "$${aws:username}" } } },
    ]);
    expect(role.ready).toHaveLength(2);
  });

  test("its name holds the region, since IAM's names hold for all of them", () => {
    const sample = new Sample();
    sample.platform.role(sample.stack, "Role", { name: "gw-${terraform.workspace}", description: "nodes", statements: () => [] });
    expect(sample.only("aws_iam_role").name).toBe(`gw-\${terraform.workspace}-nodes-${REGION}`);
    expect(sample.only("aws_iam_instance_profile").name).toBe(`gw-\${terraform.workspace}-nodes-${REGION}`);
  });
});

describe("secret store", () => {
  const store = new Sample().platform.secretStore;

  test.each([["a/b_c+d=e.f@g-h"], ["gw-${terraform.workspace}/openai"], ["prod/master-key"], ["my-openai"]])("name %j passes", (name) => {
    expect(store.nameProblems("secretName", name)).toEqual([]);
  });

  test.each([["with space"], ["a*"], ["a?"], [""], ["x".repeat(513)]])("name %j is refused", (name) => {
    expect(store.nameProblems("secretName", name)).toEqual([expect.stringContaining("secretName: ")]);
  });

  test("reading is of exactly the named secrets, decrypting with exactly the key by way of the store", () => {
    const sample = new Sample({ accountId: ACCOUNT });
    const [read, decrypt] = readGranted(sample.stack, sample.platform.secretStore, ["gwy/openai", "gw-${terraform.workspace}/b"], {
      id: "arn:key",
    });
    expect(read!.resources.map((resource) => resource.replace(/\$\{TfToken[^}]*\}/, "aws"))).toEqual([
      `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:gwy/openai-??????`,
      `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:gw-\${terraform.workspace}/b-??????`,
    ]);
    expect(read!.actions).toEqual(["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]);
    expect(decrypt).toEqual({
      sid: "DecryptSecrets",
      actions: ["kms:Decrypt"],
      resources: ["arn:key"],
      conditions: { StringEquals: { "kms:ViaService": `secretsmanager.${REGION}.amazonaws.com` } },
    });
    expect(readGranted(new Sample().stack, sample.platform.secretStore, [], { id: "arn:key" })).toEqual([]);
  });

  test.each([
    ["retain" as const, true],
    ["destroy" as const, false],
  ])("the key rotates, has an alias, and is kept with %s: %s", (removal, isKept) => {
    const sample = new Sample({ accountId: ACCOUNT });
    sample.platform.secretStore.key(sample.stack, "Key", { name: "gwy", removal });
    const key = sample.only("aws_kms_key");
    expect(key).toMatchObject({ enable_key_rotation: true, deletion_window_in_days: 30, lifecycle: { prevent_destroy: isKept } });
    expect(policy(key)).toEqual([
      {
        Sid: "AccountAdministers",
        Effect: "Allow",
        Principal: { AWS: `arn:\${data.aws_partition.AwsPartition.partition}:iam::${ACCOUNT}:root` },
        Action: "kms:*",
        Resource: "*",
      },
    ]);
    expect(sample.only("aws_kms_alias").name).toBe("alias/gwy");
  });
});

describe("Bedrock", () => {
  const PARTITION = "${data.aws_partition.AwsPartition.partition}";

  function statements(models: string[], region = REGION): Json[] {
    const sample = new Sample({ accountId: ACCOUNT });
    const granted = sample.platform.bedrockStatements(sample.stack, models, region);
    sample.platform.role(sample.stack, "Role", { name: "gwy", description: "nodes", statements: () => granted });
    return policy(sample.only("aws_iam_role_policy"));
  }

  test("foundation models are called in the provider's region, each once, without LiteLLM's route", () => {
    expect(statements(["amazon.nova-pro-v1:0", "converse/amazon.nova-pro-v1:0"], "us-west-2")).toEqual([
      {
        Sid: "CallBedrockModels",
        Effect: "Allow",
        Action: ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
        Resource: [`arn:${PARTITION}:bedrock:us-west-2::foundation-model/amazon.nova-pro-v1:0`],
      },
    ]);
  });

  test.each(["us", "eu", "apac", "global"])("the model behind a profile of %s is called through the profile only", (geography) => {
    const profile = `arn:${PARTITION}:bedrock:${REGION}:${ACCOUNT}:inference-profile/${geography}.anthropic.claude-v1:0`;
    const [call, behind] = statements([`${geography}.anthropic.claude-v1:0`]);
    expect(call.Resource).toEqual([profile]);
    const regions = geography === "global" ? ["*", ""] : ["*"];
    expect(behind.Resource).toEqual(regions.map((where) => `arn:${PARTITION}:bedrock:${where}::foundation-model/anthropic.claude-v1:0`));
    expect(behind.Condition).toEqual({ ArnEquals: { "bedrock:InferenceProfileArn": profile } });
  });

  test("an ARN is taken as it is; behind an application's profile is any model, through the profile only", () => {
    const application = `arn:aws:bedrock:${REGION}:${ACCOUNT}:application-inference-profile/abc123`;
    const provisioned = `arn:aws:bedrock:${REGION}:${ACCOUNT}:provisioned-model/def`;
    const [call, behind] = statements([application, `llama/${provisioned}`]);
    expect(call.Resource).toEqual([application, provisioned]);
    expect(behind.Resource).toEqual(["*", ""].map((where) => `arn:${PARTITION}:bedrock:${where}::foundation-model/*`));
    expect(behind.Condition).toEqual({ ArnEquals: { "bedrock:InferenceProfileArn": application } });
  });

  test.each([["*"], ["anthropic.*"], ["arn:aws:bedrock:*::foundation-model/*"], ["a model"], ["x?"]])("%j is refused", (model) => {
    expect(() => statements([model])).toThrow(`${JSON.stringify(model)} is not the id of a Bedrock model`);
  });

  test("no model, no statement", () => {
    const sample = new Sample();
    expect(sample.platform.bedrockStatements(sample.stack, [], REGION)).toEqual([]);
  });
});

describe("drift check", () => {
  function drift(): { sample: Sample; roles: Record<string, Json>; policies: Record<string, Json> } {
    const sample = new Sample({ accountId: ACCOUNT });
    sample.platform.driftCheck(sample.stack, "Target", DRIFT);
    const { resource } = sample.synth();
    const byName = (type: string) => Object.fromEntries(Object.values<Json>(resource[type]).map((one) => [one.name, one]));
    return { sample, roles: byName("aws_iam_role"), policies: byName("aws_iam_role_policy") };
  }

  test("the role is for CodeBuild of this account", () => {
    const [trust] = JSON.parse(drift().roles[`gw-drift-${REGION}`].assume_role_policy).Statement;
    expect(trust.Principal).toEqual({ Service: "codebuild.amazonaws.com" });
    expect(trust.Condition.StringEquals).toEqual({ "aws:SourceAccount": ACCOUNT });
  });

  test("it reads settings, and never a secret's value", () => {
    const statements: Json[] = policy(drift().policies["read-settings"]);
    const allowed = statements.filter(({ Effect }) => Effect === "Allow").flatMap(({ Action }) => Action as string[]);
    expect(allowed.filter((action) => !/^[a-z0-9]+:(Get|List|Describe)/.test(action))).toEqual([]);
    expect(allowed.filter((action) => /Value$|^ssm:|^kms:Decrypt|^s3:\*|^logs:(Get|Filter)/.test(action))).toEqual([]);
    const denied = statements.filter(({ Effect }) => Effect === "Deny").flatMap(({ Action }) => Action as string[]);
    expect(denied).toEqual(["secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "ssm:GetParameter*", "kms:Decrypt"]);
  });

  test("objects are read in the gateway's own bucket only", () => {
    const bundles = policy(drift().policies["read-settings"]).find(({ Sid }: Json) => Sid === "ReadBundles");
    expect(bundles.Resource).toEqual([`arn:\${data.aws_partition.AwsPartition.partition}:s3:::gw-bundles-${ACCOUNT}-${REGION}/*`]);
  });

  test("the schedule tells an encrypted queue, and may do nothing else", () => {
    const { sample, roles, policies } = drift();
    const queue = sample.only("aws_sqs_queue");
    expect(queue).toMatchObject({ name: "gw-drift", sqs_managed_sse_enabled: true });
    expect(policy(policies["tell-queue"])).toEqual([
      { Sid: "TellQueue", Effect: "Allow", Action: ["sqs:SendMessage"], Resource: [expect.stringContaining("aws_sqs_queue.")] },
    ]);
    expect(JSON.parse(roles[`gw-drift-schedule-${REGION}`].assume_role_policy).Statement[0].Condition).toEqual({
      StringEquals: { "aws:SourceAccount": ACCOUNT },
    });
    expect(sample.only("aws_scheduler_schedule")).toMatchObject({
      schedule_expression: "rate(360 minutes)",
      flexible_time_window: { mode: "OFF" },
      target: { input: '{"check":"drift"}' },
    });
  });
});
