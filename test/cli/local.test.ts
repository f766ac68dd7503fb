import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { cached } from "../../src/cli/local/cache";
import { ownAddresses } from "../../src/cli/local/local";
import { localConfig } from "../../src/cli/local/local-config";
import { priceOf } from "../../src/cli/local/prices";
import { run, Service } from "../../src/cli/local/programs";
import { SecretServer } from "../../src/cli/local/secret-server";
import { StandInProvider } from "../../src/cli/local/stand-in-provider";
import { synthesizedGateway } from "../../src/cli/local/synthesized-gateway";
import { AwsSecretsManager } from "../../src/cli/secrets/aws-secrets-manager";
import { Duration } from "../../src/duration";
import { renderConfig } from "../../src/litellm/config-yaml";
import { gatewayModel } from "../../src/litellm/gateway-model";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "local-"))));
afterEach(() => rmSync(folder, { recursive: true }));

describe("the local config", () => {
  const model = gatewayModel({
    providers: {
      openai: { models: ["gpt-4o"] },
      anthropic: { models: ["claude-opus-4-7"] },
      bedrock: { models: [{ name: "nova", upstream: "amazon.nova-pro-v1:0" }] },
    },
    cache: { ttl: Duration.minutes(1) },
  });
  const { yaml } = renderConfig(model, { bedrockRegion: "eu-central-1", redisTls: true });
  const config = (given: string[], own?: ReadonlyMap<string, string>) => {
    const answering = { given: new Set(given), standIn: "http://127.0.0.1:1", prices: {}, own };
    const { yaml: text, ...who } = localConfig(yaml, answering);
    const { model_list: models, credential_list: credentials } = parse(text) as {
      model_list: { model_name: string; litellm_params: Record<string, string>; model_info: object }[];
      credential_list: { credential_name: string; credential_values: object }[];
    };
    return { text, who, models: Object.fromEntries(models.map((one) => [one.model_name, one])), credentials };
  };

  it("asks a provider with a key itself, and plays the others in a format that they speak", () => {
    const { who, models, credentials } = config(["AIGW_ANTHROPIC_API_KEY"]);
    expect(who).toEqual({ real: ["anthropic"], played: ["openai", "bedrock"], own: [] });
    expect(models["claude-opus-4-7"]!.litellm_params).not.toHaveProperty("api_base");
    expect(models["gpt-4o"]!).toMatchObject({
      litellm_params: { model: "openai/gpt-4o", api_base: "http://127.0.0.1:1/v1", litellm_credential_name: "openai" },
      model_info: { id: "openai-1" },
    });
    expect(models.nova!.litellm_params).toEqual({
      model: "openai/amazon.nova-pro-v1:0",
      api_base: "http://127.0.0.1:1/v1",
      api_key: "none",
    });
    expect(credentials.map(({ credential_values: values }) => values)).toEqual([
      { api_key: "os.environ/AIGW_OPENAI_API_KEY" },
      { api_key: "os.environ/AIGW_ANTHROPIC_API_KEY" },
    ]);
  });

  it("asks one's own address in a provider's place, with a key from the environment or none of the real provider", () => {
    const own = ownAddresses(["openai=http://127.0.0.1:2/v1/", "anthropic=https://messages.example", "bedrock=http://127.0.0.1:3/v1"]);
    const { who, models, credentials } = config(["AIGW_OPENAI_API_KEY", "AIGW_ANTHROPIC_API_KEY"], own);
    expect(who).toEqual({ real: [], played: [], own: ["openai", "anthropic", "bedrock"] });
    const asked = Object.values(models).map(({ litellm_params: params }) => [params.model, params.api_base]);
    expect(asked).toEqual([
      ["openai/gpt-4o", "http://127.0.0.1:2/v1"],
      ["anthropic/claude-opus-4-7", "https://messages.example"],
      ["openai/amazon.nova-pro-v1:0", "http://127.0.0.1:3/v1"],
    ]);
    expect(credentials.map(({ credential_values: values }) => values)).toEqual([
      { api_key: "os.environ/AIGW_OPENAI_API_KEY" },
      { api_key: "os.environ/AIGW_ANTHROPIC_API_KEY" },
    ]);
    expect(config([], ownAddresses(["openai=http://127.0.0.1:2/v1"])).who.played).toEqual(["anthropic", "bedrock"]);
  });

  it("says which provider is meant, and what an address is", () => {
    expect(() => config([], ownAddresses(["opnai=http://127.0.0.1:2"]))).toThrow(
      '--provider: "opnai" is not a provider of this gateway; did you mean "openai"? (known: anthropic, bedrock, openai)',
    );
    for (const wrong of ["openai", "=http://a", "openai=", "openai=127.0.0.1:2", "openai=file:///etc/passwd"]) {
      expect(() => ownAddresses([wrong])).toThrow("--provider takes NAME=URL");
    }
    for (const secret of ["http://u:canary@a/v1", "http://a/v1?key=canary"]) {
      expect(() => ownAddresses([`openai=${secret}`])).toThrow(/^(?!.*canary).*set OPENAI_API_KEY/);
    }
  });

  it("counts costs as a node does, though another provider's format is spoken", () => {
    const priced = gatewayModel({
      providers: {
        azureOpenai: { baseUrl: "https://x.openai.azure.com", models: [{ name: "gpt-4o", deployment: "mine", baseModel: "gpt-4o" }] },
        bedrock: {
          models: [
            { name: "nova", upstream: "eu.amazon.nova-pro-v1:0" },
            { name: "own", upstream: "unknown", price: { inputUsdPerMillionTokens: 1, outputUsdPerMillionTokens: 2 } },
          ],
        },
        dashscope: { models: [{ name: "qwen", upstream: "qwen-max-2026-01-15", baseModel: "qwen-max" }] },
      },
    });
    const entry = (owner: string, cost: number): Record<string, unknown> => ({
      litellm_provider: owner,
      input_cost_per_token: cost,
      cache_read_input_token_cost: cost / 10,
      max_input_tokens: 1000,
      source: "x",
    });
    const prices = {
      "gpt-4o": entry("openai", 9),
      "azure/gpt-4o": entry("azure", 1),
      "qwen-max": entry("openrouter", 9),
      "dashscope/qwen-max": entry("dashscope", 2),
      "amazon.nova-pro-v1:0": entry("bedrock_converse", 9),
      "eu.amazon.nova-pro-v1:0": entry("bedrock_converse", 3),
    };
    const text = renderConfig(priced, { bedrockRegion: "eu-central-1", redisTls: true }).yaml;
    const { model_list: models } = parse(localConfig(text, { given: new Set(), standIn: "http://a", prices }).yaml) as {
      model_list: { model_name: string; model_info: Record<string, unknown>; litellm_params: Record<string, unknown> }[];
    };
    const infos = Object.fromEntries(models.map((one) => [one.model_name, one.model_info]));
    const costs = (cost: number): object => ({
      input_cost_per_token: cost,
      cache_read_input_token_cost: cost / 10,
      max_input_tokens: 1000,
    });
    expect(infos["gpt-4o"]).toEqual({ id: "azureOpenai-1", base_model: "gpt-4o", ...costs(1) });
    expect(infos.qwen).toEqual({ id: "dashscope-1", base_model: "qwen-max", ...costs(2) });
    expect(infos.nova).toEqual({ id: "bedrock-1", ...costs(3) });
    expect(infos.own).toEqual({ id: "bedrock-2" });
    expect(models.find((one) => one.model_name === "own")!.litellm_params).toMatchObject({ input_cost_per_token: 1e-6 });
    expect(priceOf(prices, "bedrock/us.amazon.nova-pro-v1:0", undefined)).toMatchObject({ input_cost_per_token: 9 });
    expect(priceOf(prices, "hosted_vllm/qwen-max", undefined)).toBeUndefined();
    expect(priceOf(prices, "hosted_vllm/mine", "dashscope/qwen-max")).toMatchObject({ input_cost_per_token: 2 });
  });

  it("speaks to Redis without TLS and keeps the rest", () => {
    const { text } = config([]);
    expect(text).not.toContain("ssl: true");
    expect(text.match(/ssl: false/g)).toHaveLength(yaml.match(/ssl: true/g)!.length);
    expect((parse(text) as { router_settings: object }).router_settings).toMatchObject({ routing_strategy: "simple-shuffle" });
  });
});

