/** The kinds of provider that a gateway can put behind itself. */
export type ProviderKind =
  "openai" | "anthropic" | "azureOpenai" | "bedrock" | "cohere" | "dashscope" | "deepseek" | "moonshot" | "zhipu" | "openai-compatible";

/** Which of a provider's two separate services, each with accounts and keys of its own. */
export type ProviderSite = "mainland" | "international";

/** What we know of a kind of provider. */
export interface ProviderKindFacts {
  /** What LiteLLM puts before the upstream model's name. */
  readonly prefix: string;
  /** The fields of its credential, in LiteLLM's words; none: the node's role is the credential. */
  readonly credentialFields: readonly string[];
  /** The models of a provider that names none; none: they are the user's own (deployments) and must be named. */
  readonly catalogue: readonly string[];
  /** The base URL by site, where LiteLLM's own default would not do; the first one is the default. */
  readonly sites?: Partial<Record<ProviderSite, string>>;
}

/** Prefixes, keys and hosts are LiteLLM 1.106's; Zhipu's mainland host is documented by the vendor, not by LiteLLM. */
export const PROVIDER_KINDS: Readonly<Record<ProviderKind, ProviderKindFacts>> = {
  openai: {
    prefix: "openai/",
    credentialFields: ["api_key"],
    catalogue: ["gpt-4o", "gpt-4o-mini", "gpt-4", "gpt-3.5-turbo"],
  },
  anthropic: {
    prefix: "anthropic/",
    credentialFields: ["api_key"],
    catalogue: ["claude-opus-4-7", "claude-sonnet-4-5", "claude-haiku-4-5"],
  },
  azureOpenai: { prefix: "azure/", credentialFields: ["api_key"], catalogue: [] },
  bedrock: { prefix: "bedrock/", credentialFields: [], catalogue: ["amazon.nova-pro-v1:0", "amazon.nova-lite-v1:0"] },
  cohere: {
    prefix: "cohere_chat/",
    credentialFields: ["api_key"],
    catalogue: ["command-a-03-2025", "rerank-v3.5"],
  },
  dashscope: {
    prefix: "dashscope/",
    credentialFields: ["api_key"],
    catalogue: ["qwen-max", "qwen-plus", "qwen-turbo"],
    sites: {
      mainland: "https://dashscope.aliyuncs.com/compatible-mode/v1",
      international: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    },
  },
  deepseek: { prefix: "deepseek/", credentialFields: ["api_key"], catalogue: ["deepseek-chat", "deepseek-reasoner"] },
  moonshot: {
    prefix: "moonshot/",
    credentialFields: ["api_key"],
    catalogue: ["kimi-k2.5", "moonshot-v1-128k"],
    sites: { international: "https://api.moonshot.ai/v1", mainland: "https://api.moonshot.cn/v1" },
  },
  zhipu: {
    prefix: "zai/",
    credentialFields: ["api_key"],
    catalogue: ["glm-4.6", "glm-4.5"],
    sites: { international: "https://api.z.ai/api/paas/v4", mainland: "https://open.bigmodel.cn/api/paas/v4" },
  },
  "openai-compatible": { prefix: "hosted_vllm/", credentialFields: ["api_key"], catalogue: [] },
};

/** Cohere's rerank models are reached under another prefix than its chat models. */
export function upstreamPrefix(kind: ProviderKind, upstream: string): string {
  return kind === "cohere" && upstream.startsWith("rerank-") ? "cohere/" : PROVIDER_KINDS[kind].prefix;
}
