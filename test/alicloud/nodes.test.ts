import { TerraformStack } from "cdktf";
import { ubuntuPattern } from "../../src/alicloud/image";
import { evenly } from "../../src/alicloud/zones";
import { NodesSpec } from "../../src/platform";
import { balancerSpec, NETWORK, newPlatform, newStack, nodesSpec, only, resources, synthesized } from "./support";

function run(spec: Partial<NodesSpec> = {}): TerraformStack {
  const stack = newStack();
  const platform = newPlatform();
  const role = platform.role(stack, "role", { name: "gateway", description: "nodes", statements: () => [] });
  const balancer = platform.loadBalancer(stack, "balancer", balancerSpec({ network: spec.network ?? NETWORK }));
  platform.nodes(stack, "nodes", nodesSpec(role, balancer, spec));
  return stack;
}

/** A rule of the nodes' security group as text: who or where to, what, and what becomes of it. */
function nodeRules(stack: TerraformStack, direction: string): string[] {
  return resources(stack, "alicloud_security_group_rule")
    .filter(({ type, security_group_id }) => type === direction && security_group_id.includes("nodes_SecurityGroup"))
    .map(({ policy, ip_protocol, port_range, cidr_ip, priority }) => `${policy} ${ip_protocol} ${port_range} ${cidr_ip} ${priority}`)
    .sort();
}

describe("security group", () => {
  test("lets in the balancer on the nodes' ports, and nobody else", () => {
    expect(nodeRules(run(), "ingress")).toEqual([
      "accept tcp 4000/4000 10.0.1.0/24 1",
      "accept tcp 4000/4000 10.0.2.0/24 1",
      "accept tcp 4001/4001 10.0.1.0/24 1",
      "accept tcp 4001/4001 10.0.2.0/24 1",
      "drop all -1/-1 0.0.0.0/0 100",
    ]);
  });

  test("lets out to providers, database, cache and the cloud's own services, and nowhere else", () => {
    expect(nodeRules(run({ egressCidrs: ["10.0.0.0/8", "10.0.0.0/8"] }), "egress")).toEqual([
      "accept tcp 443/443 10.0.0.0/8 1",
      "accept tcp 443/443 100.64.0.0/10 1",
      "accept tcp 53/53 100.64.0.0/10 1",
      "accept tcp 5432/5432 10.0.0.0/8 1",
      "accept tcp 80/80 100.64.0.0/10 1",
      "accept udp 123/123 100.64.0.0/10 1",
      "accept udp 53/53 100.64.0.0/10 1",
      "drop all -1/-1 0.0.0.0/0 100",
    ]);
  });

  test("the order of the ranges, and one more in front of them, moves no rule", () => {
    const rulesOf = (egressCidrs: string[]) => synthesized(run({ egressCidrs })).resource.alicloud_security_group_rule;
    const rules = rulesOf(["10.0.0.0/8", "172.16.0.0/12"]);
    expect(rulesOf(["172.16.0.0/12", "10.0.0.0/8"])).toEqual(rules);
    expect(rulesOf(["192.168.0.0/16", "10.0.0.0/8", "172.16.0.0/12"])).toMatchObject(rules);
  });

  test("the order of the vSwitches moves no rule, also where their ranges are looked up", () => {
    const subnets = NETWORK.subnets.map(({ id, zone }) => ({ id, zone }));
    const ingressOf = (network: typeof NETWORK) => {
      const { resource, data } = synthesized(run({ network }));
      return [data, resource.alicloud_security_group_rule];
    };
    expect(ingressOf({ ...NETWORK, subnets: [...subnets].reverse() })).toEqual(ingressOf({ ...NETWORK, subnets }));
  });

  test("a range that only Terraform knows keeps its rule when known ones join", () => {
    const rulesOf = (egressCidrs: string[]) => synthesized(run({ egressCidrs })).resource.alicloud_security_group_rule;
    expect(rulesOf(["10.0.0.0/8", "${var.outside}"])).toMatchObject(rulesOf(["${var.outside}"]));
  });

  test("a range that the cloud's own services have anyway is one rule", () => {
    expect(nodeRules(run({ egressCidrs: ["100.64.0.0/10"] }), "egress").filter((rule) => rule.includes("443/443"))).toHaveLength(1);
  });

  test("drops what its own members send each other, and says what each rule is for", () => {
    const stack = run();
    expect(resources(stack, "alicloud_security_group").every(({ inner_access_policy }) => inner_access_policy === "Drop")).toBe(true);
    expect(resources(stack, "alicloud_security_group_rule").every(({ description }) => description.length > 0)).toBe(true);
  });
});

