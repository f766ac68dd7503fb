import { TerraformStack, Testing } from "cdktf";
import { AlicloudPlatform, AlicloudProvider } from "../../src/alicloud";
import { ConfigError } from "../../src/errors";
import { IGatewayPart } from "../../src/platform";
import { balancerSpec, NETWORK, newPlatform, newStack, nodesSpec, only, Part, resources, synthesized } from "./support";

describe("problems", () => {
  const problems = (check: object) => newPlatform().problems({ name: "gateway", ...check });

  test("a complete and right set of props has none", () => {
    expect(
      problems({ instanceType: "ecs.c7.large", imageId: "ubuntu_24_04_x64_20G_alibase_20250101.vhd", certificateId: "12345-cn-hangzhou" }),
    ).toEqual([]);
    expect(problems({ imageId: "m-bp67acfmxazb4ph" })).toEqual([]);
  });

  test("expressions pass wherever they stand", () => {
    const expression = "${terraform.workspace}";
    expect(problems({ name: `gw-${expression}`, instanceType: expression, imageId: expression, certificateId: expression })).toEqual([]);
  });

  test.each([
    [{ name: "Gateway" }, 'name: "Gateway" is not a name of 3 to 24 lower-case letters'],
    [{ name: "gateway-" }, "name:"],
    [{ name: "x".repeat(25) }, "name:"],
    [{ name: "9gateway" }, "name:"],
    [{ name: "gate way-${terraform.workspace}" }, "name:"],
    [{ instanceType: "c6i.large" }, 'instanceType: "c6i.large" is not a type of ECS instance, such as "ecs.c7.large"'],
    [{ imageId: "ami-0abc" }, 'imageId: "ami-0abc" is not the id of an ECS image'],
    [{ certificateId: "12345" }, 'certificate: "12345" is not a certificate as "<its id>-<region>"'],
    [{ certificateId: "arn:aws:acm:eu-central-1:1:certificate/x" }, "certificate:"],
  ])("%j", (check, problem) => {
    expect(problems(check)).toEqual([expect.stringContaining(problem)]);
  });

  test("all at once", () => {
    expect(problems({ name: "A", instanceType: "b", imageId: "c", certificateId: "d" })).toHaveLength(4);
  });
});

describe("the platform's own props", () => {
  test.each([
    [{ region: "${var.region}", accountId: "${var.account}", kmsInstanceId: "${var.kms}" }],
    [{ region: "cn-shanghai-finance-1", kmsInstanceId: "kst-szz65fe8d1" }],
  ])("%j passes", (props) => {
    expect(() => newPlatform(props)).not.toThrow();
  });

  test.each([
    [{ region: "Shanghai" }, 'region: "Shanghai" is not a region'],
    [{ region: "x" }, "region:"],
    [{ accountId: "x" }, "accountId:"],
    [{ kmsInstanceId: "my-kms" }, 'kmsInstanceId: "my-kms" is not the id of a KMS instance, such as "kst-'],
    [{ tags: { "acs:team": "ai" } }, "tags:"],
  ])("%j is refused", (props, problem) => {
    expect(() => newPlatform(props)).toThrow(problem);
  });
});

describe("bind", () => {
  const bare = () => new TerraformStack(Testing.app(), "stack");

  test("a stack with a provider will do, and its version range is the library's", () => {
    const stack = newStack();
    newPlatform().bind(stack);
    expect(synthesized(stack).terraform.required_providers.alicloud).toEqual({ source: "aliyun/alicloud", version: ">= 1.289.0, < 3" });
  });

  test("a stack without one gets the line to add", () => {
    const bind = () => newPlatform().bind(bare());
    expect(bind).toThrow(ConfigError);
    expect(bind).toThrow('new AlicloudProvider(this, "alicloud", { region: "cn-shanghai" })');
    expect(bind).toThrow("cdktf-ai-gateway/alicloud");
  });

  test("an aliased provider is used only where the platform is given it", () => {
    const stack = bare();
    const provider = new AlicloudProvider(stack, "second", { region: "cn-shanghai", alias: "second" });
    expect(() => newPlatform().bind(stack)).toThrow(ConfigError);
    const platform = newPlatform({ provider });
    platform.bind(stack);
    platform.secretStore.key(stack, "key", { name: "gateway", removal: "destroy" });
    expect(only(stack, "alicloud_kms_key").provider).toBe("alicloud.second");
  });

  test("a provider of another region is refused, as far as it is known", () => {
    const bindTo = (region: string | undefined, alias?: string) => {
      const stack = bare();
      const provider = new AlicloudProvider(stack, "alicloud", { region, alias });
      newPlatform(alias === undefined ? {} : { provider }).bind(stack);
    };
    const message = 'platform: its region is "cn-shanghai", but that of the stack\'s provider is "cn-beijing"';
    expect(() => bindTo("cn-beijing")).toThrow(message);
    expect(() => bindTo("cn-beijing", "second")).toThrow(message);
    for (const region of ["cn-shanghai", "${var.region}", undefined]) expect(() => bindTo(region)).not.toThrow();
  });

  test("a provider of another stack is none", () => {
    const provider = new AlicloudProvider(bare(), "alicloud", { region: "cn-shanghai" });
    expect(() => newPlatform({ provider }).bind(bare())).toThrow(ConfigError);
  });
});

