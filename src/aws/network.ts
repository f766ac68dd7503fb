import { DataAwsVpc } from "@cdktf/provider-aws/lib/data-aws-vpc";
import { Construct } from "constructs";
import { INetwork } from "../network";
import { AwsContext } from "./context";

/** The network's address range: the one given, or the VPC's primary one, looked up once for each construct that asks. */
export function networkCidr(scope: Construct, { provider }: AwsContext, network: INetwork): string {
  if (network.cidr !== undefined) return network.cidr;
  const known = scope.node.tryFindChild("Vpc") as DataAwsVpc | undefined;
  return (known ?? new DataAwsVpc(scope, "Vpc", { id: network.vpcId, provider })).cidrBlock;
}
