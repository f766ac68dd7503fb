import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { TerraformProvider } from "cdktf";
import { Construct } from "constructs";
import { oncePerStack } from "../once-per-stack";

/** The account that the gateway lives in. */
export interface AccountProps {
  readonly accountId?: string;
  readonly provider?: TerraformProvider;
}

/** The account's id: the one given, or what one data source of the stack finds. */
export function accountIdOf(scope: Construct, { accountId, provider }: AccountProps): string {
  return (
    accountId ?? oncePerStack(scope, provider, "AwsAccount", (stack, id) => new DataAwsCallerIdentity(stack, id, { provider })).accountId
  );
}

/** "aws", "aws-cn" or "aws-us-gov", as one data source of the stack finds it. */
export function partitionOf(scope: Construct, { provider }: AccountProps): string {
  return oncePerStack(scope, provider, "AwsPartition", (stack, id) => new DataAwsPartition(stack, id, { provider })).partition;
}
