import { randomBytes } from "node:crypto";
import { CLOUDS, gatewayIn, minimalProps, newStack } from "./support/gateways";
import { AgentQuotaKeys, AiGatewayProps, Database, LlmSecrets } from "cdktf-ai-gateway";

const hex = (bytes = 24) => randomBytes(bytes).toString("hex");
/** Made now: no key-shaped text stands in a file. */
const VALUES: Record<string, string> = {
  "OpenAI, DeepSeek, LiteLLM": `sk-${hex()}`,
  Anthropic: `sk-ant-api03-${hex()}`,
  Google: `AIza${hex()}`,
  AWS: `AKIA${hex(8).toUpperCase()}`,
  "Alibaba Cloud": `LTAI${hex(10)}`,
  GitHub: `ghp_${hex(18)}`,
  Vault: `hvs.${hex()}`,
  "a JWT": `eyJ${hex(8)}.eyJ${hex(8)}.${hex()}`,
  "a private key": `-----BEGIN PRIVATE KEY-----\n${hex()}`,
  "a password in an address": `postgresql://litellm:${hex(6)}@db.corp.example/litellm`,
};
const untyped = (props: object) => props as Partial<AiGatewayProps>;

function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was taken");
}

describe.each(Object.entries(VALUES))("a value of %s that is handed over as a prop", (_, value) => {
  test.each<[string, Partial<AiGatewayProps>]>([
    ["providers.openai.secretName", { providers: { openai: { secretName: value } } }],
    ["providers.openai.apiKey", untyped({ providers: { openai: { apiKey: value } } })],
    ["providers.openai.models[0]", { providers: { openai: { models: [value] } } }],
    ["providers.openai.baseUrl", { providers: { openai: { baseUrl: value } } }],
    ["database.host", { database: Database.fromEndpoint({ host: value }) }],
    ["agents.research.models[0]", { agents: { research: { models: [value] } } }],
    ["apiKeys.openai", untyped({ apiKeys: { openai: value } })],
  ])("is refused by the name of the prop: %s", (prop, props) => {
    const message = refusal(() => gatewayIn("aws", props));
    expect(message).toContain(`- ${prop}: looks like a secret's value`);
    expect(message).toContain("cdktf-ai-gateway secrets put NAME");
    expect(message).not.toContain(value);
  });

  test("is refused where a construct is used alone", () => {
    const { platform, name } = minimalProps("aws");
    const secrets = () => new LlmSecrets(newStack("aws"), "secrets", { platform, name, providers: { openai: { secretName: value } } });
    expect(refusal(secrets)).not.toContain(value);
    const { gateway, stack } = gatewayIn("aws");
    const { cluster, secrets: known } = gateway;
    const agents = { [value]: { qpm: 1 } };
    expect(refusal(() => new AgentQuotaKeys(stack, "keys", { cluster, secrets: known, agents }))).not.toContain(value);
  });
});

test.each(["apiKey", "masterKey", "password", "authToken"])("who looks for a prop %s learns where values go", (prop) => {
  const message = refusal(() => gatewayIn("aws", untyped({ providers: { openai: { [prop]: "x" } } })));
  expect(message).toContain("no prop takes a secret's value: put it into the store with cdktf-ai-gateway secrets put NAME");
});

test.each(Object.keys(CLOUDS) as (keyof typeof CLOUDS)[])("names, addresses and references are no values on %s", (cloud) => {
  expect(() =>
    gatewayIn(cloud, {
      providers: {
        openai: { secretName: "sk-team/openai", baseUrl: "https://sk-gateway.corp.example:8443/v1" },
        "sk-provider": {
          kind: "openai-compatible",
          baseUrl: "https://${var.host}:8443",
          models: ["sk-model-of-a-friendly-name"],
        },
      },
    }),
  ).not.toThrow();
});
