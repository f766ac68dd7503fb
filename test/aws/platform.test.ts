import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { TerraformStack, Testing } from "cdktf";
import { Construct } from "constructs";
import { AwsPlatform } from "../../src/aws";
import { ConfigError } from "../../src/errors";
import { ACCOUNT, balancer, CERTIFICATE, DRIFT, Json, NETWORK, nodes, REGION, Sample } from "./support";

const platform = new AwsPlatform({ region: REGION });

describe("the platform's own props", () => {
  test.each([
    [{ region: "Frankfurt" }, 'region: "Frankfurt" is not a region of AWS'],
    [{ region: REGION, accountId: "12" }, 'accountId: "12" is not the 12 digits'],
    [{ region: REGION, accessLogsBucket: "Logs/here" }, 'accessLogsBucket: "Logs/here" is not the name of a bucket'],
    [{ region: REGION, logKeyArn: "alias/logs" }, 'logKeyArn: "alias/logs" is not the ARN of a KMS key'],
    [{ region: REGION, tags: { "aws:team": "x" } }, 'tags: "aws:team" is not a tag\'s key'],
    [{ region: REGION, tags: { team: "%{ if true }" } }, 'tags.team: "%{ if true }" is not a tag\'s value'],
  ])("%j is refused", (props, problem) => {
    expect(() => new AwsPlatform(props)).toThrow(problem);
  });

  test("what only Terraform knows passes", () => {
    expect(
      () => new AwsPlatform({ region: "${var.region}", accountId: "${var.account}", tags: { env: "llm-${terraform.workspace}" } }),
    ).not.toThrow();
  });
});

describe("problems", () => {
  test.each([
    ["gw"],
    ["Gateway"],
    ["1gateway"],
    ["gate--way"],
    ["gateway-"],
    ["a-gateway-of-25-characters"],
    ["gate_way"],
    ["gw-${terraform.workspace}-"],
    ["${terraform.workspace}--gw"],
  ])("name %j is refused", (name) => {
    expect(platform.problems({ name })).toEqual([expect.stringContaining(`name: ${JSON.stringify(name)} is not 3 to 24`)]);
  });

  test.each([["gwy"], ["prod-gateway"], ["gw-${terraform.workspace}"], ["${terraform.workspace}"], ["a23456789012345678901234"]])(
    "name %j passes",
    (name) => {
      expect(platform.problems({ name })).toEqual([]);
    },
  );

  test("each value is judged, all at once", () => {
    const problems = platform.problems({
      name: "gateway",
      instanceType: "ecs.c7",
      imageId: "ubuntu",
      certificateId: "123-cn-shanghai",
      logRetentionDays: 100,
    });
    expect(problems).toEqual([
      expect.stringContaining('imageId: "ubuntu" is not'),
      expect.stringContaining('certificate: "123-cn-shanghai" is not'),
      expect.stringContaining("logRetention: 100 days is not"),
    ]);
    expect(platform.problems({ name: "gateway", instanceType: "big" })).toEqual([expect.stringContaining('instanceType: "big" is not')]);
  });

  test.each([
    { instanceType: "u7i-12tb.224xlarge", imageId: "ami-0123456789abcdef0", certificateId: CERTIFICATE, logRetentionDays: 365 },
    {
      instanceType: "${var.type}",
      imageId: "resolve:ssm:/images/gateway:3",
      certificateId: "${aws_acm_certificate.a.arn}",
      logRetentionDays: 1,
    },
  ])("%j passes", (check) => {
    expect(platform.problems({ name: "gateway", ...check })).toEqual([]);
  });

  test("a certificate of another region is refused", () => {
    expect(platform.problems({ name: "gateway", certificateId: CERTIFICATE.replace(REGION, "us-east-1") })).toEqual([
      `certificate: it lies in us-east-1; the balancer takes only one of its own region, ${REGION}`,
    ]);
  });
});

describe("bind", () => {
  test("sets the library's version range", () => {
    const sample = new Sample();
    sample.platform.bind(sample.stack);
    expect(sample.synth().terraform.required_providers.aws.version).toBe(">= 5.100, < 7");
  });

  test("a stack without the provider is told the line to add", () => {
    const stack = new TerraformStack(Testing.app(), "none");
    expect(() => platform.bind(stack)).toThrow(ConfigError);
    expect(() => platform.bind(stack)).toThrow(`new AwsProvider(this, "aws", { region: "${REGION}" })`);
  });

  test("a provider with an alias counts only when the platform was given it", () => {
    const stack = new TerraformStack(Testing.app(), "alias");
    const provider = new AwsProvider(stack, "aws", { region: REGION, alias: "gateway" });
    expect(() => platform.bind(stack)).toThrow("without an alias");
    expect(() => new AwsPlatform({ region: REGION, provider }).bind(stack)).not.toThrow();
  });

  test("a provider of another region is refused", () => {
    const stack = new TerraformStack(Testing.app(), "region");
    new AwsProvider(stack, "aws", { region: "us-east-1" });
    expect(() => platform.bind(stack)).toThrow(`its region is "${REGION}", but that of the stack's provider is "us-east-1"`);
  });

  test("every resource and look-up uses the provider that the platform was given", () => {
    const stack = new TerraformStack(Testing.app(), "alias");
    const provider = new AwsProvider(stack, "other", { region: REGION, alias: "other" });
    const aliased = new AwsPlatform({ region: REGION, provider });
    aliased.secretStore.key(stack, "Key", { name: "gwy", removal: "retain" });
    aliased.networkCidr(stack, { ...NETWORK, cidr: undefined });
    const { resource, data } = JSON.parse(Testing.synth(stack));
    const made = [resource, data].flatMap((types) => Object.values<object>(types).flatMap((byId) => Object.values(byId)));
    expect(made).toHaveLength(5);
    made.forEach((one) => expect(one.provider).toBe("aws.other"));
  });
});

