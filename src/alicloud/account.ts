import { TerraformProvider } from "cdktf";
import { Construct } from "constructs";
import { oncePerStack } from "../once-per-stack";
import { DataAlicloudAccount } from "./bindings/providers/alicloud/data-alicloud-account";

/** The account that the gateway lives in. */
export interface AccountProps {
  readonly accountId?: string;
  readonly provider?: TerraformProvider;
}

/** The account's id: the one given, or what one data source of the stack finds. */
export function accountIdOf(scope: Construct, { accountId, provider }: AccountProps): string {
  return accountId ?? oncePerStack(scope, provider, "AlicloudAccount", (stack, id) => new DataAlicloudAccount(stack, id, { provider })).id;
}
