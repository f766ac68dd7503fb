import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startMoto, targetMoto, type MotoCloud } from "./moto";
import { below, queryAws } from "./moto/aws-request";
import { Terraform } from "./terraform";
import { awsPluginDir } from "./toolchain";

const EVERY_RESOURCE = join(__dirname, "moto", "every-resource.tf.json");

describe("every resource type that the constructs use", () => {
  let cloud: MotoCloud;
  let terraform: Terraform;

  beforeAll(async () => {
    cloud = await startMoto();
    const { vpcId, subnets } = await cloud.prepareNetwork();
    const variables = {
      vpc_id: vpcId,
      subnet_ids: JSON.stringify(subnets.map(({ id }) => id)),
      certificate_arn: await cloud.prepareCertificate("gw.internal"),
      object_file: EVERY_RESOURCE,
    };
    const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`TF_VAR_${name}`, value]));
    const stack = JSON.parse(readFileSync(EVERY_RESOURCE, "utf8")) as object;
    terraform = await Terraform.ofConfig(targetMoto(stack, cloud), { env, pluginDir: awsPluginDir() });
    await terraform.init();
  });

  afterAll(async () => {
    await terraform.dispose();
    await cloud.stop();
  });

  test("applies, settles, changes, is protected and is destroyed", async () => {
    await timed("apply", () => terraform.apply());
    await timed("second plan", expectNoChanges);

    const groups = await autoscaling("DescribeAutoScalingGroups");
    expect(new Set(valuesOf("AvailabilityZone", groups))).toEqual(new Set(["eu-central-1a", "eu-central-1b"]));

    await timed("update", () => terraform.apply({ user_data: "#!/bin/sh\necho second\n" }));
    const refreshes = await autoscaling("DescribeInstanceRefreshes", { AutoScalingGroupName: "gateway" });
    expect(valuesOf("Status", refreshes)).toEqual(["Successful"]);
    expect(valuesOf("MaxHealthyPercentage", refreshes)).toEqual(["150"]);

    await unprotect();
    await timed("destroy", () => terraform.destroy());
    expect(await terraform.stateList()).toEqual([]);
    expect(valuesOf("AutoScalingGroupName", await autoscaling("DescribeAutoScalingGroups"))).toEqual([]);
  });

  async function expectNoChanges(): Promise<void> {
    const plan = await terraform.plan();
    expect(plan.hasChanges ? plan.stdout : "").toBe("");
  }

  async function autoscaling(action: string, parameters: Record<string, string> = {}): Promise<string> {
    return queryAws(cloud.signer("autoscaling"), "2011-01-01", action, parameters);
  }

  async function elb(action: string, parameters: Record<string, string> = {}): Promise<string> {
    return queryAws(cloud.signer("elasticloadbalancing"), "2015-12-01", action, parameters);
  }

  async function unprotect(): Promise<void> {
    const LoadBalancerArn = valuesOf("LoadBalancerArn", await elb("DescribeLoadBalancers"))[0]!;
    await expect(elb("DeleteLoadBalancer", { LoadBalancerArn })).rejects.toThrow("OperationNotPermitted");
    const protection = { Key: "deletion_protection.enabled", Value: "false" };
    await elb("ModifyLoadBalancerAttributes", { LoadBalancerArn, ...below("Attributes.member.1", protection) });
  }
});

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await work();
  process.stderr.write(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

function valuesOf(element: string, xml: string): string[] {
  return [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, "g"))].map((match) => match[1]!);
}
