import { TerraformProvider, TerraformStack } from "cdktf";
import { IConstruct } from "constructs";
import { ConfigError } from "../errors";
import { stackProvider } from "../stack-provider";
import { isExpression } from "../text";
import type { AlicloudProvider } from "./bindings/providers/alicloud/provider";
import { AlicloudContext } from "./context";

/**
 * Sees to it that the stack has a provider of Alibaba Cloud for this platform.
 * @throws ConfigError when it has none, or its region is not the platform's
 */
export function checkProvider(scope: IConstruct, { provider, region }: AlicloudContext): void {
  const used: UsedProvider | undefined =
    provider === undefined ? stackProvider(scope, "alicloud") : TerraformStack.of(scope).node.findAll().find(isSame(provider));
  ConfigError.throwIfAny(scope, used === undefined ? [noProvider(region)] : regionProblems(used.region, region));
}

type UsedProvider = TerraformProvider & Partial<Pick<AlicloudProvider, "region">>;

function isSame(provider: TerraformProvider): (construct: IConstruct) => construct is TerraformProvider {
  return (construct): construct is TerraformProvider => construct === provider;
}

function noProvider(region: string): string {
  return (
    `platform: the stack has no Alibaba Cloud provider to use; add \`new AlicloudProvider(this, "alicloud", { region: "${region}" })\`` +
    " (from \"cdktf-ai-gateway/alicloud\"), or give one of the stack's own as the platform's `provider`"
  );
}

function regionProblems(of: string | undefined, region: string): string[] {
  if (of === undefined || of === region || isExpression(of) || isExpression(region)) return [];
  return [`platform: its region is ${JSON.stringify(region)}, but that of the stack's provider is ${JSON.stringify(of)}`];
}