describe("the account", () => {
  const makeAll = (stack: TerraformStack, platform: AlicloudPlatform, network = NETWORK, imageId?: string) => {
    const role = platform.role(stack, "role", { name: "gateway", description: "nodes", statements: () => [] });
    platform.objectStore(stack, "files", { name: "gateway", removal: "destroy" });
    platform.logStore(stack, "logs", { name: "gateway", retentionDays: 30, removal: "destroy" });
    const balancer = platform.loadBalancer(stack, "balancer", balancerSpec({ network }));
    platform.nodes(stack, "nodes", nodesSpec(role, balancer, { network, imageId }));
    platform.networkCidr(stack, network);
    platform.networkCidr(stack, network);
  };

  test("nothing of it is read where account, range and image are given", () => {
    const stack = newStack();
    makeAll(stack, newPlatform(), NETWORK, "m-1");
    expect(synthesized(stack).data).toBeUndefined();
  });

  test("each is looked up where it is not, the account once a stack", () => {
    const stack = newStack();
    makeAll(stack, newPlatform({ accountId: undefined }), {
      vpcId: NETWORK.vpcId,
      subnets: NETWORK.subnets.map(({ id, zone }) => ({ id, zone })),
    });
    const { data } = synthesized(stack);
    expect(Object.keys(data.alicloud_account)).toEqual(["AlicloudAccount"]);
    expect(Object.values(data.alicloud_vpcs)).toEqual([expect.objectContaining({ ids: ["vpc-1"] })]);
    expect(Object.values(data.alicloud_vswitches)).toEqual([
      expect.objectContaining({ ids: ["vsw-1"] }),
      expect.objectContaining({ ids: ["vsw-2"] }),
    ]);
    expect(Object.values(data.alicloud_images)).toEqual([{ name_regex: "^ubuntu_24_04_x64", owners: "system", most_recent: true }]);
    expect(only(stack, "alicloud_oss_bucket").bucket).toBe("gateway-${data.alicloud_account.AlicloudAccount.id}-cn-shanghai");
  });
});

describe("tags and changes", () => {
  test("tags are on every resource that has tags, and on no other", () => {
    const stack = newStack();
    const platform = newPlatform({ tags: { team: "ai" } });
    platform.secretStore.key(stack, "key", { name: "gateway", removal: "destroy" });
    const role = platform.role(stack, "role", { name: "gateway", description: "nodes", statements: () => [] });
    platform.objectStore(stack, "files", { name: "gateway", removal: "destroy" });
    platform.nodes(stack, "nodes", nodesSpec(role, platform.loadBalancer(stack, "balancer", balancerSpec())));
    const tagged = Object.entries(synthesized(stack).resource)
      .filter(([, all]) => Object.values(all as object).every(({ tags }) => tags?.team === "ai"))
      .map(([type]) => type);
    expect(tagged.sort()).toEqual([
      "alicloud_alb_listener",
      "alicloud_alb_load_balancer",
      "alicloud_alb_server_group",
      "alicloud_ecs_launch_template",
      "alicloud_ess_scaling_group",
      "alicloud_kms_key",
      "alicloud_oss_bucket",
      "alicloud_ram_policy",
      "alicloud_ram_role",
      "alicloud_security_group",
    ]);
    expect(only(stack, "alicloud_ecs_launch_template").template_tags).toEqual({ team: "ai" });
  });

  test("a change gets what the platform made, and what it returns is created", () => {
    const stack = newStack();
    const platform = newPlatform({
      tags: { team: "ai" },
      transform: {
        bucket: (config) => ({ ...config, storageClass: "IA", tags: { ...config.tags, cost: "42" } }),
        listener: (config) => ({ ...config, requestTimeout: config.listenerPort === 443 ? 300 : config.requestTimeout }),
        launchTemplate: (config) => ({ ...config, keyPairName: "break-glass" }),
      },
    });
    const role = platform.role(stack, "role", { name: "gateway", description: "nodes", statements: () => [] });
    platform.objectStore(stack, "files", { name: "gateway", removal: "destroy" });
    platform.nodes(stack, "nodes", nodesSpec(role, platform.loadBalancer(stack, "balancer", balancerSpec())));
    expect(only(stack, "alicloud_oss_bucket")).toMatchObject({ storage_class: "IA", tags: { team: "ai", cost: "42" } });
    expect(
      resources(stack, "alicloud_alb_listener")
        .map(({ request_timeout }) => request_timeout)
        .sort(),
    ).toEqual([300, 600]);
    expect(only(stack, "alicloud_ecs_launch_template").key_pair_name).toBe("break-glass");
    expect(synthesized(stack).locals["nodes_LaunchTemplateContent_" + localHash(stack)].keyPairName).toBe("break-glass");
  });
});

