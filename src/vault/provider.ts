import type { VaultProvider } from "@cdktf/provider-vault/lib/provider";
import { TerraformProvider, TerraformStack } from "cdktf";
import { IConstruct } from "constructs";
import { ConfigError } from "../errors";
import { VaultStoreSettings } from "../secret-store";
import { stackProvider } from "../stack-provider";
import { isExpression } from "../text";

/** The versions of hashicorp/vault whose arguments the store uses; the binding alone would pin one. */
const VERSIONS = ">= 5, < 6";

/**
 * Sees to it that the stack has a provider of Vault for this store, in the library's version range.
 * @returns the store's namespace as resources name it: relative to the provider's
 * @throws ConfigError when it has none or one with a token, or the store's namespace does not lie in the provider's
 */
export function bindProvider(scope: IConstruct, settings: VaultStoreSettings, provider?: TerraformProvider): string | undefined {
  const used: UsedProvider | undefined = provider ?? stackProvider(scope, "vault");
  ConfigError.throwIfAny(scope, used === undefined ? [noProvider(settings.address)] : providerProblems(used, settings));
  TerraformStack.of(scope).addOverride("terraform.required_providers.vault.version", VERSIONS);
  return relative(used?.namespace, settings.namespace);
}

type UsedProvider = TerraformProvider & Partial<Pick<VaultProvider, "namespace" | "token">>;

function noProvider(address: string): string {
  return (
    `VaultStore: the stack has no provider of Vault without an alias; add this before the gateway: new VaultProvider(this, "vault", { address: ${JSON.stringify(address)} }) ` +
    'with VaultProvider from "@cdktf/provider-vault/lib/provider", or give the store the one with an alias: new VaultStore({ provider, ... })'
  );
}

function providerProblems({ namespace, token }: UsedProvider, settings: VaultStoreSettings): string[] {
  return [...tokenProblems(token), ...namespaceProblems(namespace, settings.namespace)];
}

function tokenProblems(token: string | undefined): string[] {
  if (token === undefined || isExpression(token)) return [];
  return [
    "VaultStore: the stack's VaultProvider has a token, which the synthesized stack would hold; leave it out and set VAULT_TOKEN instead",
  ];
}

function namespaceProblems(ofProvider: string | undefined, ofStore: string | undefined): string[] {
  if (ofProvider === undefined || ofStore === ofProvider || ofStore?.startsWith(`${ofProvider}/`)) return [];
  return [`namespace: ${told(ofStore)} does not lie in that of the stack's VaultProvider, ${JSON.stringify(ofProvider)}`];
}

function told(namespace: string | undefined): string {
  return namespace === undefined ? "none, which is the root," : JSON.stringify(namespace);
}

function relative(ofProvider: string | undefined, ofStore: string | undefined): string | undefined {
  return ofProvider === undefined ? ofStore : ofStore?.slice(ofProvider.length + 1) || undefined;
}
