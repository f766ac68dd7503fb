import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { minimalProps, newStack } from "../support/gateways";
import { LiteLlmAdmin } from "../support/litellm-admin/litellm-admin";
import { runnerOnKms } from "../support/runner";
import { KmsDouble } from "../support/secret-stores/alicloud-kms";
import { SimulatedProviders } from "../support/simulated-provider";
import { rewriteStack, simulate } from "../support/stacks";
import { Terraform } from "../support/terraform";
import { AgentsProps, AiGateway } from "cdktf-ai-gateway";

const AGENTS = ["research-agent", "code-agent"];
const canary = (): string => `sk-${randomBytes(24).toString("hex")}`;

/** From nothing to keys, by applies that run the command which the stack carries: each step needs the one before. */
describe('provisioning: "runner"', () => {
  const kms = new KmsDouble();
  const litellm = new LiteLlmAdmin();
  let providers: SimulatedProviders;
  let terraform: Terraform;

  beforeAll(async () => {
    providers = await simulate("aliyun/alicloud", "hashicorp/null");
    await Promise.all([kms.start(), litellm.start()]);
    const folder = synthesize({ "research-agent": { qpm: 120 }, "code-agent": { qpm: 60 } });
    terraform = await Terraform.ofFolder(join(folder, "stacks", "stack"), {
      env: { ...providers.environment, ...runnerOnKms(kms, providers.cloud("aliyun/alicloud")) },
    });
    // The copied folder is all there is: the command comes with the stack, and nothing is installed beside it.
    rmSync(folder, { recursive: true });
    await rewriteStack(terraform, toDouble);
    await terraform.init();
  });

  function synthesize(agents: AgentsProps): string {
    const folder = mkdtempSync(join(tmpdir(), "provisioning-"));
    const app = new App({ outdir: folder });
    new AiGateway(newStack("alicloud", app), "gateway", {
      ...minimalProps("alicloud"),
      imageId: "ubuntu_24_04_x64_20G_alibase_20250101.vhd",
      adminFrom: ["10.0.9.0/24"],
      provisioning: "runner",
      agents,
    });
    app.synth();
    return folder;
  }

  /** The balancer is simulated: what listens for the command is the double. */
  function toDouble(text: string): string {
    return text.replaceAll(/("AIGW_ENDPOINT": )"[^"]*"/g, `$1"${litellm.url}"`);
  }

  function put(name: string, text: string): void {
    kms.secrets.set(`gateway/${name}`, { versions: [{ id: "v1", text, made: new Date(), stages: new Set(["ACSCurrent"]) }] });
  }

  async function resynthesize(agents: AgentsProps): Promise<void> {
    const folder = synthesize(agents);
    cpSync(join(folder, "stacks", "stack"), terraform.folder, { recursive: true });
    rmSync(folder, { recursive: true });
    await rewriteStack(terraform, toDouble);
  }

  afterAll(async () => {
    await terraform.dispose();
    await providers.stop();
    await Promise.all([kms.stop(), litellm.stop()]);
  });

  it("ends within seconds where values are missing, and says which and how to put them", async () => {
    // As the balancer answers while no node serves.
    litellm.before = () => ({ status: 503, body: "" });
    const started = Date.now();
    const failure = await terraform.apply().then(
      () => "",
      (error: unknown) => String(error),
    );
    expect(failure).toMatch(/exit[│\s]+status[│\s]+3/);
    expect(failure).toContain("cdktf-ai-gateway secrets put gateway/openai < FILE");
    expect(Date.now() - started).toBeLessThan(120_000);
    expect(litellm.writes).toEqual([]);
    litellm.before = () => undefined;
  });

  it("makes a key for each agent once the values are there, and a second plan is empty", async () => {
    for (const name of ["openai", "dashscope", "redis"]) put(name, canary());
    put("database", JSON.stringify({ password: canary() }));
    litellm.masterKey = kms.text("gateway/master-key")!;
    await terraform.apply();
    for (const agent of AGENTS) expect(litellm.letIn(kms.text(`gateway/agents/${agent}`)!)).toBe(200);
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  it("a change of one agent's quota changes that agent only, and its key stays the same", async () => {
    const before = kms.text("gateway/agents/code-agent");
    await resynthesize({ "research-agent": { qpm: 120 }, "code-agent": { qpm: 61 } });
    expect(await planned(terraform)).toEqual(
      ["alicloud_oss_bucket_object.", "null_resource.gateway_Agents_All_", "null_resource.gateway_Agents_Key-code-agent_"].map(
        (address) => expect.stringContaining(address) as string,
      ),
    );
    const calls = litellm.writes.length;
    await terraform.apply();
    expect(litellm.writes.slice(calls)).toHaveLength(1);
    expect(kms.text("gateway/agents/code-agent")).toBe(before);
    expect(litellm.held(before!)).toMatchObject({ metadata: { aigw_qpm: 61 } });
  });

  it("an agent that is named no more has no key any more", async () => {
    const key = kms.text("gateway/agents/code-agent")!;
    await resynthesize({ "research-agent": { qpm: 120 } });
    await terraform.apply();
    expect(litellm.letIn(key)).toBe(401);
    expect(litellm.live("code-agent")).toEqual([]);
    expect(litellm.letIn(kms.text("gateway/agents/research-agent")!)).toBe(200);
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  it("no key and no value is in the state", () => {
    const state = readFileSync(join(terraform.folder, "terraform.tfstate"), "utf8");
    expect(state).toContain("gateway_Agents_Key-research-agent");
    for (const name of ["master-key", "salt-key", "openai", "agents/research-agent"])
      expect(state).not.toContain(kms.text(`gateway/${name}`));
  });
});

async function planned(terraform: Terraform): Promise<string[]> {
  const { resource_changes: changes = [] } = await (await terraform.plan()).show();
  return changes
    .filter(({ change }) => change.actions.join() !== "no-op")
    .map(({ address }) => address)
    .sort();
}
