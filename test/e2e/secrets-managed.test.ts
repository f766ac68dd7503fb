import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { newStack } from "../support/gateways";
import { canary } from "../support/secret-stores/tested-stores";
import { SimulatedProviders } from "../support/simulated-provider";
import { rewriteStack, simulate, withoutProtection } from "../support/stacks";
import { Terraform } from "../support/terraform";
import { EncryptionKey, LlmSecrets, LlmSecretsProps } from "cdktf-ai-gateway";
import { AlicloudPlatform, AlicloudPlatformProps } from "cdktf-ai-gateway/alicloud";

const ALICLOUD = "aliyun/alicloud";
const INSTANCE = "kst-szz65f0123456789";

/** What differs from case to case. */
interface Case {
  readonly platform?: Partial<AlicloudPlatformProps>;
  readonly secrets?: Partial<LlmSecretsProps>;
}

let providers: SimulatedProviders;
let terraform: Terraform;
/** As in a pipeline: no value is in an argument. */
let environment: Record<string, string>;
const folders: string[] = [];

beforeEach(async () => {
  providers = await simulate(ALICLOUD);
  environment = { ...providers.environment, TF_VAR_gateway_openai: canary() };
});
afterEach(async () => {
  await terraform.dispose();
  await providers.stop();
  folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true }));
});

/** The folder of a stack that has a gateway's secrets, made by Terraform. */
function synthesized({ platform, secrets }: Case = {}): string {
  const outdir = mkdtempSync(join(tmpdir(), "managed-"));
  folders.push(outdir);
  const app = new App({ outdir });
  const stack = newStack("alicloud", app);
  new LlmSecrets(stack, "secrets", {
    platform: new AlicloudPlatform({
      region: "cn-shanghai",
      accountId: "1234567890123456",
      ...platform,
      secrets: { management: "terraform", ...platform?.secrets },
    }),
    name: "gateway",
    providers: { openai: { models: ["gpt-4o"] } },
    // The values are Terraform's, and nothing is minted beside them.
    mintSecrets: "none",
    ...secrets,
  });
  app.synth();
  return join(outdir, "stacks", "stack");
}

async function start(given: Case = {}): Promise<void> {
  terraform = await Terraform.ofFolder(synthesized(given), { env: environment });
  await terraform.init();
}

/** As if the program had been changed. */
async function become(given: Case): Promise<void> {
  await rewriteStack(terraform, () => readFileSync(join(synthesized(given), "cdk.tf.json"), "utf8"));
}

const secret = () => providers.cloud(ALICLOUD).list("alicloud_kms_secret")[0]?.attributes;
const version = (openai: string): Case => ({ platform: { secrets: { management: "terraform", versionIds: { openai } } } });

describe("secrets that Terraform makes in KMS", () => {
  it("have their values from variables, which the state holds as sensitive, and a second plan is empty", async () => {
    await start();
    const { stdout } = await terraform.apply();
    const value = environment.TF_VAR_gateway_openai!;
    expect(secret()).toMatchObject({ secret_name: "gateway/openai", secret_data: value, version_id: "v1", recovery_window_in_days: 30 });
    expect(stdout).not.toContain(value);
    const state = JSON.parse(readFileSync(join(terraform.folder, "terraform.tfstate"), "utf8")) as {
      resources: { type: string; instances: { attributes: Record<string, unknown>; sensitive_attributes: { value: string }[][] }[] }[];
    };
    const [kept] = state.resources.find(({ type }) => type === "alicloud_kms_secret")!.instances;
    // The cost of it, of which synthesis warns.
    expect(kept!.attributes.secret_data).toBe(value);
    expect(kept!.sensitive_attributes.flat()).toContainEqual({ type: "get_attr", value: "secret_data" });
    const plan = await terraform.plan();
    expect(plan.hasChanges).toBe(false);
    expect(plan.stdout).not.toContain(value);
  });

  it("take a new value with a new version in place, and refuse it without one", async () => {
    await start();
    await terraform.apply();
    const made = secret()!.create_time;
    environment.TF_VAR_gateway_openai = canary();
    const refused = await terraform.apply().catch(String);
    expect(refused).toContain("Rejected.ResourceExist: the secret gateway/openai has a version v1 already, with another value");
    expect(refused).not.toContain(environment.TF_VAR_gateway_openai);
    await become(version("v2"));
    const { resource_changes: changes = [] } = await (await terraform.plan()).show();
    expect(changes.filter(({ change }) => change.actions.join() !== "no-op").map(({ type, change }) => [type, change.actions])).toEqual([
      ["alicloud_kms_secret", ["update"]],
    ]);
    await terraform.apply();
    expect(secret()).toMatchObject({ secret_data: environment.TF_VAR_gateway_openai, version_id: "v2", create_time: made });
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  it("are planned back to the state's value where another one was put beside Terraform", async () => {
    await start();
    await terraform.apply();
    providers.cloud(ALICLOUD).change("alicloud_kms_secret", "gateway/openai", { secret_data: canary(), version_id: "by-hand" });
    const plan = await terraform.plan();
    expect(plan.hasChanges).toBe(true);
    expect((await plan.show()).resource_drift?.map(({ type }) => type)).toEqual(["alicloud_kms_secret"]);
  });

  it("hold their names for the recovery window once they are destroyed", async () => {
    await start({ platform: { secrets: { management: "terraform", recoveryWindowDays: 7 } } });
    await terraform.apply();
    expect(secret()).toMatchObject({ recovery_window_in_days: 7, force_delete_without_recovery: false });
    await rewriteStack(terraform, withoutProtection);
    await terraform.apply();
    await terraform.destroy();
    expect(secret()).toBeUndefined();
    await expect(terraform.apply()).rejects.toThrow("Rejected.ResourceInDeleteWindow: the secret gateway/openai is planned to be deleted");
  });

  it('are gone at once with removal: "destroy", and can be made again', async () => {
    await start({ secrets: { removal: "destroy" } });
    await terraform.apply();
    await terraform.destroy();
    expect(await terraform.stateList()).toEqual([]);
    await terraform.apply();
    expect(secret()).toMatchObject({ secret_data: environment.TF_VAR_gateway_openai });
  });

  it("lie in an existing instance of KMS 3.0, with their key", async () => {
    await start({ platform: { kmsInstanceId: INSTANCE } });
    await terraform.apply();
    const [key] = providers.cloud(ALICLOUD).list("alicloud_kms_key");
    expect(key!.attributes.dkms_instance_id).toBe(INSTANCE);
    expect(secret()).toMatchObject({ dkms_instance_id: INSTANCE, encryption_key_id: key!.id });
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  it("are refused with a key of another instance, and neither is made", async () => {
    const { id } = providers.cloud(ALICLOUD).add("alicloud_kms_key", { description: "of another", dkms_instance_id: "kst-other" });
    await start({ platform: { kmsInstanceId: INSTANCE }, secrets: { encryptionKey: EncryptionKey.fromId(id) } });
    await expect(terraform.apply()).rejects.toThrow(
      `the secret gateway/openai is of the KMS instance "${INSTANCE}", and its key of "kst-other"`,
    );
    expect(secret()).toBeUndefined();
  });

  it("need a value at each plan, which nothing else can say", async () => {
    delete environment.TF_VAR_gateway_openai;
    await start();
    await expect(terraform.plan()).rejects.toThrow(/No value for required variable|gateway_openai/);
  });
});
