import { listenerRules } from "../../src/aws/listener-rules";
import { ADMIN_ROUTES, AGENT_ROUTES, balancerPath } from "../../src/litellm/routes";
import { admin, agents, balancer, CERTIFICATE, Json, NETWORK, REGION, Sample } from "./support";

function made(change: Parameters<typeof balancer>[0] = {}): Sample {
  const sample = new Sample({ tags: { team: "ai" } });
  sample.platform.loadBalancer(sample.stack, "LoadBalancer", balancer(change));
  return sample;
}

describe("rules of a listener", () => {
  test.each([
    ["agents", AGENT_ROUTES],
    ["admin", ADMIN_ROUTES],
  ])("let exactly the routes of %s through, at most five values each", (_, routes) => {
    const rules = listenerRules(routes);
    const passed = rules.flatMap(({ method, paths }) => paths.map((path) => `${method} ${path}`));
    expect([...passed].sort()).toEqual(routes.map((route) => `${route.method} ${balancerPath(route)}`).sort());
    rules.forEach(({ paths }) => {
      expect(paths.length).toBeLessThanOrEqual(4);
      expect(paths.join().split("*").length - 1).toBeLessThanOrEqual(5);
    });
    expect(new Set(rules.map(({ priority }) => priority)).size).toBe(rules.length);
  });

  test("a new path of one method moves no rule of another", () => {
    const posts = (routes: typeof AGENT_ROUTES) => listenerRules(routes).filter(({ method }) => method === "POST");
    const more = Array.from({ length: 9 }, (_, index) => ({ method: "GET" as const, path: `/more/${index}` }));
    expect(posts([...more, ...AGENT_ROUTES])).toEqual(posts(AGENT_ROUTES));
  });

  test("a name of a path is a wildcard, of which a path has one at the most", () => {
    const paths = [...AGENT_ROUTES, ...ADMIN_ROUTES].map(balancerPath);
    paths.forEach((path) => expect(path).toMatch(/^\/[\w/.-]+(\*[\w/.-]*)?$/));
    expect(paths).toEqual(expect.arrayContaining(["/v1/models/*", "/v1/responses/*", "/v1/responses/*/cancel"]));
  });

  test("what is deleted has a rule of its own", () => {
    expect(listenerRules(AGENT_ROUTES).filter(({ method }) => method === "DELETE")).toEqual([
      { id: "DELETE1", priority: 300, method: "DELETE", paths: ["/v1/responses/*"] },
    ]);
  });

  test("a new path at the end moves no other from its rule", () => {
    const rules = listenerRules(AGENT_ROUTES);
    const more = listenerRules([...AGENT_ROUTES, { method: "POST", path: "/v1/more/{id}" }]);
    rules.forEach(({ id, paths }) => expect(more.find((rule) => rule.id === id)!.paths.slice(0, paths.length)).toEqual(paths));
  });
});

