import { FleetSize } from "../platform";
import type { Fleet } from "./nodes";
import { zonesOf } from "./zones";

/**
 * A fixed number of instances, spread over the zones. A new template replaces them, new before old; as nobody waits for
 * the new ones to serve, calls fail for as long as a node takes to start.
 */
export function fixedInstances({ scope, context, spec, template, targets, after }: Fleet<Extract<FleetSize, { kind: "fixed" }>>): void {
  const zones = zonesOf(spec.network.subnets);
  // The server groups name these instances, so that what stands before the server groups can not be waited for.
  const balancerParts = new Set(targets.flatMap((target) => target.balancerParts));
  const instances = Array.from({ length: spec.size.count }, (_, index) => {
    const { subnets } = zones[index % zones.length]!;
    return context.resources.make("instance", scope, `Node${index}`, {
      instanceName: `${spec.name}-${index}`,
      vswitchId: subnets[Math.floor(index / zones.length) % subnets.length]!.id,
      // All else is the template's: the instance starts with its role, and a change of the template is a new instance.
      launchTemplateId: template.id,
      launchTemplateVersion: "Default",
      dependsOn: after.filter((dependable) => !balancerParts.has(dependable)),
      lifecycle: { createBeforeDestroy: true },
    });
  });
  targets.forEach((target) => target.setInstances(instances));
}