describe("launch template", () => {
  test("gives metadata by token only, an encrypted disk, the role, and no public address", () => {
    const template = only(run(), "alicloud_ecs_launch_template");
    expect(template).toMatchObject({
      instance_type: "ecs.c7.large",
      image_id: "ubuntu_24_04_x64_20G_alibase_20250101.vhd",
      http_endpoint: "enabled",
      http_tokens: "required",
      http_put_response_hop_limit: 1,
      ram_role_name: expect.stringContaining("role_name"),
      system_disk: { category: "cloud_essd", size: 40, encrypted: true, delete_with_instance: true },
      update_default_version_number: true,
    });
    expect(template).not.toHaveProperty("internet_max_bandwidth_out");
    expect(template).not.toHaveProperty("key_pair_name");
  });

  test("encodes the script by reference, whatever it holds", () => {
    const script = "#!/bin/bash\necho \"a\\b\" $${HOME} 'ü'\n";
    const stack = run({ userData: script });
    const { user_data } = only(stack, "alicloud_ecs_launch_template");
    const [, local] = /^\$\{base64encode\(local\.(\w+)\)\}$/.exec(user_data)!;
    expect(synthesized(stack).locals[local!]).toBe(script);
  });

  test("is never edited: its name holds a hash of all that it says", () => {
    const stack = run();
    const { launch_template_name, lifecycle, ...template } = only(stack, "alicloud_ecs_launch_template");
    expect(lifecycle).toEqual({ create_before_destroy: true });
    const [, local] = /^gateway-\$\{substr\(sha256\(jsonencode\(\$?\{?local\.(\w+)\}?\)\), 0, 8\)\}$/.exec(launch_template_name)!;
    const content = synthesized(stack).locals[local!];
    expect(content).toMatchObject({
      userData: template.user_data,
      imageId: template.image_id,
      httpTokens: "required",
      systemDisk: { encrypted: true },
    });
    expect(Object.keys(content)).not.toContain("lifecycle");
  });
});

describe("the image", () => {
  const template = (spec: Partial<NodesSpec>) => {
    const stack = run(spec);
    const { launch_template_name, image_id, lifecycle } = only(stack, "alicloud_ecs_launch_template");
    const [, local] = /local\.(\w+)/.exec(launch_template_name)!;
    return { image_id, lifecycle, hashed: synthesized(stack).locals[local!] };
  };

  test("that is looked up rolls nothing when a newer one is published", () => {
    const { image_id, lifecycle, hashed } = template({ imageId: undefined });
    expect(image_id).toContain("data.alicloud_images");
    expect(JSON.stringify(hashed)).not.toContain("alicloud_images");
    expect(lifecycle).toEqual({ create_before_destroy: true, ignore_changes: ["image_id"] });
  });

  test("that is given rolls the fleet when it changes", () => {
    const { hashed, lifecycle } = template({ imageId: "m-1" });
    expect(hashed.imageId).toBe("m-1");
    expect(lifecycle).toEqual({ create_before_destroy: true });
  });

  test("that a change of the user's gives counts as given", () => {
    const stack = newStack();
    const platform = newPlatform({ transform: { launchTemplate: (config) => ({ ...config, imageId: "m-2" }) } });
    const role = platform.role(stack, "role", { name: "gateway", description: "nodes", statements: () => [] });
    platform.nodes(stack, "nodes", nodesSpec(role, platform.loadBalancer(stack, "balancer", balancerSpec()), { imageId: undefined }));
    const contents = Object.entries(synthesized(stack).locals).filter(([name]) => name.includes("LaunchTemplateContent"));
    expect(contents).toEqual([[expect.any(String), expect.objectContaining({ imageId: "m-2" })]]);
  });

  test.each(["ecs.c8y.large", "ecs.g8y.xlarge", "ecs.r8y.large", "ecs.c6r.large", "ecs.g6r.large"])("of %s is for ARM", (type) => {
    expect(ubuntuPattern(type)).toBe("^ubuntu_24_04_arm64");
  });

  test.each(["ecs.c7.large", "ecs.r7.large", "ecs.g8i.large", "ecs.c7re.2xlarge", "ecs.c8a.large", "ecs.hfc8i.large", "${var.type}"])(
    "of %s is for x86",
    (type) => {
      expect(ubuntuPattern(type)).toBe("^ubuntu_24_04_x64");
    },
  );
});

