import { TerraformLocal } from "cdktf";
import { ubuntuImage } from "../../src/aws/image";
import { balancer, Json, nodes, Sample } from "./support";

function made(change: Parameters<typeof nodes>[0] = {}): Sample {
  const sample = new Sample({ tags: { team: "ai" } });
  sample.platform.nodes(sample.stack, "Nodes", nodes(change));
  return sample;
}

const FIXED = { size: { kind: "fixed", count: 3 } as const };

describe("image", () => {
  test.each(["c7g.large", "m6gd.xlarge", "t4g.small", "im4gn.large", "is4gen.large", "a1.large", "x2gd.large", "g5g.xlarge", "r8gb.large"])(
    "%s is arm64",
    (type) => {
      expect(ubuntuImage(type)).toContain("/arm64/");
    },
  );

  test.each([
    "c7i.large",
    "m7i-flex.large",
    "g5.xlarge",
    "g4dn.xlarge",
    "gr6.4xlarge",
    "t3.large",
    "c7a.large",
    "u7i-12tb.224xlarge",
    "${var.type}",
  ])("%s is amd64", (type) => {
    expect(ubuntuImage(type)).toContain("/amd64/");
  });
});

describe("launch template", () => {
  test("metadata by token only, an encrypted disk, no public address", () => {
    expect(made().only("aws_launch_template")).toMatchObject({
      name: "gw-node",
      instance_type: "c7i.large",
      image_id: "resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
      iam_instance_profile: { name: "profile" },
      metadata_options: { http_tokens: "required", http_put_response_hop_limit: 1, http_endpoint: "enabled" },
      block_device_mappings: [{ device_name: "/dev/sda1", ebs: { encrypted: "true", volume_type: "gp3", volume_size: 40 } }],
      network_interfaces: [{ associate_public_ip_address: "false", security_groups: [expect.stringContaining("aws_security_group.")] }],
      monitoring: { enabled: true },
      tag_specifications: [{ resource_type: "volume", tags: { team: "ai", Name: "gw-node" } }],
    });
  });

  test("instance type and image are the user's", () => {
    expect(made({ instanceType: "c7g.xlarge", imageId: "ami-1" }).only("aws_launch_template")).toMatchObject({
      instance_type: "c7g.xlarge",
      image_id: "ami-1",
    });
  });

  test("a script that is one reference is encoded as it is", () => {
    const sample = new Sample();
    const script = new TerraformLocal(sample.stack, "Script", "echo");
    sample.platform.nodes(sample.stack, "Nodes", nodes({ userData: script.asString }));
    expect(sample.only("aws_launch_template").user_data).toBe("${base64encode(local.Script)}");
  });

  test("a script of text and references goes by way of a local, since a function would not escape it", () => {
    const script = '#!/bin/bash\necho "a\\b" $${HOME} ${local.bucket}\n';
    const { locals, resource } = made({ userData: script }).synth();
    const [[id, text]] = Object.entries(locals) as [[string, string]];
    expect(text).toBe(script);
    expect(Object.values<Json>(resource.aws_launch_template)[0].user_data).toBe(`\${base64encode(local.${id})}`);
  });
});