function localHash(stack: TerraformStack): string {
  return Object.keys(synthesized(stack).locals)
    .find((name) => name.startsWith("nodes_LaunchTemplateContent_"))!
    .slice("nodes_LaunchTemplateContent_".length);
}

describe("resourcesOf", () => {
  test("the typed resources of each part", () => {
    const stack = newStack();
    const platform = newPlatform();
    const secrets = new Part(stack, "secrets", "secrets");
    platform.secretStore.key(secrets, "key", { name: "gateway", removal: "destroy" });
    const role = new Part(stack, "role", "role");
    const nodeRole = platform.role(role, "role", { name: "gateway", description: "nodes", statements: () => [] });
    const cluster = new Part(stack, "cluster", "cluster");
    platform.objectStore(cluster, "files", { name: "gateway", removal: "destroy" });
    const balancer = platform.loadBalancer(cluster, "balancer", balancerSpec());
    balancer.privateName(cluster, "name", { domainName: "llm.corp.example", network: NETWORK });
    platform.nodes(cluster, "nodes", nodesSpec(nodeRole, balancer));

    expect(AlicloudPlatform.resourcesOf(secrets).key!.keySpecInput).toBe("Aliyun_AES_256");
    expect(AlicloudPlatform.resourcesOf(role).role.roleNameInput).toBe("gateway-nodes-cn-shanghai");
    const made = AlicloudPlatform.resourcesOf(cluster);
    expect(made.listeners.map(({ listenerPortInput }) => listenerPortInput)).toEqual([443, 8443]);
    expect(made.serverGroups).toHaveLength(3);
    expect(made.scalingGroups).toHaveLength(2);
    expect(made.instances).toEqual([]);
    expect(made.logStore).toBeUndefined();
    expect(made.privateZone?.zoneNameInput).toBe("corp.example");
    made.loadBalancer.addOverride("bandwidth_package_id", "cbwp-1");
    expect(only(stack, "alicloud_alb_load_balancer").bandwidth_package_id).toBe("cbwp-1");
  });

  test("two gateways do not mix", () => {
    const stack = newStack();
    const parts = ["one", "two"].map((name) => {
      const part = new Part(stack, name, "secrets");
      newPlatform().secretStore.key(part, "key", { name, removal: "destroy" });
      return part;
    });
    expect(parts.map((part) => AlicloudPlatform.resourcesOf(part).keyAlias!.aliasNameInput)).toEqual(["alias/one", "alias/two"]);
  });

  test("a part of another platform is refused by its path", () => {
    const part: IGatewayPart<"cluster"> = new Part(newStack(), "elsewhere", "cluster");
    expect(() => AlicloudPlatform.resourcesOf(part)).toThrow("stack/elsewhere: its resources were not made by an AlicloudPlatform");
  });
});

test("bedrock needs AWS", () => {
  expect(() => newPlatform().bedrockStatements(newStack(), ["amazon.nova-pro-v1:0"])).toThrow(
    /bedrock.*can not call Amazon Bedrock.*AwsPlatform/s,
  );
});
