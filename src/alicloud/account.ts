import { TerraformProvider, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { DataAlicloudAccount } from "./bindings/providers/alicloud/data-alicloud-account";

/** The account that the gateway lives in. */
export interface AccountProps {
  readonly accountId?: string;
  readonly provider?: TerraformProvider;
}

/** The account's id: the one given, or what one data source of the stack finds. */
export function accountIdOf(scope: Construct, { accountId, provider }: AccountProps): string {
  return accountId ?? accountLookup(TerraformStack.of(scope), provider).id;
}

function accountLookup(stack: TerraformStack, provider?: TerraformProvider): DataAlicloudAccount {
  const id = provider === undefined ? "AlicloudAccount" : `AlicloudAccount-${provider.node.id}`;
  const known = stack.node.tryFindChild(id) as DataAlicloudAccount | undefined;
  return known ?? new DataAlicloudAccount(stack, id, { provider });
}
