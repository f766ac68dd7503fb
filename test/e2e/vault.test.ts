import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SynthesizedExample, synthesizeExample } from "../support/examples";
import { MotoCloud, StackJson, startMoto, targetMoto } from "../support/moto";
import { runnerOnKms } from "../support/runner";
import { KmsDouble } from "../support/secret-stores/alicloud-kms";
import { VaultDouble } from "../support/secret-stores/vault";
import { SimulatedProviders, startSimulatedProviders } from "../support/simulated-provider";
import { rewriteStack, withoutProtection } from "../support/stacks";
import { Terraform } from "../support/terraform";
import { awsPluginDir } from "../support/toolchain";

const ALICLOUD = "aliyun/alicloud";
const VAULT = "hashicorp/vault";
const SCHEMAS = [
  { source: ALICLOUD, file: join(__dirname, "..", "..", "schema", "alicloud.schema.json") },
  { source: "hashicorp/null", file: join(__dirname, "..", "support", "simulated-provider", "null.schema.json") },
  { source: VAULT, file: join(__dirname, "..", "support", "simulated-provider", "vault.schema.json") },
];

let example: SynthesizedExample;
let directory: string;
let providers: SimulatedProviders;
const kms = new KmsDouble();
const vaults = { "ai-gateway": new VaultDouble("ai-gateway", "platform/llm"), secret: new VaultDouble() };

/** The stack with the Vault that the command enters; Terraform's own is simulated. */
const withVault = (text: string, vault: VaultDouble) => text.replaceAll('\\"https://vault.corp.example:8200\\"', `\\"${vault.url}\\"`);

beforeAll(async () => {
  example = synthesizeExample("vault");
  await Promise.all([kms, ...Object.values(vaults)].map((double) => double.start()));
  directory = await mkdtemp(join(tmpdir(), "cloud-"));
  providers = await startSimulatedProviders({ directory, schemas: SCHEMAS });
});
afterAll(async () => {
  await Promise.all([providers, kms, ...Object.values(vaults)].map((double) => double.stop()));
  await rm(directory, { recursive: true });
  example.dispose();
});

/** What lies in Vault, by id. */
const inVault = (type: string) => providers.cloud(VAULT).list(type);

describe("the gateway on AWS with all secrets in Vault", () => {
  let moto: MotoCloud;
  let terraform: Terraform;

  beforeAll(async () => {
    moto = await startMoto();
    terraform = await Terraform.ofFolder(example.stackFolder("vault-aws"), {
      pluginDir: awsPluginDir(),
      env: { ...providers.environment, VAULT_TOKEN: vaults["ai-gateway"].token },
    });
    const { vpcId, subnets } = await moto.prepareNetwork();
    await rewriteStack(terraform, (text) => {
      const existing = subnets.reduce(
        (result, { id }, index) => result.replaceAll(`subnet-0example${index + 1}`, id),
        withVault(text, vaults["ai-gateway"]),
      );
      return JSON.stringify(targetMoto(JSON.parse(existing.replaceAll("vpc-0example", vpcId)) as StackJson, moto), null, 2);
    });
    await terraform.init();
  });
  afterAll(async () => {
    await terraform.dispose();
    await moto.stop();
  });

  it("applies, and a second plan is empty", async () => {
    expect(await terraform.validate()).toMatchObject({ valid: true });
    await terraform.apply();
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  it("lets the nodes' role log in, and nobody else", () => {
    expect(inVault("vault_aws_auth_backend_role")).toMatchObject([
      {
        id: "auth/aws/role/vault-gateway",
        attributes: {
          bound_iam_principal_arns: [`arn:aws:iam::${moto.account}:role/vault-gateway-nodes-eu-central-1`],
          resolve_aws_unique_ids: false,
          token_policies: ["vault-gateway"],
          token_ttl: 1800,
        },
      },
    ]);
  });

  it("knows no secret but by name", async () => {
    const names = (await terraform.stateList()).filter((address) => /secret|kms|vault/.test(address.replace(/\..*/, "")));
    expect(names.map((address) => address.replace(/\..*/, "")).sort()).toEqual(["vault_aws_auth_backend_role", "vault_policy"]);
  });

  it("finds what was changed in Vault by hand, and takes it back", async () => {
    const wider = 'path "ai-gateway/data/*" {\n  capabilities = ["read"]\n}\n';
    providers.cloud(VAULT).change("vault_policy", "vault-gateway", { policy: wider });
    const { resource_changes: changes = [] } = await (await terraform.plan()).show();
    expect(changes.filter(({ change }) => change.actions.join() !== "no-op").map(({ type }) => type)).toEqual(["vault_policy"]);
    await terraform.apply();
    expect(inVault("vault_policy").map(({ attributes }) => attributes.policy)).not.toContain(wider);
  });

  it("is destroyed, and leaves nothing in Vault", async () => {
    await rewriteStack(terraform, withoutProtection);
    await terraform.apply();
    await terraform.destroy();
    expect([...inVault("vault_policy"), ...inVault("vault_aws_auth_backend_role")]).toEqual([]);
  });
});

describe("the gateway on Alibaba Cloud with one key in Vault", () => {
  let terraform: Terraform;

  beforeAll(async () => {
    terraform = await Terraform.ofFolder(example.stackFolder("vault-alicloud"), {
      env: { ...providers.environment, ...runnerOnKms(kms, providers.cloud(ALICLOUD)), VAULT_TOKEN: vaults.secret.token },
    });
    await rewriteStack(terraform, (text) => withVault(text, vaults.secret));
    await terraform.init();
  });
  afterAll(() => terraform.dispose());

  it("applies, and a second plan is empty", async () => {
    expect(await terraform.validate()).toMatchObject({ valid: true });
    await terraform.apply();
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  it("lets the nodes' role log in, and read that key", () => {
    const [role] = providers
      .cloud(ALICLOUD)
      .list("alicloud_ram_role")
      .filter(({ id }) => id.includes("nodes"));
    expect(inVault("vault_alicloud_auth_backend_role")).toMatchObject([
      { id: "auth/alicloud/role/mixed-gateway", attributes: { arn: role!.attributes.arn, token_policies: ["mixed-gateway"] } },
    ]);
    expect(inVault("vault_policy").map(({ attributes }) => attributes.policy)).toEqual([
      'path "secret/data/mixed-gateway/anthropic" {\n  capabilities = ["read"]\n}\n',
    ]);
  });

  it("is destroyed, and leaves nothing in Vault", async () => {
    await rewriteStack(terraform, withoutProtection);
    await terraform.apply();
    await terraform.destroy();
    expect([...inVault("vault_policy"), ...inVault("vault_alicloud_auth_backend_role")]).toEqual([]);
    expect(await terraform.stateList()).toEqual([]);
  });
});
