import type { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { TerraformProvider, TerraformStack } from "cdktf";
import { IConstruct } from "constructs";
import { ConfigError } from "../errors";
import { stackProvider } from "../stack-provider";
import { isExpression } from "../text";
import { AwsContext } from "./context";

/** The versions of hashicorp/aws whose arguments the platform uses; the binding alone would pin one. */
const VERSIONS = ">= 5.100, < 7";

/**
 * Sees to it that the stack has a provider of AWS for this platform, in the library's version range.
 * @throws ConfigError when it has none, or its region is not the platform's
 */
export function bindProvider(scope: IConstruct, { provider, region }: AwsContext): void {
  const used: UsedProvider | undefined = provider ?? stackProvider(scope, "aws");
  ConfigError.throwIfAny(scope, used === undefined ? [noProvider(region)] : regionProblems(used.region, region));
  TerraformStack.of(scope).addOverride("terraform.required_providers.aws.version", VERSIONS);
}

type UsedProvider = TerraformProvider & Partial<Pick<AwsProvider, "region">>;

function noProvider(region: string): string {
  return (
    `platform: the stack has no provider of AWS without an alias; add this before the gateway: new AwsProvider(this, "aws", { region: ${JSON.stringify(region)} }) ` +
    'with AwsProvider from "@cdktf/provider-aws/lib/provider", or give the platform the one with an alias: new AwsPlatform({ provider, ... })'
  );
}

function regionProblems(of: string | undefined, region: string): string[] {
  if (of === undefined || of === region || isExpression(of) || isExpression(region)) return [];
  return [`platform: its region is ${JSON.stringify(region)}, but that of the stack's provider is ${JSON.stringify(of)}`];
}