describe("balancer", () => {
  test("keeps access logs where a bucket for them is named, and only there", () => {
    expect(made().only("aws_lb").access_logs).toBeUndefined();
    const sample = new Sample({ accessLogsBucket: "corp-logs" });
    sample.platform.loadBalancer(sample.stack, "LoadBalancer", balancer());
    expect(sample.only("aws_lb").access_logs).toEqual({ bucket: "corp-logs", prefix: "gw/balancer", enabled: true });
  });

  test("is internal, over all subnets, and waits for silent streams", () => {
    expect(made().only("aws_lb")).toMatchObject({
      name: "gw",
      internal: true,
      load_balancer_type: "application",
      subnets: ["subnet-0a", "subnet-0b"],
      idle_timeout: 600,
      drop_invalid_header_fields: true,
      enable_http2: true,
      enable_deletion_protection: true,
      tags: { Name: "gw", team: "ai" },
    });
  });

  test("each listener lets its own rules through to its own port, and answers 404 to the rest", () => {
    const { resource } = made().synth();
    const groups = Object.entries<Json>(resource.aws_lb_target_group);
    expect(groups.map(([, group]) => [group.name, group.port]).sort()).toEqual([
      ["gw-admin", 4001],
      ["gw-agents", 4000],
    ]);
    Object.values<Json>(resource.aws_lb_listener).forEach(({ protocol, default_action }) => {
      expect(protocol).toBe("HTTP");
      expect(default_action[0].fixed_response).toMatchObject({ status_code: "404", content_type: "application/json" });
      expect(() => JSON.parse(default_action[0].fixed_response.message_body)).not.toThrow();
    });
    const [agentsGroup] = groups.find(([, group]) => group.name === "gw-agents")!;
    const rules = Object.entries<Json>(resource.aws_lb_listener_rule).filter(([, rule]) =>
      rule.action[0].target_group_arn.includes(`.${agentsGroup}.`),
    );
    const paths = rules.flatMap(([id, rule]) => {
      expect(id).toContain("AgentsRule");
      expect(rule.listener_arn).toContain("AgentsListener");
      return rule.condition.find((one: Json) => one.path_pattern).path_pattern.values;
    });
    expect(paths.sort()).toEqual(AGENT_ROUTES.map(balancerPath).sort());
  });

  test("a target is asked for its readiness and drains", () => {
    const [group] = made({ listeners: [agents()], drainSeconds: 7200 }).resources("aws_lb_target_group");
    expect(group).toMatchObject({
      protocol: "HTTP",
      deregistration_delay: "3600",
      load_balancing_algorithm_type: "least_outstanding_requests",
      health_check: { path: "/health/readiness", matcher: "200", timeout: 5, interval: 10 },
    });
  });

  test("with a certificate the listeners speak TLS 1.2 and 1.3", () => {
    const listeners = made({ certificateId: CERTIFICATE }).resources("aws_lb_listener");
    expect(listeners).toHaveLength(2);
    listeners.forEach((listener) =>
      expect(listener).toMatchObject({
        protocol: "HTTPS",
        certificate_arn: CERTIFICATE,
        ssl_policy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      }),
    );
  });

  test("each listener's port is open to its own ranges, and nothing leaves before there are nodes", () => {
    const sample = made({
      listeners: [agents({ allowedCidrs: ["10.0.0.0/16", "10.0.0.0/16"] }), admin({ allowedCidrs: ["10.9.0.0/24", "${data.x.y.cidr}"] })],
    });
    const { resource } = sample.synth();
    expect(
      Object.values<Json>(resource.aws_vpc_security_group_ingress_rule).map((rule) => [
        rule.cidr_ipv4,
        rule.from_port,
        rule.to_port,
        rule.ip_protocol,
      ]),
    ).toEqual(
      expect.arrayContaining([
        ["10.0.0.0/16", 80, 80, "tcp"],
        ["10.9.0.0/24", 8080, 8080, "tcp"],
        ["${data.x.y.cidr}", 8080, 8080, "tcp"],
      ]),
    );
    expect(Object.keys(resource.aws_vpc_security_group_ingress_rule)).toHaveLength(3);
    expect(resource.aws_vpc_security_group_egress_rule).toBeUndefined();
    expect(sample.only("aws_security_group").egress).toBeUndefined();
  });

  test("what it gives to nodes", () => {
    const sample = new Sample();
    const loadBalancer = sample.platform.loadBalancer(sample.stack, "LoadBalancer", balancer());
    expect(loadBalancer.targets.map(({ nodePort }) => nodePort)).toEqual([4000, 4001]);
    expect(loadBalancer.ready).toHaveLength(2);
    expect(loadBalancer.nodeIngress.securityGroupId).toBeDefined();
    expect(loadBalancer.nodeIngress.cidrs).toBeUndefined();
  });
});

describe("private name", () => {
  function named(zone?: { zoneId: string; zoneName: string }): Sample {
    const sample = new Sample();
    const loadBalancer = sample.platform.loadBalancer(sample.stack, "LoadBalancer", balancer());
    loadBalancer.privateName(sample.stack, "PrivateName", { domainName: "llm.corp.example", zone, network: NETWORK });
    return sample;
  }

  test("without a zone one is made for the name, seen from the network", () => {
    const sample = named();
    expect(sample.only("aws_route53_zone")).toMatchObject({ name: "llm.corp.example", vpc: [{ vpc_id: "vpc-0abc", vpc_region: REGION }] });
    expect(sample.only("aws_route53_record")).toMatchObject({
      name: "llm.corp.example",
      type: "A",
      alias: { name: expect.stringContaining("aws_lb.") },
    });
  });

  test("an imported zone gets the record", () => {
    const sample = named({ zoneId: "Z123", zoneName: "corp.example" });
    expect(sample.resources("aws_route53_zone")).toEqual([]);
    expect(sample.only("aws_route53_record")).toMatchObject({ zone_id: "Z123", name: "llm.corp.example" });
  });
});