describe("the choice of a gateway", () => {
  it("says what to do where nothing is synthesized", () => {
    expect(() => synthesizedGateway(folder, undefined, undefined)).toThrow("holds no stack; synthesize first");
    mkdirSync(join(folder, "stacks", "one", "assets"), { recursive: true });
    writeFileSync(join(folder, "stacks", "one", "cdk.tf.json"), "{}");
    expect(() => synthesizedGateway(folder, undefined, undefined)).toThrow("the stack one holds no gateway");
    expect(() => synthesizedGateway(folder, "two", undefined)).toThrow("or name one of: one");
  });

  /** A stack with clusters and their agents, whose constructs stand side by side. */
  function stackOf(name: string, gateways: Record<string, { cluster: string; keys: string }>): void {
    const stack = join(folder, "stacks", name);
    const put = (path: string, text: string): void => {
      mkdirSync(dirname(join(stack, path)), { recursive: true });
      writeFileSync(join(stack, path), text);
    };
    mkdirSync(join(stack, "assets"), { recursive: true });
    const locals = Object.entries(gateways).flatMap(([gateway, { cluster, keys }]) => {
      const agents = `assets/${keys}_DesiredState_00000000/hash/agents.json`;
      put(`assets/${cluster}_Bundle_00000000/hash/bundle.tar`, gateway);
      put(agents, JSON.stringify({ version: 1, routes: [], groups: [], agents: [{ name: `agent-of-${gateway}` }] }));
      return [
        [`${cluster}_Settings_00000000`, { name: gateway }],
        [`Secrets-${gateway}_Document_00000000`, { gateway, stores: {} }],
        [`${keys}_Keys_00000000`, { gateway, desiredState: agents }],
      ].map(([id, value]): [string, string] => [id as string, JSON.stringify(value)]);
    });
    put("cdk.tf.json", JSON.stringify({ locals: Object.fromEntries(locals) }));
  }

  it("takes the agents and the bundle of that gateway, whatever other ids begin like its own", () => {
    stackOf("both", {
      one: { cluster: "gateway", keys: "gateway_agents" },
      two: { cluster: "gateway_agents", keys: "keys" },
      three: { cluster: "gate", keys: "gateway_agents_more" },
    });
    for (const name of ["one", "two", "three"]) {
      const { bundle, desired } = synthesizedGateway(folder, "both", name);
      expect([Buffer.from(bundle).toString(), desired.agents.map((agent) => agent.name)]).toEqual([name, [`agent-of-${name}`]]);
    }
  });

  it("asks for it where several stacks hold a gateway, and only there", () => {
    stackOf("network", {});
    stackOf("blue", { blue: { cluster: "c", keys: "k" } });
    expect(synthesizedGateway(folder, undefined, undefined).stack).toBe("blue");
    stackOf("green", { green: { cluster: "c", keys: "k" } });
    expect(() => synthesizedGateway(folder, undefined, undefined)).toThrow(
      `choose one of the stacks of ${folder}: cdktf-ai-gateway local STACK (blue, green)`,
    );
    expect(synthesizedGateway(folder, undefined, "green").stack).toBe("green");
    expect(() => synthesizedGateway(folder, undefined, "red")).toThrow("local STACK (blue, green, network)");
  });
});