describe("who reaches a node", () => {
  test("the balancer alone, on the targets' ports alone", () => {
    const sample = new Sample();
    const loadBalancer = sample.platform.loadBalancer(sample.stack, "LoadBalancer", balancer());
    sample.platform.nodes(sample.stack, "Nodes", nodes({ targets: loadBalancer.targets, ingress: loadBalancer.nodeIngress }));
    const { resource } = sample.synth();
    const groups = Object.entries<Json>(resource.aws_security_group);
    const reference = (name: string) => `\${aws_security_group.${groups.find(([, group]) => group.name === name)![0]}.id}`;
    const [node, lb] = [reference("gw-node"), reference("gw-balancer")];
    const rules = (type: string, group: string) => Object.values<Json>(resource[type]).filter((rule) => rule.security_group_id === group);

    expect(
      rules("aws_vpc_security_group_ingress_rule", node).map((rule) => [
        rule.from_port,
        rule.to_port,
        rule.referenced_security_group_id,
        rule.cidr_ipv4,
      ]),
    ).toEqual([
      [4000, 4000, lb, undefined],
      [4001, 4001, lb, undefined],
    ]);
    expect(
      rules("aws_vpc_security_group_egress_rule", lb).map((rule) => [
        rule.from_port,
        rule.to_port,
        rule.referenced_security_group_id,
        rule.cidr_ipv4,
      ]),
    ).toEqual([
      [4000, 4000, node, undefined],
      [4001, 4001, node, undefined],
    ]);
    groups.forEach(([, group]) => expect([group.ingress, group.egress]).toEqual([undefined, undefined]));
  });

  test("a node reaches the ports and ranges that it is given", () => {
    const rules = made({ egressPorts: [443, 443, 5432], egressCidrs: ["10.0.0.0/16", "192.0.2.0/24"] })
      .resources("aws_vpc_security_group_egress_rule")
      .filter((rule) => rule.cidr_ipv4 !== undefined);
    expect(rules.map((rule) => `${rule.cidr_ipv4} ${rule.from_port}`).sort()).toEqual([
      "10.0.0.0/16 443",
      "10.0.0.0/16 5432",
      "192.0.2.0/24 443",
      "192.0.2.0/24 5432",
    ]);
  });

  test("every rule says what it is for", () => {
    const { resource } = made().synth();
    ["aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule", "aws_security_group"].forEach((type) =>
      Object.values<Json>(resource[type]).forEach((rule) => expect(rule.description).toMatch(/^[\w .:/()#,@[\]+=&;{}!$*-]{10,255}$/)),
    );
  });
});

describe("a fleet that scales", () => {
  test("is not replaced for what the balancer thinks, and rolls one by one, new before old", () => {
    const sample = made();
    expect(sample.only("aws_autoscaling_group")).toMatchObject({
      min_size: 2,
      max_size: 4,
      vpc_zone_identifier: ["subnet-0a", "subnet-0b"],
      target_group_arns: ["arn:agents", "arn:admin"],
      health_check_type: "EC2",
      health_check_grace_period: 60,
      default_instance_warmup: 60,
      wait_for_capacity_timeout: "0",
      instance_refresh: {
        strategy: "Rolling",
        preferences: { min_healthy_percentage: 100, max_healthy_percentage: 110, instance_warmup: "60" },
      },
      launch_template: { version: expect.stringContaining(".latest_version}") },
      lifecycle: { ignore_changes: ["desired_capacity"] },
      tag: [
        { key: "team", value: "ai", propagate_at_launch: true },
        { key: "Name", value: "gw-node", propagate_at_launch: true },
      ],
    });
    expect(sample.only("aws_autoscaling_policy")).toMatchObject({
      policy_type: "TargetTrackingScaling",
      target_tracking_configuration: {
        predefined_metric_specification: { predefined_metric_type: "ASGAverageCPUUtilization" },
        target_value: 60,
      },
    });
    expect(sample.resources("aws_instance")).toEqual([]);
  });

  test("waits until a new node says that it serves, which it may of its own group only", () => {
    const sample = made();
    const group = expect.stringMatching(/^\$\{aws_autoscaling_group\.\w+\.name\}$/);
    expect(sample.only("aws_autoscaling_lifecycle_hook")).toMatchObject({
      name: sample.platform.launchSettings("gw").hook,
      autoscaling_group_name: group,
      lifecycle_transition: "autoscaling:EC2_INSTANCE_LAUNCHING",
      heartbeat_timeout: 2700,
      default_result: "ABANDON",
    });
    expect(sample.only("aws_autoscaling_group").name).toBe(sample.platform.launchSettings("gw").group);
    const policy = sample.only("aws_iam_role_policy");
    expect(policy).toMatchObject({ name: "launch", role: "r" });
    expect(JSON.parse(policy.policy).Statement).toEqual([
      {
        Sid: "SayThatItServes",
        Effect: "Allow",
        Action: ["autoscaling:CompleteLifecycleAction"],
        Resource: [expect.stringMatching(/^\$\{aws_autoscaling_group\.\w+\.arn\}$/)],
      },
    ]);
  });

  test.each([
    ["aws_autoscaling_group", {}],
    ["aws_instance", FIXED],
  ])("%s waits for what a node needs", (type, change) => {
    const sample = new Sample();
    const role = sample.platform.role(sample.stack, "Role", { name: "gw", description: "nodes", statements: () => [] });
    const loadBalancer = sample.platform.loadBalancer(sample.stack, "LoadBalancer", balancer());
    sample.platform.nodes(sample.stack, "Nodes", nodes({ role, after: loadBalancer.ready, ...change }));
    expect(sample.only(type).depends_on.map((dependency: string) => dependency.split(".")[0])).toEqual([
      "aws_lb_listener",
      "aws_lb_listener",
      "aws_iam_role_policy",
      "aws_iam_instance_profile",
    ]);
  });
});

describe("a fleet of fixed size", () => {
  test("lies in the subnets by turns, without public addresses, and is replaced when the template changes", () => {
    const sample = made(FIXED);
    const { resource } = sample.synth();
    const [template] = Object.keys(resource.aws_launch_template);
    expect(sample.only("aws_instance")).toMatchObject({
      count: 3,
      subnet_id: '${element(["subnet-0a", "subnet-0b"], count.index)}',
      associate_public_ip_address: false,
      vpc_security_group_ids: [expect.stringContaining("aws_security_group.")],
      launch_template: { version: `\${aws_launch_template.${template}.latest_version}` },
      user_data_base64: `\${aws_launch_template.${template}.user_data}`,
      monitoring: true,
      lifecycle: { create_before_destroy: true, replace_triggered_by: [`aws_launch_template.${template}.latest_version`] },
      tags: { team: "ai", Name: "gw-node" },
    });
    expect(sample.only("aws_launch_template").network_interfaces).toBeUndefined();
    expect(sample.resources("aws_autoscaling_group")).toEqual([]);
  });

  test("each instance is put into each target", () => {
    const { resource } = made(FIXED).synth();
    const [instance] = Object.keys(resource.aws_instance);
    expect(Object.values<Json>(resource.aws_lb_target_group_attachment)).toEqual(
      ["arn:agents", "arn:admin"].map((target) =>
        expect.objectContaining({ count: 3, target_group_arn: target, target_id: `\${aws_instance.${instance}[count.index].id}` }),
      ),
    );
  });
});
