import { TerraformStack } from "cdktf";
import { Route } from "../../src/litellm";
import { balancerPath } from "../../src/litellm/routes";
import { LoadBalancer, LoadBalancerSpec, PrivateNameSpec } from "../../src/platform";
import { ADMIN, AGENTS, balancerSpec, NETWORK, newPlatform, newStack, only, rendered, resources, synthesized } from "./support";

function balance(spec: Partial<LoadBalancerSpec> = {}): { stack: TerraformStack; balancer: LoadBalancer } {
  const stack = newStack();
  return { stack, balancer: newPlatform().loadBalancer(stack, "balancer", balancerSpec(spec)) };
}

test("is internal, in one vSwitch of each zone", () => {
  const subnets = [...NETWORK.subnets, { id: "vsw-3", zone: "cn-shanghai-l" }];
  const { stack } = balance({ deletionProtection: true, network: { ...NETWORK, subnets } });
  expect(only(stack, "alicloud_alb_load_balancer")).toMatchObject({
    address_type: "Intranet",
    load_balancer_edition: "Standard",
    load_balancer_billing_config: { pay_type: "PayAsYouGo" },
    deletion_protection_config: { enabled: true },
    zone_mappings: [
      { zone_id: "cn-shanghai-l", vswitch_id: "vsw-1" },
      { zone_id: "cn-shanghai-m", vswitch_id: "vsw-2" },
    ],
  });
});

describe("who may reach a listener", () => {
  test("those named, each listener's port on its own, and nobody else", () => {
    const { stack } = balance();
    expect(only(stack, "alicloud_security_group").inner_access_policy).toBe("Drop");
    const rules = resources(stack, "alicloud_security_group_rule");
    expect(rules.every(({ type, description }) => type === "ingress" && description !== undefined)).toBe(true);
    const accepted = rules.filter(({ policy }) => policy === "accept").map(({ port_range, cidr_ip }) => [port_range, cidr_ip]);
    expect(accepted).toEqual(
      expect.arrayContaining([
        ["443/443", "10.0.0.0/16"],
        ["8443/8443", "10.9.0.0/24"],
        ["8443/8443", "10.9.1.0/24"],
      ]),
    );
    expect(accepted).toHaveLength(3);
    expect(rules.filter(({ policy }) => policy === "drop")).toEqual([
      expect.objectContaining({ ip_protocol: "all", port_range: "-1/-1", cidr_ip: "0.0.0.0/0", priority: 100 }),
    ]);
  });

  test("the rule that drops the rest stands before the group is attached, and that before a listener", () => {
    const { stack } = balance();
    const attachment = only(stack, "alicloud_alb_load_balancer_security_group_attachment");
    expect(attachment.depends_on).toContainEqual(expect.stringContaining("DropIngress"));
    for (const listener of resources(stack, "alicloud_alb_listener")) {
      expect(listener.depends_on).toEqual([expect.stringContaining("SecurityGroupAttachment")]);
    }
  });

  test("whose order, and who joins in front of them, moves no rule", () => {
    const rulesOf = (allowedCidrs: string[]) =>
      synthesized(balance({ listeners: [AGENTS, { ...ADMIN, allowedCidrs }] }).stack).resource.alicloud_security_group_rule;
    const rules = rulesOf(["10.9.0.0/24", "${var.office}", "10.9.1.0/24"]);
    expect(rulesOf(["10.9.1.0/24", "10.9.0.0/24", "10.9.1.0/24", "${var.office}"])).toEqual(rules);
    expect(rulesOf(["10.8.0.0/24", "10.9.0.0/24", "${var.office}", "10.9.1.0/24"])).toMatchObject(rules);
  });

  test("without anyone named a listener is reached by nobody", () => {
    const { stack } = balance({ listeners: [AGENTS, { ...ADMIN, allowedCidrs: [] }] });
    const open = resources(stack, "alicloud_security_group_rule").filter(({ policy }) => policy === "accept");
    expect(open.map(({ port_range }) => port_range)).toEqual(["443/443"]);
  });
});

