import { FleetSize } from "../platform";
import { accountIdOf } from "./account";
import type { Fleet } from "./nodes";
import { ResourceOf } from "./resource-kinds";
import { policyDocument, regionalName, rolePolicy } from "./role";
import { evenly, Zone, zonesOf } from "./zones";

type Scaling = Extract<FleetSize, { kind: "scaling" }>;

/**
 * One scaling group for each zone. It waits until a new node says that it serves, and ends one that does not.
 *
 * The cloud replaces nodes one by one only in groups of the policy PRIORITY, and such a group fills its first zone before
 * it goes to the next: a group of its own is what puts nodes into each zone.
 * @see https://www.alibabacloud.com/help/en/auto-scaling/developer-reference/api-startinstancerefresh
 */
export function scalingGroups(fleet: Fleet<Scaling>): void {
  const { minimum, maximum } = fleet.spec.size;
  // A group that may be empty can not be refreshed, so that there are never more groups than nodes.
  const zones = zonesOf(fleet.spec.network.subnets).slice(0, Math.max(1, minimum));
  const minima = evenly(minimum, zones.length);
  const maxima = evenly(maximum, zones.length);
  const groups = zones.map((zone, index) => zoneGroup(fleet, zone, { minimum: minima[index]!, maximum: maxima[index]! }));
  allowToSayThatItServes(fleet, groups);
  fleet.targets.forEach((target) => target.leaveInstancesToScaling());
}

function zoneGroup(
  { scope, context: { resources }, spec, template, targets, after }: Fleet<Scaling>,
  zone: Zone,
  size: { readonly minimum: number; readonly maximum: number },
): ResourceOf<"scalingGroup"> {
  const group = resources.make("scalingGroup", scope, `Group-${zone.id}`, {
    scalingGroupName: `${spec.name}-${zone.name}`,
    vswitchIds: zone.subnets.map(({ id }) => id),
    multiAzPolicy: "PRIORITY",
    minSize: size.minimum,
    maxSize: size.maximum,
    launchTemplateId: template.id,
    launchTemplateVersion: "Default",
    removalPolicies: ["OldestScalingConfiguration", "OldestInstance"],
    // Not the balancer's: nodes are unready while PostgreSQL is away, and new ones would be too.
    healthCheckType: "ECS",
    albServerGroup: targets.map(({ id, nodePort }) => ({ albServerGroupId: id, port: nodePort, weight: 100 })),
    groupDeletionProtection: spec.deletionProtection,
    dependsOn: [...after],
    lifecycle: { ignoreChanges: ["desired_capacity"] },
  });
  const scalingGroupId = group.id;
  resources.make("scalingRule", scope, `Cpu-${zone.id}`, {
    scalingGroupId,
    scalingRuleName: `${spec.name}-cpu`,
    scalingRuleType: "TargetTrackingScalingRule",
    metricName: "CpuUtilization",
    targetValue: spec.size.cpuTargetPercent,
    estimatedInstanceWarmup: spec.warmUpSeconds,
    disableScaleIn: false,
  });
  resources.make("lifecycleHook", scope, `Drain-${zone.id}`, {
    scalingGroupId,
    name: `${spec.name}-drain`,
    lifecycleTransition: "SCALE_IN",
    heartbeatTimeout: hookSeconds(spec.drainSeconds),
    defaultResult: "CONTINUE",
  });
  const refresh = resources.make("instanceRefresh", scope, `Refresh-${zone.id}`, {
    scalingGroupId,
    desiredConfigurationLaunchTemplateId: template.id,
    desiredConfigurationLaunchTemplateVersion: "Default",
    minHealthyPercentage: 100,
    maxHealthyPercentage: oneMore(size.minimum),
    // Skipping nodes that match would leave nothing to do at the first apply, which the cloud takes as an error.
    skipMatching: false,
  });
  resources.make("lifecycleHook", scope, `Launch-${zone.id}`, {
    scalingGroupId,
    name: `${spec.name}-launch`,
    lifecycleTransition: "SCALE_OUT",
    heartbeatTimeout: hookSeconds(spec.launchSeconds),
    defaultResult: "ABANDON",
    // The first refresh waits five minutes for nodes in service, and a hook would hold them back longer.
    dependsOn: [refresh],
  });
  return group;
}

/** Apart from the role's own policy, which must be there before the groups are. */
function allowToSayThatItServes({ scope, context, spec }: Fleet<Scaling>, groups: readonly ResourceOf<"scalingGroup">[]): void {
  const arn = (group: string) => `acs:ess:${context.region}:${accountIdOf(scope, context)}:scalinggroup/${group}`;
  const needed = [
    { sid: "Complete", actions: ["ess:CompleteLifecycleAction"], resources: groups.map(({ id }) => arn(id)) },
    // A node asks by its own id, without a group.
    { sid: "Find", actions: ["ess:DescribeScalingInstances", "ess:DescribeLifecycleActions"], resources: [arn("*")] },
  ];
  needed.forEach((statement) => spec.role.access?.add(statement));
  if (spec.role.access?.isExisting === true) return;
  rolePolicy(scope, context, "LaunchPolicy", {
    roleName: spec.role.roleName,
    name: regionalName(context, `${spec.name}-launch`),
    description: `How nodes of the LLM gateway ${spec.name} say that they serve`,
    policyDocument: policyDocument(needed),
  });
}

/** The percentage at which a group of the smallest size may have one node more. */
function oneMore(minimum: number): number {
  return Math.min(200, 100 + Math.ceil(100 / Math.max(1, minimum)));
}

/** @see https://www.alibabacloud.com/help/en/auto-scaling/developer-reference/api-createlifecyclehook: 30 s to 6 h */
function hookSeconds(seconds: number): number {
  return Math.min(21_600, Math.max(30, seconds));
}