describe("the stand-in provider", () => {
  let provider: StandInProvider;
  let url: string;
  beforeEach(async () => {
    provider = new StandInProvider();
    url = await provider.start();
  });
  afterEach(() => provider.stop());
  const ask = (path: string, body: object): Promise<Response> =>
    fetch(url + path, { method: "POST", headers: { authorization: "Bearer the-key" }, body: JSON.stringify(body) });
  const messages = [{ role: "user", content: "hello" }];

  it("answers in each format, with a usage", async () => {
    for (const path of ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"]) {
      const reply = await ask(path, { model: "m", messages, input: "hello" });
      expect(await reply.json()).toMatchObject({ usage: expect.any(Object) as object });
    }
    expect(provider.calls[0]).toEqual({ key: "the-key", model: "m" });
    expect((await ask("/v1/files", {})).status).toBe(404);
  });

  it("streams in both formats", async () => {
    const openai = await (await ask("/v1/chat/completions", { model: "m", messages, stream: true })).text();
    expect(openai.trimEnd().split("\n\n").at(-1)).toBe("data: [DONE]");
    const anthropic = await (await ask("/v1/messages", { model: "m", messages, stream: true })).text();
    expect(anthropic).toMatch(/^event: message_start\n[^]*event: message_stop\n/);
  });
});

