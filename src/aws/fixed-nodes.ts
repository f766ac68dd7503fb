import { Fn, Lazy, propertyAccess, TerraformCount, Token } from "cdktf";
import { Construct } from "constructs";
import { FleetSize } from "../platform";
import { AwsContext } from "./context";
import { Fleet, latestVersion } from "./fleet";

/**
 * A fixed number of instances, by turns in the subnets. A new launch template replaces each, new before old.
 *
 * Terraform does not wait until the new ones serve, so that a change interrupts the gateway for as long as a node takes to
 * boot; a fleet that scales has no such gap. They are not protected from termination: a newer provider (6.x) refuses to replace one that is.
 */
export function fixedNodes(scope: Construct, { resources }: AwsContext, fleet: Fleet, size: Extract<FleetSize, { kind: "fixed" }>): void {
  const count = TerraformCount.of(size.count);
  const subnetIds = fleet.spec.network.subnets.map((subnet) => subnet.id);
  const instance = resources.make("instance", scope, "Instance", {
    count,
    // Here rather than in the template: EC2 refuses an interface of the template's beside a subnet of the instance's.
    subnetId: Token.asString(Fn.element(subnetIds, count.index)),
    vpcSecurityGroupIds: [fleet.securityGroupId],
    associatePublicIpAddress: false,
    launchTemplate: { id: fleet.template.id, version: latestVersion(fleet) },
    // Here too: provider 5.100 takes what it reads back of the template's for a change in every plan (hashicorp/terraform-provider-aws#30825).
    userDataBase64: fleet.template.userData,
    // Here too: the provider asks for none unless it is told to, and what it asks for wins over the template.
    monitoring: true,
    tags: resources.tags(fleet.name),
    dependsOn: fleet.dependsOn,
    lifecycle: {
      createBeforeDestroy: true,
      replaceTriggeredBy: [Lazy.stringValue({ produce: () => `aws_launch_template.${fleet.template.friendlyUniqueId}.latest_version` })],
    },
  });
  fleet.spec.targets.forEach((target) =>
    resources.make("targetAttachment", scope, `Attachment${target.nodePort}`, {
      count,
      targetGroupArn: target.id,
      targetId: Token.asString(propertyAccess(instance.fqn, [count.index, "id"])),
      lifecycle: { createBeforeDestroy: true },
    }),
  );
}