describe("a fleet that scales", () => {
  test("has a group in each zone, which together are as large as asked for", () => {
    const groups = resources(run({ deletionProtection: true }), "alicloud_ess_scaling_group");
    expect(groups).toEqual([
      expect.objectContaining({ scaling_group_name: "gateway-cn-shanghai-l", vswitch_ids: ["vsw-1"], min_size: 1, max_size: 3 }),
      expect.objectContaining({ scaling_group_name: "gateway-cn-shanghai-m", vswitch_ids: ["vsw-2"], min_size: 1, max_size: 2 }),
    ]);
    for (const group of groups) {
      expect(group).toMatchObject({
        multi_az_policy: "PRIORITY",
        health_check_type: "ECS",
        removal_policies: ["OldestScalingConfiguration", "OldestInstance"],
        launch_template_version: "Default",
        group_deletion_protection: true,
        lifecycle: { ignore_changes: ["desired_capacity"] },
        alb_server_group: [
          { alb_server_group_id: expect.stringContaining("AgentsServers"), port: 4000, weight: 100 },
          { alb_server_group_id: expect.stringContaining("AdminServers"), port: 4001, weight: 100 },
        ],
      });
    }
  });

  test("has no group that may be empty, and uses every vSwitch of a zone", () => {
    const subnets = [...NETWORK.subnets, { id: "vsw-3", zone: "cn-shanghai-l" }, { id: "vsw-4", zone: "cn-shanghai-n" }];
    const groups = resources(run({ network: { ...NETWORK, subnets } }), "alicloud_ess_scaling_group");
    expect(groups.map(({ vswitch_ids, min_size }) => [vswitch_ids, min_size])).toEqual([
      [["vsw-1", "vsw-3"], 1],
      [["vsw-2"], 1],
    ]);
  });

  test("is replaced new before old when the template changes", () => {
    const refreshes = resources(
      run({ size: { kind: "scaling", minimum: 8, maximum: 8, cpuTargetPercent: 60 } }),
      "alicloud_ess_instance_refresh",
    );
    expect(refreshes).toHaveLength(2);
    for (const refresh of refreshes) {
      expect(refresh).toMatchObject({
        desired_configuration_launch_template_id: expect.stringMatching(/LaunchTemplate.*\.id/),
        min_healthy_percentage: 100,
        max_healthy_percentage: 125,
        skip_matching: false,
      });
    }
  });

  test("tracks the CPU, drains, and waits until a node serves", () => {
    const stack = run({ drainSeconds: 10, warmUpSeconds: 420, launchSeconds: 1000 });
    expect(resources(stack, "alicloud_ess_scaling_rule")[0]).toMatchObject({
      scaling_rule_type: "TargetTrackingScalingRule",
      metric_name: "CpuUtilization",
      target_value: 60,
      estimated_instance_warmup: 420,
    });
    const hooks = resources(stack, "alicloud_ess_lifecycle_hook");
    expect(
      hooks.map(({ lifecycle_transition, heartbeat_timeout, default_result }) => [lifecycle_transition, heartbeat_timeout, default_result]),
    ).toEqual(
      expect.arrayContaining([
        ["SCALE_IN", 30, "CONTINUE"],
        ["SCALE_OUT", 1000, "ABANDON"],
      ]),
    );
    const [policy] = resources(stack, "alicloud_ram_policy").filter(({ policy_name }) => policy_name.includes("-launch-"));
    expect(JSON.parse(policy.policy_document).Statement).toEqual([
      {
        Effect: "Allow",
        Action: ["ess:CompleteLifecycleAction"],
        Resource: ["l", "m"].map((zone) =>
          expect.stringMatching(new RegExp(`^acs:ess:[^*]+:scalinggroup/.*Group-cn-shanghai-${zone}_.*\\.id}$`)),
        ),
      },
      {
        Effect: "Allow",
        Action: ["ess:DescribeScalingInstances", "ess:DescribeLifecycleActions"],
        Resource: [expect.stringMatching(/:scalinggroup\/\*$/)],
      },
    ]);
  });

  test("leaves the members of the server groups to the scaling groups", () => {
    const groups = resources(run(), "alicloud_alb_server_group").filter(
      ({ health_check_config }) => health_check_config.health_check_enabled,
    );
    expect(groups.map(({ lifecycle }) => lifecycle)).toEqual([{ ignore_changes: ["servers"] }, { ignore_changes: ["servers"] }]);
  });

  test("starts only when its rights, its rules and the balancer are there", () => {
    for (const { depends_on } of resources(run(), "alicloud_ess_scaling_group")) {
      for (const needed of [
        "alicloud_ram_role_policy_attachment",
        "nodes_DropIngress",
        "nodes_DropEgress",
        "balancer_AgentsRest",
        "balancer_AdminRest",
      ]) {
        expect(depends_on).toContainEqual(expect.stringContaining(needed));
      }
    }
  });
});

