import type { MotoCloud } from "./moto-cloud";

/** A synthesized stack, as far as it is rewritten. */
export interface StackJson {
  readonly provider?: { readonly aws?: ProviderBlock | readonly ProviderBlock[] };
}

type ProviderBlock = Readonly<Record<string, unknown>>;

// The signed-in identity of the stack's author means nothing to moto.
const IDENTITY = ["profile", "assume_role", "assume_role_with_web_identity", "shared_credentials_files", "shared_config_files"];

/**
 * The stack with every AWS provider block made to talk to a moto server; regions, aliases and default tags stay.
 * @throws Error when the stack has no AWS provider block
 */
export function targetMoto<T extends StackJson>(stack: T, cloud: MotoCloud): T {
  const given = stack.provider?.aws;
  if (!given) throw new Error("the stack has no AWS provider block that could be made to talk to moto");
  const blocks = Array.isArray(given) ? (given as readonly ProviderBlock[]) : [given as ProviderBlock];
  const rewritten = blocks.map((block) => ({ ...cloud.providerConfig, ...without(block, IDENTITY) }));
  return { ...stack, provider: { ...stack.provider, aws: rewritten } };
}

function without(block: ProviderBlock, names: readonly string[]): ProviderBlock {
  return Object.fromEntries(Object.entries(block).filter(([name]) => !names.includes(name)));
}
