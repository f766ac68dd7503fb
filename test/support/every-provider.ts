import { AzureAuth, Duration, GatewayModelProps } from "../../src";

/** Every kind of provider, every routing prop. */
export const EVERYTHING: GatewayModelProps = {
  providers: {
    openai: { models: ["gpt-4o", { name: "gpt-4o-mini", weight: 3, order: 1, rpm: 10, tpm: 1000 }], rpmLimit: 500 },
    anthropic: {},
    azureOpenai: {
      endpoint: "https://corp.openai.azure.com",
      auth: AzureAuth.servicePrincipal(),
      models: [{ name: "gpt-4o", deployment: "gpt-4o-prod", baseModel: "azure/gpt-4o" }],
    },
    bedrock: { models: [{ name: "nova", upstream: "eu.amazon.nova-pro-v1:0" }] },
    cohere: { models: ["command-a-03-2025", "rerank-v3.5"] },
    dashscope: { models: ["qwen-max"], default: true },
    "dashscope-intl": { kind: "dashscope", site: "international", models: ["qwen-plus"] },
    deepseek: {},
    moonshot: { site: "mainland" },
    zhipu: {},
    "pai-finetune": {
      kind: "openai-compatible",
      baseUrl: "${TfToken[TOKEN.3]}/v1",
      models: [{ name: "support", contextWindow: 32_768, price: { inputUsdPerMillionTokens: 0.2, outputUsdPerMillionTokens: 0.6 } }],
    },
    vllm: { kind: "openai-compatible", baseUrl: "http://10.0.1.5:8000/v1", keyless: true, models: ["local"] },
  },
  aliases: { "gpt-4": "gpt-4o" },
  routing: {
    strategy: "latency",
    fallbackModel: "qwen-plus",
    fallbacks: { "gpt-4o": ["claude-opus-4-7", "qwen-max"] },
    contextWindowFallbacks: { local: ["gpt-4o"] },
    contentPolicyFallbacks: { "qwen-max": ["deepseek-chat"] },
    retries: 1,
    timeout: Duration.minutes(5),
    allowedFails: 5,
    cooldown: Duration.seconds(60),
  },
  cache: { ttl: Duration.minutes(10) },
  timezone: "Asia/Shanghai",
};
