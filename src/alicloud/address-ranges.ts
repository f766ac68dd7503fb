import { Construct } from "constructs";
import { INetwork } from "../network";
import { isExpression } from "../text";
import { DataAlicloudVpcs } from "./bindings/providers/alicloud/data-alicloud-vpcs";
import { DataAlicloudVswitches } from "./bindings/providers/alicloud/data-alicloud-vswitches";
import { AlicloudContext } from "./context";

/** The range of a network: as given, or looked up once for each construct that asks. */
export function vpcRange(scope: Construct, { provider }: AlicloudContext, network: INetwork): string {
  if (network.cidr !== undefined) return network.cidr;
  const known = scope.node.tryFindChild("Vpc") as DataAlicloudVpcs | undefined;
  return (known ?? new DataAlicloudVpcs(scope, "Vpc", { ids: [network.vpcId], provider })).vpcs.get(0).cidrBlock;
}

/**
 * The ranges that a load balancer's own addresses are from: those of the vSwitches alone, as given, or looked up one by
 * one because an answer has no order. In the order of their ids, so that the network's own order moves no rule.
 */
export function subnetRanges(scope: Construct, { provider }: AlicloudContext, network: INetwork): string[] {
  const subnets = [...network.subnets].sort((one, other) => (one.id < other.id ? -1 : 1));
  return subnets.map(({ id, cidr }, index) => {
    if (cidr !== undefined) return cidr;
    const found = new DataAlicloudVswitches(scope, `Subnet-${isExpression(id) ? index : id}`, { ids: [id], provider });
    return found.vswitches.get(0).cidrBlock;
  });
}