describe("listeners", () => {
  test("speak TLS with a certificate", () => {
    const { stack } = balance();
    for (const listener of resources(stack, "alicloud_alb_listener")) {
      expect(listener).toMatchObject({
        listener_protocol: "HTTPS",
        certificates: [{ certificate_id: "12345-cn-hangzhou" }],
        security_policy_id: "tls_cipher_policy_1_2_strict_with_1_3",
        idle_timeout: 600,
        request_timeout: 600,
        gzip_enabled: false,
      });
    }
  });

  test("speak HTTP without one", () => {
    const [listener] = resources(balance({ certificateId: undefined }).stack, "alicloud_alb_listener");
    expect(listener.listener_protocol).toBe("HTTP");
    expect(listener).not.toHaveProperty("certificates");
    expect(listener).not.toHaveProperty("security_policy_id");
  });

  test("lead nowhere by default: to a server group that nobody puts a node into", () => {
    const { stack, balancer } = balance();
    const defaults = resources(stack, "alicloud_alb_listener").map(
      ({ default_actions }) => default_actions[0].forward_group_config.server_group_tuples[0].server_group_id,
    );
    expect(defaults).toEqual([expect.stringContaining("Nowhere"), expect.stringContaining("Nowhere")]);
    expect(
      rendered(
        stack,
        balancer.targets.map(({ id }) => id),
      ).some((id: string) => id.includes("Nowhere")),
    ).toBe(false);
  });
});

describe("rules", () => {
  interface Rule {
    readonly priority: number;
    readonly listener_id: string;
    readonly rule_conditions: readonly {
      readonly method_config?: { readonly values: string[] };
      readonly path_config?: { readonly values: string[] };
    }[];
    readonly rule_actions: readonly { readonly type: string; readonly fixed_response_config?: { readonly http_code: string } }[];
  }
  const rulesOf = (stack: TerraformStack, listener: string): Rule[] =>
    resources(stack, "alicloud_alb_rule").filter(({ listener_id }) => listener_id.includes(`balancer_${listener}_`));

  const through = (rules: readonly Rule[]): Route[] =>
    rules.flatMap(({ rule_conditions }) => {
      const [method] = rule_conditions.flatMap(({ method_config }) => method_config?.values ?? []) as Route["method"][];
      return rule_conditions.flatMap(({ path_config }) => path_config?.values ?? []).map((path) => ({ method: method!, path }));
    });

  test.each([AGENTS, ADMIN])("let through exactly the routes of $id", (listener) => {
    const rules = rulesOf(balance().stack, listener.id).filter(({ rule_actions }) => rule_actions[0]!.type === "ForwardGroup");
    expect(new Set(through(rules).map(({ method, path }) => `${method} ${path}`))).toEqual(
      new Set(listener.routes.map((route) => `${route.method} ${balancerPath(route)}`)),
    );
    expect(rules.every(({ rule_conditions }) => rule_conditions.every(({ path_config }) => (path_config?.values.length ?? 0) <= 5))).toBe(
      true,
    );
  });

  test("answer 404 to all else, last", () => {
    for (const { id } of [AGENTS, ADMIN]) {
      const rules = rulesOf(balance().stack, id).sort((a, b) => a.priority - b.priority);
      expect(new Set(rules.map(({ priority }) => priority)).size).toBe(rules.length);
      expect(rules.at(-1)).toMatchObject({
        rule_conditions: [{ path_config: { values: ["/*"] } }],
        rule_actions: [{ type: "FixedResponse", fixed_response_config: { http_code: "404" } }],
      });
    }
  });

  test("never lead from the agents' listener to the admin port", () => {
    const forwards = resources(balance().stack, "alicloud_alb_rule").filter(({ rule_actions }) => rule_actions[0].type === "ForwardGroup");
    for (const { listener_id, rule_actions } of forwards) {
      const [, id] = /balancer_(Agents|Admin)_/.exec(listener_id)!;
      expect(rule_actions[0].forward_group_config.server_group_tuples).toEqual([
        { server_group_id: expect.stringContaining(`${id}Servers`) },
      ]);
    }
  });
});

