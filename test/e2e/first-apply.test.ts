import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VaultProvider } from "@cdktf/provider-vault/lib/provider";
import { App, TerraformStack } from "cdktf";
import { COMMAND_FILE } from "../../src/node/command";
import { minimalProps, newStack } from "../support/gateways";
import { MotoCloud, StackJson, startMoto, targetMoto } from "../support/moto";
import { jsonAws } from "../support/moto/aws-request";
import { runnerOnKms, runnerOnMoto } from "../support/runner";
import { KmsDouble } from "../support/secret-stores/alicloud-kms";
import { VaultDouble } from "../support/secret-stores/vault";
import { SimulatedProviders, startSimulatedProviders } from "../support/simulated-provider";
import { Terraform } from "../support/terraform";
import { awsPluginDir } from "../support/toolchain";
import { GatewayRole, LlmSecrets, SecretStore } from "cdktf-ai-gateway";
import { VaultAuth, VaultStore } from "cdktf-ai-gateway/vault";

const ROOT = join(__dirname, "..", "..");
const NULL = { source: "hashicorp/null", file: join(ROOT, "test", "support", "simulated-provider", "null.schema.json") };
const ALICLOUD = { source: "aliyun/alicloud", file: join(ROOT, "schema", "alicloud.schema.json") };
const VAULT = { source: "hashicorp/vault", file: join(ROOT, "test", "support", "simulated-provider", "vault.schema.json") };
/** Of no Vault: the double's takes its place once the stack is there, since a store's address is https. */
const VAULT_ADDRESS = "https://vault.corp.example:8200";

const canary = (): string => `sk-${randomBytes(24).toString("hex")}`;

/** A store that answers, and all that an apply and the command need to enter it. */
interface LiveStore {
  readonly environment: Record<string, string>;
  /** What makes the store refuse, or not be there, for who applies. */
  readonly shut: Record<string, string>;
  readonly pluginDir?: string;
  readonly target?: (json: StackJson) => StackJson;
  readonly valueOf: (name: string) => Promise<string | undefined>;
  readonly stop: () => Promise<unknown>;
}

interface TestedStore {
  readonly cloud: "aws" | "alicloud";
  readonly schemas: readonly { readonly source: string; readonly file: string }[];
  readonly secretStore?: (stack: TerraformStack) => SecretStore;
  readonly start: (providers: SimulatedProviders) => Promise<LiveStore>;
}

const STORES: Readonly<Record<string, TestedStore>> = {
  "Secrets Manager": {
    cloud: "aws",
    schemas: [NULL],
    start: async () => {
      const moto = await startMoto();
      return {
        environment: runnerOnMoto(moto),
        // Nothing listens there; moto would take any credentials.
        shut: { AWS_ENDPOINT_URL: "http://127.0.0.1:1" },
        pluginDir: awsPluginDir(),
        target: (json) => targetMoto(json, moto),
        valueOf: (name) => awsValue(moto, name),
        stop: () => moto.stop(),
      };
    },
  },
  KMS: {
    cloud: "alicloud",
    schemas: [NULL, ALICLOUD],
    start: async (providers) => {
      const kms = new KmsDouble();
      await kms.start();
      return {
        environment: runnerOnKms(kms, providers.cloud(ALICLOUD.source)),
        shut: { ALIBABA_CLOUD_ACCESS_KEY_SECRET: canary() },
        valueOf: (name) => Promise.resolve(kms.text(name)),
        stop: () => kms.stop(),
      };
    },
  },
  Vault: {
    cloud: "alicloud",
    schemas: [NULL, ALICLOUD, VAULT],
    secretStore: (stack) => {
      new VaultProvider(stack, "vault", { address: VAULT_ADDRESS });
      return new VaultStore({ address: VAULT_ADDRESS, auth: VaultAuth.alicloud() });
    },
    start: async () => {
      const vault = new VaultDouble();
      await vault.start();
      return {
        environment: { VAULT_TOKEN: vault.token },
        shut: { VAULT_TOKEN: canary() },
        target: (json) => JSON.parse(JSON.stringify(json).replaceAll(VAULT_ADDRESS, vault.url)) as StackJson,
        valueOf: (name) => Promise.resolve(vault.fields(name)?.value as string | undefined),
        stop: () => vault.stop(),
      };
    },
  },
};

async function awsValue(moto: MotoCloud, name: string): Promise<string | undefined> {
  const asked = { SecretId: name, VersionStage: "AWSCURRENT" };
  const reply = await jsonAws(moto.signer("secretsmanager"), "secretsmanager.GetSecretValue", asked).catch(() => undefined);
  return (reply as { SecretString: string } | undefined)?.SecretString;
}

