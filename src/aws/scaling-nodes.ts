import { Construct } from "constructs";
import { FleetSize } from "../platform";
import { AwsContext } from "./context";
import { Fleet, fleetName, latestVersion } from "./fleet";
import { policyDocument } from "./policy";
import { ResourceOf } from "./resource-kinds";

/** How a node finds the hook by which its group waits for it. */
export function launchSettings(gateway: string) {
  return { kind: "ec2-auto-scaling", group: fleetName(gateway), hook: "serves" };
}

/**
 * Nodes in an Auto Scaling group. A new launch template replaces them one by one, new before old; Terraform does not wait for it.
 *
 * The group waits until a new node says that it serves, and ends one that does not: a bundle that does not boot replaces
 * no node that does.
 */
export function scalingNodes(scope: Construct, context: AwsContext, fleet: Fleet, size: Extract<FleetSize, { kind: "scaling" }>): void {
  const { resources } = context;
  const { spec } = fleet;
  const group = resources.make("scalingGroup", scope, "ScalingGroup", {
    name: fleet.name,
    minSize: size.minimum,
    maxSize: size.maximum,
    vpcZoneIdentifier: spec.network.subnets.map((subnet) => subnet.id),
    targetGroupArns: spec.targets.map((target) => target.id),
    launchTemplate: { id: fleet.template.id, version: latestVersion(fleet) },
    // Not the balancer's: a node is not ready while its database is away, and replacing the fleet would not bring that back.
    healthCheckType: "EC2",
    healthCheckGracePeriod: spec.warmUpSeconds,
    defaultInstanceWarmup: spec.warmUpSeconds,
    // A first apply comes before the secrets have values, and nodes that wait for them must not fail it.
    waitForCapacityTimeout: "0",
    // No way back by itself: the bundle of the former launch template is gone once the stack is applied.
    instanceRefresh: {
      strategy: "Rolling",
      preferences: {
        minHealthyPercentage: 100,
        maxHealthyPercentage: 110,
        instanceWarmup: String(spec.warmUpSeconds),
        autoRollback: false,
      },
    },
    tag: Object.entries(resources.tags(fleet.name)).map(([key, value]) => ({ key, value, propagateAtLaunch: true })),
    dependsOn: fleet.dependsOn,
    lifecycle: { ignoreChanges: ["desired_capacity"] },
  });
  waitForNodes(scope, context, fleet, group);
  resources.make("scalingPolicy", scope, "ScalingPolicy", {
    name: `${fleet.name}-cpu`,
    autoscalingGroupName: group.name,
    policyType: "TargetTrackingScaling",
    targetTrackingConfiguration: {
      predefinedMetricSpecification: { predefinedMetricType: "ASGAverageCPUUtilization" },
      targetValue: size.cpuTargetPercent,
    },
  });
}

function waitForNodes(scope: Construct, { resources }: AwsContext, { spec }: Fleet, group: ResourceOf<"scalingGroup">): void {
  // Not the group's own initial hook, which the provider never changes again. Nodes that come before the hook are not waited for.
  resources.make("lifecycleHook", scope, "LaunchHook", {
    name: launchSettings(spec.name).hook,
    autoscalingGroupName: group.name,
    lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
    heartbeatTimeout: spec.launchSeconds,
    defaultResult: "ABANDON",
  });
  const completesLaunch = { sid: "SayThatItServes", actions: ["autoscaling:CompleteLifecycleAction"], resources: [group.arn] };
  spec.role.access?.add(completesLaunch);
  if (spec.role.access?.isExisting === true) return;
  // Apart from the role's own policy, which must be there before the group is.
  resources.make("launchPolicy", scope, "LaunchPolicy", {
    name: "launch",
    role: spec.role.roleName,
    policy: policyDocument([completesLaunch]),
  });
}
