import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { minimalProps, newStack } from "../support/gateways";
import { runnerOnKms } from "../support/runner";
import { KmsDouble } from "../support/secret-stores/alicloud-kms";
import { SimulatedProviders } from "../support/simulated-provider";
import { rewriteStack, simulate } from "../support/stacks";
import { Terraform } from "../support/terraform";
import { AiGateway } from "cdktf-ai-gateway";

describe('provisioning: "runner"', () => {
  const folder = mkdtempSync(join(tmpdir(), "provisioning-"));
  let providers: SimulatedProviders;
  let terraform: Terraform;
  const kms = new KmsDouble();

  beforeAll(async () => {
    const app = new App({ outdir: folder });
    const stack = newStack("alicloud", app);
    const agents = { "research-agent": { qpm: 120 }, "code-agent": { qpm: 60 } };
    new AiGateway(stack, "gateway", {
      ...minimalProps("alicloud"),
      imageId: "ubuntu_24_04_x64_20G_alibase_20250101.vhd",
      adminFrom: ["10.0.9.0/24"],
      provisioning: "runner",
      agents,
    });
    app.synth();
    providers = await simulate("aliyun/alicloud", "hashicorp/null");
    await kms.start();
    terraform = await Terraform.ofFolder(join(folder, "stacks", "stack"), {
      env: { ...providers.environment, ...runnerOnKms(kms, providers.cloud("aliyun/alicloud")) },
    });
    // The copied folder is all there is: the command comes with the stack, and nothing is installed beside it.
    rmSync(folder, { recursive: true });
    await terraform.init();
  });
  afterAll(async () => {
    await terraform.dispose();
    await providers.stop();
    await kms.stop();
  });

  it("fails clearly: names the agent and the command that this release does not have", async () => {
    const failure = await terraform.apply().then(
      () => "",
      (error: unknown) => String(error),
    );
    for (const agent of ["research-agent", "code-agent"]) {
      expect(failure).toMatch(new RegExp(`has no command "keys apply", so the key of agent "${agent}" was not made`));
    }
  });

  it("a change of one agent's quota sets off that agent only", async () => {
    const before = await planned(terraform);
    expect(before).toEqual(
      ["null_resource.gateway_Agents_Key-code-agent", "null_resource.gateway_Agents_Key-research-agent"].map(
        (address) => expect.stringContaining(address) as string,
      ),
    );
    await rewriteStack(terraform, (text) => text.replaceAll(/"interpreter": \[[^\]]*\]/g, '"interpreter": ["true"]'));
    await terraform.apply();
    expect(await planned(terraform)).toEqual([]);
    await rewriteStack(terraform, (text) => text.replace(/("agent": "code-agent",\s*"quota": ")[0-9a-f]{64}/, `$1${"0".repeat(64)}`));
    expect(await planned(terraform)).toEqual([expect.stringContaining("Key-code-agent")]);
  });
});

async function planned(terraform: Terraform): Promise<string[]> {
  const { resource_changes: changes = [] } = await (await terraform.plan()).show();
  return changes
    .filter(({ change }) => change.actions.join() !== "no-op")
    .map(({ address }) => address)
    .sort();
}
