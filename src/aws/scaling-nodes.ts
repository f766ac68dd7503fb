import { Construct } from "constructs";
import { FleetSize } from "../platform";
import { AwsContext } from "./context";
import { Fleet, latestVersion } from "./fleet";

/**
 * Nodes in an Auto Scaling group. A new launch template replaces them one by one, new before old; Terraform does not wait for it.
 */
export function scalingNodes(
  scope: Construct,
  { resources }: AwsContext,
  fleet: Fleet,
  size: Extract<FleetSize, { kind: "scaling" }>,
): void {
  const group = resources.make("scalingGroup", scope, "ScalingGroup", {
    name: fleet.name,
    minSize: size.minimum,
    maxSize: size.maximum,
    vpcZoneIdentifier: [...fleet.subnetIds],
    targetGroupArns: fleet.targets.map((target) => target.id),
    launchTemplate: { id: fleet.template.id, version: latestVersion(fleet) },
    // Not the balancer's: a node is not ready while its database is away, and replacing the fleet would not bring that back.
    healthCheckType: "EC2",
    healthCheckGracePeriod: fleet.warmUpSeconds,
    defaultInstanceWarmup: fleet.warmUpSeconds,
    // A first apply comes before the secrets have values, and nodes that wait for them must not fail it.
    waitForCapacityTimeout: "0",
    // No way back by itself: the bundle of the former launch template is gone once the stack is applied.
    instanceRefresh: {
      strategy: "Rolling",
      preferences: {
        minHealthyPercentage: 100,
        maxHealthyPercentage: 110,
        instanceWarmup: String(fleet.warmUpSeconds),
        autoRollback: false,
      },
    },
    tag: Object.entries(resources.tags(fleet.name)).map(([key, value]) => ({ key, value, propagateAtLaunch: true })),
    dependsOn: fleet.dependsOn,
    lifecycle: { ignoreChanges: ["desired_capacity"] },
  });
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
