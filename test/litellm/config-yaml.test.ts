import { parse } from "yaml";
import { Duration, GatewayModelProps } from "../../src";
import { credentialVariable, renderConfig } from "../../src/litellm/config-yaml";
import { gatewayModel, gatewayModelProblems } from "../../src/litellm/gateway-model";
import { EVERYTHING } from "../support/every-provider";

const render = (props: GatewayModelProps) => renderConfig(gatewayModel(props), { bedrockRegion: "eu-central-1", redisTls: true });

interface Config {
  model_list: { model_name: string; litellm_params: Record<string, unknown>; model_info: Record<string, unknown> }[];
  credential_list: { credential_name: string; credential_values: Record<string, string> }[];
  router_settings: Record<string, unknown>;
  litellm_settings: Record<string, unknown>;
  general_settings: Record<string, unknown>;
}
const parsed = (props: GatewayModelProps): Config => parse(render(props).yaml) as Config;

describe("LiteLLM's config", () => {
  it("holds every provider and every routing prop", () => {
    expect(gatewayModelProblems(EVERYTHING)).toEqual([]);
    expect(render(EVERYTHING).yaml).toMatchSnapshot();
  });

  it("is the same text every time", () => {
    expect(render(EVERYTHING).yaml).toBe(render(EVERYTHING).yaml);
  });

  it("reads what only Terraform knows from the environment", () => {
    const { yaml, environment } = render(EVERYTHING);
    expect(environment).toEqual({ AIGW_PAI_FINETUNE_BASE_URL: "${TfToken[TOKEN.3]}/v1" });
    expect(yaml).toContain("api_base: os.environ/AIGW_PAI_FINETUNE_BASE_URL");
    expect(yaml).not.toContain("TfToken");
  });

  it.each(["2024-10-21", "no", "1e3", "0x1f", "012", "12:30:45", "1_000", "3.5"])(
    "is read by YAML 1.1 as it was meant: %s is a text",
    (name) => {
      const { yaml } = render({ providers: { azureOpenai: { endpoint: "https://x.example", apiVersion: name, models: [name] } } });
      const [entry] = (parse(yaml, { version: "1.1" }) as Config).model_list;
      expect(entry).toMatchObject({ model_name: name, litellm_params: { api_version: name } });
    },
  );

  it("names a credential in each deployment that needs a key, and never holds a key", () => {
    const config = parsed(EVERYTHING);
    const credentials = config.credential_list.map((entry) => entry.credential_name);
    for (const { litellm_params: params } of config.model_list) {
      expect(params).not.toHaveProperty("api_key");
      const isKeyless = String(params.model).startsWith("bedrock/") || params.model === "hosted_vllm/local";
      expect(
        isKeyless ? params.litellm_credential_name === undefined : credentials.includes(params.litellm_credential_name as string),
      ).toBe(true);
    }
    const azure = config.credential_list.find((entry) => entry.credential_name === "azureOpenai");
    expect(azure?.credential_values).toEqual({
      tenant_id: "os.environ/AIGW_AZUREOPENAI_TENANT_ID",
      client_id: "os.environ/AIGW_AZUREOPENAI_CLIENT_ID",
      client_secret: "os.environ/AIGW_AZUREOPENAI_CLIENT_SECRET",
    });
    expect(credentialVariable("pai-finetune", "api_key")).toBe("AIGW_PAI_FINETUNE_API_KEY");
  });

  it("ends each list of fallbacks with the general one, and tells them under aliases too", () => {
    const { router_settings: router } = parsed({
      providers: { openai: { models: ["a", "b", "c"] } },
      aliases: { x: "a" },
      routing: { fallbackModel: "c", fallbacks: { a: ["b"] }, contextWindowFallbacks: { a: ["b"] } },
    });
    expect(router).toMatchObject({
      fallbacks: [{ a: ["b", "c"] }, { x: ["b", "c"] }],
      context_window_fallbacks: [{ a: ["b"] }, { x: ["b"] }],
      default_fallbacks: ["c"],
    });
  });

  it("tells every kind of fallback as lists: since 1.108.1 LiteLLM does not start with a text", () => {
    const kinds = { fallbacks: { a: ["b"] }, contextWindowFallbacks: { a: ["b"] }, contentPolicyFallbacks: { a: ["b"] } };
    const props = { providers: { openai: { models: ["a", "b"] } }, aliases: { x: "a" }, routing: { fallbackModel: "b", ...kinds } };
    const { router_settings: router, litellm_settings: litellm } = parsed(props);
    const said = ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"].flatMap((kind) => router[kind] as object[]);
    expect(said.flatMap((entry) => Object.keys(entry))).toEqual(["a", "x", "a", "x", "a", "x"]);
    expect(said.flatMap((entry) => Object.values(entry) as unknown[])).toEqual(Array(6).fill(["b"]));
    expect(router.default_fallbacks).toEqual(["b"]);
    expect(Object.keys(litellm).filter((name) => name.includes("fallback"))).toEqual([]);
  });

  describe("for a release", () => {
    const limited = { providers: { openai: { models: [{ name: "a", rpm: 5 }] } } };
    const checks = (props: GatewayModelProps): unknown => parsed(props).router_settings.optional_pre_call_checks;

    it.each(["1.109.0", "1.110.2", "1.111.0", "2.0.0"])("%s asks for the check that a deployment's limits need", (litellmRelease) => {
      expect(checks({ ...limited, litellmRelease })).toEqual(["enforce_model_rate_limits"]);
      expect(checks({ providers: { openai: { models: [{ name: "a", tpm: 5 }] } }, litellmRelease })).toEqual(["enforce_model_rate_limits"]);
      expect(checks({ providers: ["openai"], litellmRelease })).toBeUndefined();
    });

    it.each([undefined, "1.104.0", "1.106.12", "1.108.20"])("%s asks for none", (litellmRelease) => {
      expect(checks({ ...limited, litellmRelease })).toBeUndefined();
    });
  });

  it("gives each deployment an id of its own", () => {
    const ids = parsed(EVERYTHING).model_list.map((entry) => entry.model_info.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("is hardened by default", () => {
    const config = parsed({ providers: ["openai"] });
    expect(config.general_settings).toMatchObject({
      store_model_in_db: false,
      enforce_fallback_model_access: true,
      fail_closed_rate_limit_enforcement: true,
      fail_closed_budget_enforcement: true,
    });
    expect(config.litellm_settings).toMatchObject({
      global_disable_no_log_param: true,
      turn_off_message_logging: true,
      budget_exceeded_status_code: 429,
    });
    expect(config.litellm_settings).not.toHaveProperty("cache");
    expect(JSON.stringify(config)).not.toContain("completion_model");
    expect(config.router_settings).toMatchObject({ routing_strategy: "simple-shuffle", num_retries: 2, timeout: 600 });
  });

  it("sends DashScope to the site that was asked for", () => {
    const bases = parsed(EVERYTHING)
      .model_list.filter((entry) => String(entry.litellm_params.model).startsWith("dashscope/"))
      .map((entry) => entry.litellm_params.api_base);
    expect(bases).toEqual(["https://dashscope.aliyuncs.com/compatible-mode/v1", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"]);
  });

  it.each([
    ["cost-optimized", "cost-based-routing"],
    ["latency", "latency-based-routing"],
    ["least-busy", "least-busy"],
    ["usage-based-routing-v2", "usage-based-routing-v2"],
  ] as const)("knows the strategy %s", (strategy, litellm) => {
    expect(parsed({ providers: ["openai"], routing: { strategy } }).router_settings.routing_strategy).toBe(litellm);
  });
});

describe("the model", () => {
  it("takes the default model from the provider that is marked", () => {
    expect(gatewayModel(EVERYTHING).defaultModel).toBe("qwen-max");
    expect(gatewayModel({ providers: ["openai"] }).defaultModel).toBeUndefined();
  });

  it("makes the first document's gateway", () => {
    const props: GatewayModelProps = {
      providers: ["openai", "anthropic"],
      rpmLimit: 1000,
      cache: { ttl: Duration.minutes(10) },
      routing: { defaultModel: "gpt-4", fallbackModel: "gpt-3.5-turbo", strategy: "cost-optimized" },
    };
    expect(gatewayModelProblems(props)).toEqual([]);
    expect(parsed(props).router_settings.default_fallbacks).toEqual(["gpt-3.5-turbo"]);
  });

  it("warns of a strategy that has nothing to choose from, and shows how to alias", () => {
    const [warning] = gatewayModel({ providers: { openai: { models: ["a", "b"] } }, routing: { strategy: "cost-optimized" } }).warnings;
    expect(warning).toContain('"cost-optimized" has nothing to choose from');
    expect(warning).toContain('{ name: "a", upstream: "b" }');
    expect(
      gatewayModel({ providers: { openai: { models: ["a", { name: "a", upstream: "b" }] } }, routing: { strategy: "latency" } }).warnings,
    ).toEqual([]);
  });
});
