import { VaultProvider, VaultProviderConfig } from "@cdktf/provider-vault/lib/provider";
import { TerraformStack, Testing } from "cdktf";
import { VaultAuth, VaultStore, VaultStoreProps } from "../../src/vault";
import { CloudName, minimalProps, newStack } from "../support/gateways";
import { AiGateway, AiGatewayProps } from "cdktf-ai-gateway";

export const ADDRESS = "https://vault.corp.example:8200";

/** A resource of a synthesized stack. */
export type Resource = Readonly<Record<string, unknown>>;

/** What the synthesized stack says of Vault. */
export interface VaultJson {
  readonly terraform: { readonly required_providers: Readonly<Record<string, { readonly version: string }>> };
  readonly resource: Readonly<Record<string, Readonly<Record<string, Resource>>>>;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A store in Vault, for a gateway on this cloud. */
export function storeFor(cloud: CloudName, props: Partial<VaultStoreProps> = {}): VaultStore {
  return new VaultStore({ address: ADDRESS, auth: VaultAuth[cloud](), ...props });
}

/** A stack with the providers of a cloud and of Vault. */
export function vaultStack(cloud: CloudName, provider: Partial<VaultProviderConfig> = {}): TerraformStack {
  const stack = newStack(cloud);
  new VaultProvider(stack, "vault", { address: ADDRESS, ...provider });
  return stack;
}

/** A gateway with all of its secrets in Vault, unless the props say otherwise. */
export function gatewayIn(stack: TerraformStack, cloud: CloudName, props: Partial<AiGatewayProps> = {}, id = "gateway"): AiGateway {
  return new AiGateway(stack, id, { ...minimalProps(cloud), secretStore: storeFor(cloud), ...props });
}

/** The stack as it is synthesized. */
export function synthesized(stack: TerraformStack): VaultJson {
  return JSON.parse(Testing.synth(stack)) as VaultJson;
}

/** The resources of a type, without what cdktf writes beside them. */
export function resources(stack: TerraformStack, type: string): Resource[] {
  const found = Object.values(synthesized(stack).resource[type] ?? {});
  return found.map((resource) => Object.fromEntries(Object.entries(resource).filter(([name]) => name !== "//")));
}