/** From nothing to a gateway whose secrets are all there: each step needs the one before. */
describe.each(Object.entries(STORES))("a first apply, with the secrets in %s", (_, { cloud, schemas, secretStore, start }) => {
  const folder = mkdtempSync(join(tmpdir(), "first-apply-"));
  const [before, after] = [canary(), canary()];
  let providers: SimulatedProviders;
  let store: LiveStore;
  let terraform: Terraform;

  beforeAll(async () => {
    providers = await startSimulatedProviders({ directory: join(folder, "clouds"), schemas });
    store = await start(providers);
    const { target = (json: StackJson) => json, pluginDir } = store;
    const stackFile = synthesize();
    writeFileSync(stackFile, JSON.stringify(target(JSON.parse(readFileSync(stackFile, "utf8")) as StackJson)));
    // Where no node_modules are, as on a runner that has the synthesized folder only.
    terraform = await Terraform.ofFolder(join(folder, "cdktf.out", "stacks", "stack"), {
      pluginDir,
      env: { ...providers.environment, ...store.environment, ...store.shut },
    });
    cpSync(COMMAND_FILE, join(folder, "cli.js"));
    await terraform.init();
  });
  afterAll(async () => {
    await terraform.dispose();
    await Promise.all([providers.stop(), store.stop()]);
    rmSync(folder, { recursive: true });
  });

  function synthesize(): string {
    const app = new App({ outdir: join(folder, "cdktf.out") });
    const stack = newStack(cloud, app);
    const { platform, name, database, redis } = minimalProps(cloud);
    const models = { openai: { models: ["gpt-4o"] }, anthropic: { models: ["claude-opus-4-7"] } };
    const own = new LlmSecrets(stack, "secrets", { platform, name, providers: models, database, redis, secretStore: secretStore?.(stack) });
    new GatewayRole(stack, "role", { platform, name, secrets: own });
    app.synth();
    return join(folder, "cdktf.out", "stacks", "stack", "cdk.tf.json");
  }

  /** Runs the command as a person does who has the synthesized folder. */
  function secrets(words: readonly string[], input = ""): Promise<{ code: number; said: string }> {
    const env = { PATH: process.env.PATH, HOME: folder, ...store.environment };
    return new Promise((done) => {
      const child = execFile(process.execPath, ["cli.js", "secrets", ...words], { cwd: folder, env }, (error, stdout, stderr) =>
        done({ code: (error?.code as number | undefined) ?? 0, said: stdout + stderr }),
      );
      child.stdin!.end(input);
    });
  }

  it("takes a value before there is anything", async () => {
    const put = await secrets(["put", "openai"], before);
    expect(put).toEqual({ code: 0, said: expect.not.stringContaining(before) as string });
    expect(await store.valueOf("gateway/openai")).toBe(before);
  });

  it("fails where the store can not be entered, and says of which secrets; the next one finishes", async () => {
    await expect(terraform.apply()).rejects.toThrow(/gateway\/master-key: /);
    const [failed, env] = [terraform, { ...providers.environment, ...store.environment }];
    terraform = await Terraform.ofFolder(failed.folder, { pluginDir: store.pluginDir, env });
    await failed.dispose();
  });

  it("mints what is the gateway's own, keeps what was put, and tells what is missing and how to put it", async () => {
    const { stdout } = await terraform.apply();
    expect(stdout).toContain("gateway/master-key: minted");
    expect(stdout).toContain("3 of 6 secrets have no value yet; put each");
    for (const name of ["anthropic", "database", "redis"]) expect(stdout).toContain(`cdktf-ai-gateway secrets put gateway/${name} < FILE`);
    expect(await store.valueOf("gateway/openai")).toBe(before);
    expect(await store.valueOf("gateway/master-key")).toMatch(/^sk-[0-9a-f]{48}$/);
    expect(await store.valueOf("gateway/salt-key")).toMatch(/^sk-[0-9a-f]{48}$/);
    expect(stdout).not.toContain(await store.valueOf("gateway/master-key"));
  });

  it("is all that is to be done: a second plan is empty", async () => {
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  it("says within seconds that values are missing", async () => {
    const started = Date.now();
    const { code, said } = await secrets(["ensure"]);
    expect(code).toBe(3);
    expect(said).toContain("cdktf-ai-gateway secrets put gateway/anthropic < FILE");
    expect(Date.now() - started).toBeLessThan(60_000);
  });

  it("takes values after it, and then nothing is missing, minted anew or to be applied", async () => {
    const minted = await store.valueOf("gateway/salt-key");
    expect((await secrets(["put", "anthropic"], after)).code).toBe(0);
    for (const name of ["database", "redis"]) expect((await secrets(["put", name], canary())).code).toBe(0);
    expect(await secrets(["ensure"])).toEqual({ code: 0, said: "gateway: all 6 secrets have a value\n" });
    expect(await store.valueOf("gateway/anthropic")).toBe(after);
    expect(await store.valueOf("gateway/salt-key")).toBe(minted);
    expect((await terraform.plan()).hasChanges).toBe(false);
  });
});
