import { SynthesizedExample, synthesizeExample } from "../support/examples";
import { hasLeastPrivilegeOnAlicloud } from "../support/policies/ram-proof";
import { StateStack } from "../support/policies/state-stack";
import { runnerOnKms } from "../support/runner";
import { KmsDouble } from "../support/secret-stores/alicloud-kms";
import { SimulatedProviders } from "../support/simulated-provider";
import { rewriteStack, simulate, withoutProtection } from "../support/stacks";
import { Terraform } from "../support/terraform";

const ALICLOUD = "aliyun/alicloud";

describe.each([
  ["quickstart", "quickstart-alicloud"],
  ["alicloud-production", "alicloud-production"],
] as const)("the stack of %s", (name, stack) => {
  let example: SynthesizedExample;
  let providers: SimulatedProviders;
  let terraform: Terraform;
  const kms = new KmsDouble();

  beforeAll(async () => {
    example = synthesizeExample(name);
    providers = await simulate(ALICLOUD, "hashicorp/null");
    await kms.start();
    // The production example's zone is made elsewhere.
    providers.cloud(ALICLOUD).add("alicloud_pvtz_zone", { id: "c0example", zone_name: "corp.example" });
    terraform = await Terraform.ofFolder(example.stackFolder(stack), {
      env: { ...providers.environment, ...runnerOnKms(kms, providers.cloud(ALICLOUD)) },
    });
    await terraform.init();
  });
  afterAll(async () => {
    await terraform.dispose();
    await providers.stop();
    await kms.stop();
    example.dispose();
  });

  it("is valid", async () => {
    expect(await terraform.validate()).toMatchObject({ valid: true });
  });

  it("applies, and a second plan is empty", async () => {
    await terraform.apply();
    expect((await terraform.plan()).hasChanges).toBe(false);
    expect(Object.keys(await terraform.outputs())).toEqual(
      expect.arrayContaining(["gateway_endpoint", "gateway_key_secret_names", "gateway_log_destination"]),
    );
  });

  hasLeastPrivilegeOnAlicloud(stack, async () => new StateStack(await terraform.state()));

  it("a change of an agent's quota touches the desired state and nothing else", async () => {
    const before = await terraform.stateList();
    await rewriteStack(terraform, (text) => text.replaceAll(/\\"qpm\\": \d+/g, '\\"qpm\\": 7'));
    const { resource_changes: changes = [] } = await (await terraform.plan()).show();
    const touched = changes.filter(({ change }) => change.actions.join() !== "no-op").map(({ type }) => type);
    expect(touched).toEqual(["alicloud_oss_bucket_object"]);
    await terraform.apply();
    expect(await terraform.stateList()).toEqual(before);
  });

  it("a change of the settings replaces the nodes", async () => {
    await rewriteStack(terraform, (text) => text.replace('\\"refreshIntervalSeconds\\":900', '\\"refreshIntervalSeconds\\":600'));
    const { resource_changes: changes = [] } = await (await terraform.plan()).show();
    const replaced = changes
      .filter(({ change }) => change.actions.includes("delete") && change.actions.includes("create"))
      .map(({ type }) => type);
    expect(replaced).toContain(name === "quickstart" ? "alicloud_instance" : "alicloud_ess_instance_refresh");
    await terraform.apply();
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  it("finds what was changed by hand", async () => {
    const cloud = providers.cloud(ALICLOUD);
    const [store] = cloud.list("alicloud_log_store");
    cloud.change("alicloud_log_store", store!.id, { retention_period: 7 });
    const plan = await terraform.plan();
    expect(plan.hasChanges).toBe(true);
    expect((await plan.show()).resource_drift?.map(({ type }) => type)).toEqual(["alicloud_log_store"]);
    await terraform.apply();
  });

  it("is not destroyed by one command, and then leaves nothing", async () => {
    await expect(terraform.destroy()).rejects.toThrow("Instance cannot be destroyed");
    await rewriteStack(terraform, withoutProtection);
    await terraform.apply();
    await terraform.destroy();
    expect(await terraform.stateList()).toEqual([]);
    expect(providers.cloud(ALICLOUD).list("alicloud_instance")).toEqual([]);
    expect(providers.cloud(ALICLOUD).list("alicloud_oss_bucket")).toEqual([]);
  });
});
