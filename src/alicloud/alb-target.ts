import { ITerraformDependable } from "cdktf";
import { BalancerTarget } from "../platform";
import { ResourceOf } from "./resource-kinds";

/** A server group of ours, and the one who says what its members are: Terraform, or a scaling group. */
export class AlbTarget implements BalancerTarget {
  public readonly id: string;

  constructor(
    private readonly serverGroup: ResourceOf<"serverGroup">,
    public readonly nodePort: number,
    /** What stands before this server group and so can not wait for its members. */
    public readonly balancerParts: readonly ITerraformDependable[],
  ) {
    this.id = serverGroup.id;
    TARGETS.set(this, this);
  }

  /** Terraform names the members. */
  public setInstances(instances: readonly ResourceOf<"instance">[]): void {
    this.serverGroup.putServers(instances.map(({ id }) => ({ serverId: id, serverType: "Ecs", port: this.nodePort, weight: 100 })));
  }

  /** A scaling group names the members; Terraform would remove them again. */
  public leaveInstancesToScaling(): void {
    this.serverGroup.lifecycle = { ...this.serverGroup.lifecycle, ignoreChanges: ["servers"] };
  }
}

const TARGETS = new WeakMap<BalancerTarget, AlbTarget>();

/**
 * The targets as what they are.
 * @throws Error for a target that an AlicloudPlatform's load balancer did not make
 */
export function albTargets(targets: readonly BalancerTarget[]): AlbTarget[] {
  return targets.map((target) => {
    const known = TARGETS.get(target);
    if (known === undefined) throw new Error(`the server group ${target.id} is not one of an AlicloudPlatform's load balancer`);
    return known;
  });
}