describe("look-ups", () => {
  test("account and partition are looked up once, however many ask", () => {
    const sample = new Sample();
    ["A", "B"].forEach((id) => sample.platform.objectStore(sample.stack, id, { name: `gw-${id.toLowerCase()}`, removal: "retain" }));
    sample.platform.secretStore.key(sample.stack, "Key", { name: "gwy", removal: "retain" });
    const { data } = sample.synth();
    expect(Object.keys(data.aws_caller_identity)).toEqual(["AwsAccount"]);
    expect(Object.keys(data.aws_partition)).toEqual(["AwsPartition"]);
  });

  test("an account that is given is not looked up", () => {
    const sample = new Sample({ accountId: ACCOUNT });
    sample.platform.objectStore(sample.stack, "Files", { name: "gwy", removal: "retain" });
    expect(sample.synth().data).toBeUndefined();
  });

  test("a network's range is given, or looked up once", () => {
    const sample = new Sample();
    expect(sample.platform.networkCidr(sample.stack, NETWORK)).toBe("10.0.0.0/16");
    const unknown = { ...NETWORK, cidr: undefined };
    sample.platform.networkCidr(sample.stack, unknown);
    sample.platform.networkCidr(sample.stack, unknown);
    expect(sample.synth().data.aws_vpc).toEqual({ Vpc: { id: "vpc-0abc" } });
  });
});

describe("transform and resourcesOf", () => {
  test("a change sees the platform's whole configuration and is asked for each resource of its kind", () => {
    const seen: string[] = [];
    const sample = new Sample({
      tags: { team: "ai" },
      transform: {
        launchTemplate: (config) => ({ ...config, keyName: "break-glass" }),
        targetGroup: (config) => {
          seen.push(`${config.name} ${config.tags?.team}`);
          return config;
        },
      },
    });
    sample.platform.loadBalancer(sample.stack, "LoadBalancer", balancer());
    sample.platform.nodes(sample.stack, "Nodes", nodes());
    expect(seen).toEqual(["gw-agents ai", "gw-admin ai"]);
    expect(sample.only("aws_launch_template")).toMatchObject({ key_name: "break-glass", instance_type: "c7i.large" });
  });

  test("a part's resources are its own, and can be changed", () => {
    const sample = new Sample();
    const [one, two] = [sample.part("secrets", "one"), sample.part("secrets", "two")];
    sample.platform.secretStore.key(one, "Key", { name: "one", removal: "retain" });
    sample.platform.secretStore.key(two, "Key", { name: "two", removal: "retain" });
    const { key, keyAlias } = AwsPlatform.resourcesOf(two);
    expect(keyAlias?.nameInput).toBe("alias/two");
    key!.deletionWindowInDays = 7;
    expect(sample.resources("aws_kms_key").map((resource) => resource.deletion_window_in_days)).toEqual([30, 7]);
  });

  test("a part for which nothing had to be made has no resources, but is this platform's", () => {
    const sample = new Sample();
    const part = sample.part("secrets");
    sample.platform.bind(part);
    expect(AwsPlatform.resourcesOf(part)).toEqual({
      key: undefined,
      keyAlias: undefined,
      secrets: [],
      secretVersions: [],
      secretPolicies: [],
    });
  });

  test("a part of another platform is refused by its path", () => {
    const sample = new Sample();
    const part = sample.part("cluster", "foreign");
    new Construct(part, "Something");
    expect(() => AwsPlatform.resourcesOf(part)).toThrow("foreign: its resources were not made by an AwsPlatform");
  });
});

test("everything that AWS tags, but for the bucket's objects, has the platform's tags and a name", () => {
  const sample = new Sample({ accountId: ACCOUNT, tags: { team: "ai" } });
  const { platform: aws, stack } = sample;
  aws.secretStore.key(stack, "Key", { name: "gwy", removal: "retain" });
  const role = aws.role(stack, "Role", { name: "gwy", description: "nodes", statements: () => [] });
  aws.objectStore(stack, "Files", { name: "gwy", removal: "retain" }).putText("Object", "a", "b");
  aws.logStore(stack, "Logs", { name: "gwy", retentionDays: 365, removal: "retain" });
  const loadBalancer = aws.loadBalancer(stack, "LoadBalancer", balancer());
  loadBalancer.privateName(stack, "PrivateName", { domainName: "llm.corp.example", network: NETWORK });
  const fleet = { role, targets: loadBalancer.targets, ingress: loadBalancer.nodeIngress };
  aws.nodes(stack, "Nodes", nodes(fleet));
  aws.nodes(stack, "Fixed", nodes({ ...fleet, name: "fixed", size: { kind: "fixed", count: 2 } }));
  aws.driftCheck(stack, "Drift", DRIFT);

  const { resource } = sample.synth();
  const untagged = Object.keys(resource).filter(
    (type) => !Object.values<Json>(resource[type]).every(({ tags }) => tags?.team === "ai" && tags?.Name),
  );
  expect(untagged.sort()).toEqual([
    "aws_autoscaling_group",
    "aws_autoscaling_lifecycle_hook",
    "aws_autoscaling_policy",
    "aws_iam_role_policy",
    "aws_kms_alias",
    "aws_lb_target_group_attachment",
    "aws_route53_record",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_s3_object",
    "aws_scheduler_schedule",
  ]);
});