describe("the local store", () => {
  const store = new SecretServer();
  let url: string;
  beforeAll(async () => (url = await store.start()));
  afterAll(() => store.stop());

  it("answers only who has its access key", async () => {
    store.set("a", "value");
    const ask = async (key: string, name: string): Promise<unknown> =>
      (
        await fetch(url, {
          method: "POST",
          headers: {
            authorization: `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/secretsmanager/aws4_request`,
            "x-amz-target": "secretsmanager.GetSecretValue",
          },
          body: JSON.stringify({ SecretId: name, VersionStage: "AWSCURRENT" }),
        })
      ).json();
    expect(await ask(store.accessKey, "a")).toMatchObject({ SecretString: "value" });
    expect(await ask(store.accessKey, "b")).toEqual({ __type: "ResourceNotFoundException" });
    expect(await ask("other", "a")).toEqual({ __type: "UnrecognizedClientException" });
  });

  it("is to the command what Secrets Manager is: versions, the first one once, the way back, the end of the previous", async () => {
    const environment = { ...process.env };
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
      AWS_ACCESS_KEY_ID: store.accessKey,
      AWS_SECRET_ACCESS_KEY: store.accessKey,
    });
    const client = new AwsSecretsManager("eu-central-1", { gateway: "gw" });
    const secret = { name: "gw/agents/a", purpose: "the key of agent a", fields: [] };
    const texts = async (): Promise<unknown[]> =>
      Promise.all((["current", "previous"] as const).map(async (stage) => (await client.read(secret, stage))?.text));
    expect([await client.versions(secret), await texts()]).toEqual([undefined, [undefined, undefined]]);
    expect([await client.putFirst(secret, "one"), await client.putFirst(secret, "another")]).toEqual([true, false]);
    await client.put(secret, "two");
    expect(await texts()).toEqual(["two", "one"]);
    await client.restorePrevious(secret);
    expect(await texts()).toEqual(["one", "two"]);
    await client.dropPrevious(secret);
    expect([await texts(), (await client.versions(secret))!.map(({ stage }) => stage)]).toEqual([
      ["one", undefined],
      ["current", undefined],
    ]);
    process.env = environment;
  });
});

describe("programs", () => {
  it("fail with their last words", async () => {
    await expect(run("sh", ["-c", "echo because >&2; exit 3"])).rejects.toThrow("because");
    await expect(run("no-such-program", [])).rejects.toThrow("ENOENT");
  });

  it("are ended with all that they have started, also when they do not listen", async () => {
    const log = join(folder, "log");
    const service = new Service("it", "sh", ["-c", "trap '' TERM; sleep 60 & echo $!; wait; sleep 60"], log);
    let child = 0;
    await service.until(() => Promise.resolve(existsSync(log) && (child = Number(readFileSync(log, "utf8"))) > 0), 5);
    await service.stop("SIGTERM", 0.2);
    expect(isRunning(child)).toBe(false);
  });

  it("tell why they ended while something waits for them", async () => {
    const service = new Service("it", "sh", ["-c", "echo reason; exit 1"], join(folder, "log"));
    await expect(service.until(() => Promise.resolve(false), 5)).rejects.toThrow(/it ended with exit code 1:\nreason/);
  });

  it("tell that they died, how, and with which last words; not when they were stopped", async () => {
    const killed = new Service("it", "sh", ["-c", "echo last words; kill -SEGV $$"], join(folder, "killed"));
    expect(await killed.died).toBe("it ended by SIGSEGV:\nlast words");
    await killed.stop("SIGTERM", 1);
    const stopped = new Service("it", "sleep", ["60"], join(folder, "stopped"));
    await stopped.stop("SIGTERM", 1);
    const later = new Promise((resolve) => setTimeout(() => resolve("nothing"), 400));
    expect(await Promise.race([stopped.died, later])).toBe("nothing");
  });
});

it("a cached folder is made once, and half of one never stays", async () => {
  process.env.XDG_CACHE_HOME = folder;
  try {
    await expect(cached("x", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(existsSync(join(folder, "cdktf-ai-gateway", "x"))).toBe(false);
    let times = 0;
    const make = (): Promise<void> => Promise.resolve(void (times += 1));
    const both = await Promise.all([cached("x", make), cached("x", make)]);
    expect(new Set(both).size).toBe(1);
    await cached("x", make);
    expect(times).toBeLessThanOrEqual(2);
  } finally {
    delete process.env.XDG_CACHE_HOME;
  }
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
