import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { TerraformStack, TerraformVariable, Testing } from "cdktf";
import { Construct } from "constructs";
import { CLOUDS, CloudName, gatewayIn, minimalProps, newStack } from "./support/gateways";
import {
  AgentQuotaKeys,
  AiGateway,
  Database,
  DriftCheck,
  Duration,
  GatewayRole,
  LiteLlmCluster,
  LlmSecrets,
  Network,
  Redis,
  Schedule,
} from "cdktf-ai-gateway";
import { resourcesOfType, synthesized } from "cdktf-ai-gateway/testing";

const TYPES = {
  aws: { policy: "aws_iam_role_policy", schedule: "aws_scheduler_schedule", object: "aws_s3_object", key: "aws_kms_key" },
  alicloud: {
    policy: "alicloud_ram_policy",
    schedule: "alicloud_event_bridge_event_source_v2",
    object: "alicloud_oss_bucket_object",
    key: "alicloud_kms_key",
  },
} as const;

describe.each(Object.keys(CLOUDS) as CloudName[])("alone on %s", (cloud) => {
  const { policy, schedule, object, key } = TYPES[cloud];

  it("LlmSecrets names the secrets and makes their key", () => {
    const stack = newStack(cloud);
    const { platform, providers } = minimalProps(cloud);
    const secrets = new LlmSecrets(stack, "secrets", { platform, name: "alone", providers });
    expect(secrets.names).toEqual(["alone/openai", "alone/dashscope", "alone/master-key", "alone/salt-key"]);
    expect(resourcesOfType(synthesized(stack), key)).toHaveLength(1);
  });

  it("GatewayRole reads its secrets and what it is granted", () => {
    const stack = newStack(cloud);
    const { platform, providers } = minimalProps(cloud);
    const secrets = new LlmSecrets(stack, "secrets", { platform, name: "alone", providers });
    const role = new GatewayRole(stack, "role", { platform, name: "alone", secrets });
    role.allow({ sid: "Later", actions: ["later:Action"], resources: ["later-resource"] });
    const text = JSON.stringify(resourcesOfType(synthesized(stack), policy));
    for (const expected of ["alone/openai", "alone/salt-key", "later:Action"]) expect(text).toContain(expected);
    expect(text).not.toContain("alone/agents");
  });

  it("DriftCheck runs when it is told to", () => {
    const stack = newStack(cloud);
    const check = new DriftCheck(stack, "drift", {
      platform: CLOUDS[cloud].platform(),
      name: "alone",
      schedule: Schedule.every(Duration.minutes(30)),
    });
    expect(JSON.stringify(resourcesOfType(synthesized(stack), schedule))).toMatch(/30/);
    expect(check.roleArn).toBeDefined();
  });

  it("LiteLlmCluster and AgentQuotaKeys work beside each other", () => {
    const stack = newStack(cloud);
    const props = minimalProps(cloud);
    const secrets = new LlmSecrets(stack, "secrets", props);
    const role = new GatewayRole(stack, "role", { ...props, secrets });
    const cluster = new LiteLlmCluster(stack, "cluster", { ...props, secrets, role });
    const keys = new AgentQuotaKeys(stack, "keys", { cluster, secrets, agents: { "an-agent": { qpm: 1 } } });
    expect(keys.keySecretNames).toEqual({ "an-agent": "gateway/agents/an-agent" });
    expect(resourcesOfType(synthesized(stack), object)).toHaveLength(3);
  });

  it("a cluster says which secrets it lacks", () => {
    const stack = newStack(cloud);
    const props = minimalProps(cloud);
    const secrets = new LlmSecrets(stack, "secrets", { platform: props.platform, name: props.name, providers: props.providers });
    const role = new GatewayRole(stack, "role", { platform: props.platform, name: props.name, secrets });
    expect(() => new LiteLlmCluster(stack, "cluster", { ...minimalProps(cloud), secrets, role })).toThrow(
      /secrets: "gateway\/database" is not among them[^]*secrets: "gateway\/redis" is not among them/,
    );
  });

  it("two gateways of one name are refused", () => {
    const { stack } = gatewayIn(cloud);
    expect(() => new AiGateway(stack, "second", minimalProps(cloud))).toThrow(
      'name: "gateway" is the name of stack/gateway/Cluster already',
    );
  });

  it("a port in a base URL is open, and those that are named", () => {
    const { stack } = gatewayIn(cloud, {
      providers: { vllm: { kind: "openai-compatible", baseUrl: "http://10.0.0.5:8000/v1", keyless: true, models: ["m"] } },
      egressPorts: [9443],
      pythonIndex: "https://mirror.corp:7443/simple/",
      containerImage: `registry.corp:5443/berriai/litellm-non_root@sha256:${"a".repeat(64)}`,
    });
    const text = JSON.stringify(synthesized(stack).resource);
    expect(text).toMatch(/8000/);
    expect(text).toMatch(/9443/);
    expect(text).toMatch(/7443/);
    expect(text).toMatch(/5443/);
  });

  it("nodes are told where packages and engine come from, and what callers may say", () => {
    const install = {
      pythonIndex: "https://mirror.corp/simple/",
      engineMirror: "https://mirror.corp/prisma",
      containerImage: `ghcr.io/berriai/litellm-non_root@sha256:${"a".repeat(64)}`,
    };
    const { stack } = gatewayIn(cloud, { ...install, extraParameters: ["top_a"], openedIds: ["files"] });
    const { locals } = synthesized(stack) as unknown as { locals: Record<string, string> };
    const [, settings = ""] = Object.entries(locals).find(([name]) => name.includes("Cluster_Settings")) ?? [];
    expect(JSON.parse(settings)).toMatchObject({ install, extraParameters: { "*": ["top_a"] }, openedIds: ["files"] });
  });

  it("keys that a runner makes wait for the balancer, with the stack's own null provider where it has one", () => {
    const { stack } = gatewayIn(cloud, { agents: { a: { qpm: 1 } }, adminFrom: ["10.0.9.0/24"], provisioning: "runner" });
    new NullProvider(stack, "null");
    const json = synthesized(stack) as unknown as {
      provider: { null: unknown[] };
      resource: { null_resource: Record<string, { depends_on: string[] }> };
    };
    expect(json.provider.null).toHaveLength(1);
    const [made] = Object.values(json.resource.null_resource);
    expect(made!.depends_on.join()).toMatch(/listener/);
    expect(made!.depends_on.join()).toMatch(/DesiredState/);
  });

  it("a gateway takes names and hosts that only Terraform knows, also when it lies in another construct", () => {
    const stack = newStack(cloud);
    const text = (name: string): string => new TerraformVariable(stack, name, { type: "string" }).stringValue;
    const subnets = CLOUDS[cloud].network.subnets.map(({ zone }, index) => ({
      id: text(`subnet${index}`),
      zone,
      cidr: text(`range${index}`),
    }));
    new AiGateway(new Construct(stack, "platform"), "gateway", {
      ...minimalProps(cloud),
      name: "gw-${terraform.workspace}",
      network: Network.fromIds({ vpcId: text("vpc"), cidr: text("range"), subnets }),
      database: Database.fromEndpoint({ host: text("database"), database: text("databaseName"), user: text("user") }),
      redis: Redis.fromEndpoint({ host: text("redis") }),
      providers: { mine: { kind: "openai-compatible", baseUrl: `https://${text("model")}/v1`, models: ["m"] } },
    }).registerOutputs();
    const json = synthesized(stack);
    const settings = Object.entries(json.locals ?? {}).find(([id]) => id.includes("Cluster_Settings"))?.[1];
    expect(JSON.parse(String(settings))).toMatchObject({
      name: "gw-${terraform.workspace}",
      database: { host: "${var.database}", name: "${var.databaseName}", user: "${var.user}" },
      redis: { host: "${var.redis}" },
      environment: { AIGW_MINE_BASE_URL: "https://${var.model}/v1" },
    });
    expect(JSON.stringify(resourcesOfType(json, policy))).toContain("gw-${terraform.workspace}/mine");
  });

  it("needs the cloud's provider in the stack, and says which line to add", () => {
    const bare = new TerraformStack(Testing.app(), "bare");
    const line = cloud === "aws" ? "new AwsProvider(" : "new AlicloudProvider(";
    expect(() => new AiGateway(bare, "gateway", minimalProps(cloud))).toThrow(line);
  });
});