describe("a fleet of fixed size", () => {
  const fixed = (count: number, spec: Partial<NodesSpec> = {}) => run({ size: { kind: "fixed", count }, ...spec });

  test("is instances from the template, spread over the zones", () => {
    const stack = fixed(3);
    const instances = resources(stack, "alicloud_instance");
    expect(instances.map(({ vswitch_id }) => vswitch_id)).toEqual(["vsw-1", "vsw-2", "vsw-1"]);
    for (const instance of instances) {
      expect(instance.launch_template_id).toMatch(/LaunchTemplate.*\.id/);
      expect(instance.lifecycle).toEqual({ create_before_destroy: true });
      for (const edited of ["role_name", "user_data", "image_id", "deletion_protection"]) expect(instance).not.toHaveProperty(edited);
    }
    expect(resources(stack, "alicloud_ess_scaling_group")).toEqual([]);
  });

  test("is named in the server groups by Terraform", () => {
    const [agents, admin] = resources(fixed(2), "alicloud_alb_server_group");
    expect(
      [agents, admin].map(({ servers }) => servers.map(({ port, weight }: { port: number; weight: number }) => [port, weight])),
    ).toEqual(
      expect.arrayContaining([
        [
          [4000, 100],
          [4000, 100],
        ],
        [
          [4001, 100],
          [4001, 100],
        ],
      ]),
    );
    expect(agents).not.toHaveProperty("lifecycle");
  });

  test("waits for its rights, and not for the balancer that waits for it", () => {
    for (const { depends_on } of resources(fixed(2), "alicloud_instance")) {
      expect(depends_on).toContainEqual(expect.stringContaining("alicloud_ram_role_policy_attachment"));
      expect(depends_on.filter((needed: string) => needed.includes("alicloud_alb_"))).toEqual([]);
    }
  });
});

test("a server group of another platform is refused", () => {
  expect(() => run({ targets: [{ id: "arn:aws:elasticloadbalancing:x", nodePort: 4000 }] })).toThrow("arn:aws:elasticloadbalancing:x");
});

test.each([
  [7, 3, [3, 2, 2]],
  [2, 2, [1, 1]],
  [1, 2, [1, 0]],
])("%d over %d zones", (total, parts, split) => {
  expect(evenly(total, parts)).toEqual(split);
});