test("server groups are asked by GET, and drain no longer than the cloud lets them", () => {
  const { stack, balancer } = balance({ drainSeconds: 3600 });
  const [agents] = resources(stack, "alicloud_alb_server_group").filter(({ server_group_name }) => server_group_name === "gateway-agents");
  expect(agents).toMatchObject({
    protocol: "HTTP",
    server_group_type: "Instance",
    scheduler: "Wlc",
    connection_drain_config: { connection_drain_enabled: true, connection_drain_timeout: 900 },
    health_check_config: {
      health_check_method: "GET",
      health_check_path: "/health/readiness",
      health_check_codes: ["http_2xx"],
      health_check_interval: 10,
      health_check_timeout: 5,
    },
  });
  expect(balancer.targets.map(({ nodePort }) => nodePort)).toEqual([4000, 4001]);
});

test("a node waits for the security group, the listeners and every rule", () => {
  const { stack, balancer } = balance();
  expect(balancer.ready.map(({ fqn }) => /alicloud_\w+/.exec(rendered(stack, fqn))?.[0]).sort()).toEqual([
    "alicloud_alb_listener",
    "alicloud_alb_listener",
    "alicloud_alb_load_balancer_security_group_attachment",
    ...Array<string>(11).fill("alicloud_alb_rule"),
  ]);
});

test("the balancer comes from the ranges of its subnets, and from no wider one", () => {
  expect(balance().balancer.nodeIngress).toEqual({ cidrs: ["10.0.1.0/24", "10.0.2.0/24"] });
  const subnets = NETWORK.subnets.map(({ id, zone }) => ({ id, zone }));
  const { stack, balancer } = balance({ network: { ...NETWORK, subnets } });
  expect(rendered(stack, balancer.nodeIngress.cidrs)).toEqual([
    expect.stringMatching(/Subnet-vsw-1.*vswitches\[0\]\.cidr_block/),
    expect.stringMatching(/Subnet-vsw-2.*vswitches\[0\]\.cidr_block/),
  ]);
});

describe("private name", () => {
  const named = (spec: Partial<PrivateNameSpec>): TerraformStack => {
    const { stack, balancer } = balance();
    balancer.privateName(stack, "name", { domainName: "llm.corp.example", network: NETWORK, ...spec });
    return stack;
  };

  test("a zone is made for the parent, and hides nothing else in it", () => {
    const stack = named({});
    expect(only(stack, "alicloud_pvtz_zone")).toMatchObject({ zone_name: "corp.example", proxy_pattern: "RECORD" });
    expect(only(stack, "alicloud_pvtz_zone_attachment").vpc_ids).toEqual(["vpc-1"]);
    expect(only(stack, "alicloud_pvtz_zone_record")).toMatchObject({
      rr: "llm",
      type: "CNAME",
      value: expect.stringContaining("dns_name"),
    });
  });

  test("an imported zone gets only the record", () => {
    const stack = named({ domainName: "llm.eu.corp.example", zone: { zoneId: "zone-1", zoneName: "corp.example" } });
    expect(resources(stack, "alicloud_pvtz_zone")).toEqual([]);
    expect(resources(stack, "alicloud_pvtz_zone_attachment")).toEqual([]);
    expect(only(stack, "alicloud_pvtz_zone_record")).toMatchObject({ zone_id: "zone-1", rr: "llm.eu" });
  });

  test("an imported zone's name is taken off as a whole, also where only Terraform knows it", () => {
    const zone = { zoneId: "zone-1", zoneName: "${var.zone}" };
    expect(only(named({ domainName: "llm.eu.${var.zone}", zone }), "alicloud_pvtz_zone_record").rr).toBe("llm.eu");
    expect(only(named({ domainName: "llm.corp.example", zone }), "alicloud_pvtz_zone_record").rr).toBe("llm");
  });

  test("a label may be an expression with dots in it", () => {
    const stack = named({ domainName: "llm-${terraform.workspace}.corp.example" });
    expect(only(stack, "alicloud_pvtz_zone").zone_name).toBe("corp.example");
    expect(only(stack, "alicloud_pvtz_zone_record").rr).toBe("llm-${terraform.workspace}");
  });

  test.each([
    [{ domainName: "localhost" }, 'domainName: "localhost" is not a name in a domain'],
    [{ zone: { zoneId: "z", zoneName: "other.example" } }, 'domainName: "llm.corp.example" is not a name in other.example'],
    [{ domainName: "evilcorp.example", zone: { zoneId: "z", zoneName: "corp.example" } }, "is not a name in corp.example"],
  ])("%j is refused", (spec, message) => {
    expect(() => named(spec)).toThrow(message);
  });
});
