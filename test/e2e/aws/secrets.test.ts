import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { minimalProps, newStack } from "../../support/gateways";
import { MotoCloud, StackJson, startMoto, targetMoto } from "../../support/moto";
import { jsonAws } from "../../support/moto/aws-request";
import { runnerOnMoto } from "../../support/runner";
import { SimulatedProviders } from "../../support/simulated-provider";
import { rewriteStack, simulate } from "../../support/stacks";
import { Terraform } from "../../support/terraform";
import { awsPluginDir } from "../../support/toolchain";
import { GatewayRole, LlmSecrets } from "cdktf-ai-gateway";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

const ADMINISTRATOR = "arn:aws:iam::123456789012:role/apply";
const canary = () => `canary-${randomBytes(16).toString("hex")}`;

interface Described {
  readonly ARN: string;
  readonly KmsKeyId?: string;
  readonly DeletedDate?: number;
  readonly ReplicationStatus?: readonly { readonly Region: string }[];
}

/** The whole life of a gateway's secrets, with the real provider and moto: each step needs the one before. */
describe("the secrets of a gateway on AWS", () => {
  let cloud: MotoCloud;
  let runner: SimulatedProviders;
  let terraform: Terraform;
  const before = canary();
  const written = canary();

  const ask = (action: string, parameters: object) => jsonAws(cloud.signer("secretsmanager"), `secretsmanager.${action}`, parameters);
  const describe_ = async (name: string) => (await ask("DescribeSecret", { SecretId: name })) as Described;
  const valueOf = async (name: string) =>
    ((await ask("GetSecretValue", { SecretId: name, VersionStage: "AWSCURRENT" })) as { SecretString: string }).SecretString;

  beforeAll(async () => {
    cloud = await startMoto();
    runner = await simulate("hashicorp/null");
    // Before the first apply: one that the stack takes over, and one whose name only looks like it.
    await ask("CreateSecret", { Name: "gateway/dashscope", SecretString: before });
    await ask("CreateSecret", { Name: "gateway/dashscope-old", SecretString: canary() });
    const app = new App({ outdir: mkdtempSync(join(tmpdir(), "secrets-")) });
    const stack = newStack("aws", app);
    const { providers, database, redis } = minimalProps("aws");
    const platform = new AwsPlatform({
      region: "eu-central-1",
      secrets: { administrators: [ADMINISTRATOR], replicaRegions: ["eu-west-1"], writeOnly: { openai: 1 } },
    });
    const secrets = new LlmSecrets(stack, "secrets", { platform, name: "gateway", providers, database, redis, removal: "destroy" });
    new GatewayRole(stack, "role", { platform, name: "gateway", secrets });
    app.synth();
    terraform = await Terraform.ofFolder(join(app.outdir, "stacks", "stack"), {
      pluginDir: awsPluginDir(),
      env: { ...runner.environment, ...runnerOnMoto(cloud), TF_VAR_gateway_openai: written },
    });
    rmSync(app.outdir, { recursive: true });
    await rewrite((json) => targetMoto(json, cloud));
    await terraform.init();
  });
  afterAll(async () => {
    await terraform.dispose();
    await runner.stop();
    await cloud.stop();
  });

  async function rewrite(change: (json: StackJson) => StackJson): Promise<void> {
    await rewriteStack(terraform, (text) => JSON.stringify(change(JSON.parse(text) as StackJson), null, 2));
  }

  it("is valid for the real provider", async () => {
    expect(await terraform.validate()).toMatchObject({ valid: true });
  });

  it("are made without a value, but for one that was there before, one that Terraform writes, and those that the command mints", async () => {
    await terraform.apply();
    expect(await valueOf("gateway/dashscope")).toBe(before);
    expect(await valueOf("gateway/openai")).toBe(written);
    expect(await valueOf("gateway/master-key")).toMatch(/^sk-[0-9a-f]{48}$/);
    await expect(valueOf("gateway/redis")).rejects.toThrow("ResourceNotFoundException");
    const adopted = await describe_("gateway/dashscope");
    expect(adopted.KmsKeyId).toMatch(/^arn:aws:kms:/);
    expect(adopted.ReplicationStatus?.map(({ Region }) => Region)).toEqual(["eu-west-1"]);
    expect((await describe_("gateway/dashscope-old")).KmsKeyId ?? null).toBeNull();
    expect(await terraform.stateList()).not.toContainEqual(expect.stringContaining("dashscope-old"));
  });

  it("a second plan is empty, also once a person has put values", async () => {
    await ask("PutSecretValue", { SecretId: "gateway/master-key", SecretString: canary() });
    await ask("PutSecretValue", { SecretId: "gateway/dashscope", SecretString: canary() });
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  it("no value is in the state or the plan", async () => {
    const state = readFileSync(join(terraform.folder, "terraform.tfstate"), "utf8");
    const plan = JSON.stringify(await (await terraform.plan()).show());
    for (const text of [state, plan]) {
      expect(text).toContain("gateway/openai");
      for (const value of [before, written]) expect(text).not.toContain(value);
    }
  });

  it("their policies refuse the values to all but the gateway's role and the administrators", async () => {
    const { ResourcePolicy } = (await ask("GetResourcePolicy", { SecretId: "gateway/openai" })) as { ResourcePolicy: string };
    const [statement] = (JSON.parse(ResourcePolicy) as { Statement: Record<string, unknown>[] }).Statement;
    expect(statement).toMatchObject({
      Effect: "Deny",
      Condition: { ArnNotEquals: { "aws:PrincipalArn": [ADMINISTRATOR, expect.stringMatching(/:role\/gateway-nodes-eu-central-1$/)] } },
    });
  });

  it("are gone with the stack, but for what is not the gateway's", async () => {
    await rewrite((json) => JSON.parse(JSON.stringify(json).replaceAll('"prevent_destroy":true', '"prevent_destroy":false')) as StackJson);
    await terraform.destroy();
    expect(await terraform.stateList()).toEqual([]);
    await expect(describe_("gateway/openai")).rejects.toThrow("ResourceNotFoundException");
    expect((await describe_("gateway/dashscope-old")).DeletedDate ?? null).toBeNull();
  });
});
