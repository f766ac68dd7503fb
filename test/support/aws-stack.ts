import { rm } from "node:fs/promises";
import { join } from "node:path";
import { MotoCloud, MotoNetwork, StackJson, startMoto, targetMoto } from "./moto";
import type { AppliedStack } from "./policies/applied-stack";
import { StateStack } from "./policies/state-stack";
import { runnerOnMoto } from "./runner";
import { SimulatedProviders } from "./simulated-provider";
import { rewriteStack, simulate, withoutProtection } from "./stacks";
import { Terraform } from "./terraform";
import { awsPluginDir } from "./toolchain";

/** A synthesized stack for AWS, and what is done with it. */
export interface AwsStack {
  /** Makes the stack; answers the folder with its cdk.tf.json. */
  readonly synthesize: () => string;
  /** The ids that the stack names, to be replaced by those of things that exist. */
  readonly names: { readonly vpc: string; readonly subnets: readonly [string, string]; readonly certificate?: string };
  /** Makes what else the stack names. */
  readonly prepare?: (cloud: MotoCloud) => Promise<void>;
  /** The types of the resources that a change of the nodes' settings replaces or changes. */
  readonly rolled: readonly string[];
  /** Tests of the stack as it is once applied. */
  readonly applied?: (stack: () => Promise<AppliedStack>) => void;
}

/** The whole life of a stack, with the real provider and a double of the cloud: each step needs the one before. */
export function livesOnAws({ synthesize, names, prepare, rolled, applied }: AwsStack): void {
  let cloud: MotoCloud;
  let runner: SimulatedProviders;
  let terraform: Terraform;

  beforeAll(async () => {
    cloud = await startMoto();
    runner = await simulate("hashicorp/null");
    const stackFolder = synthesize();
    terraform = await Terraform.ofFolder(stackFolder, {
      pluginDir: awsPluginDir(),
      env: { ...runner.environment, ...runnerOnMoto(cloud) },
    });
    await rm(join(stackFolder, "..", ".."), { recursive: true });
    const network = await cloud.prepareNetwork();
    await prepare?.(cloud);
    const certificate = await cloud.prepareCertificate("llm.corp.example");
    await rewriteStack(terraform, (text) =>
      JSON.stringify(targetMoto(JSON.parse(withExisting(text, names, network, certificate)) as StackJson, cloud), null, 2),
    );
    await terraform.init();
  });
  afterAll(async () => {
    await terraform.dispose();
    await runner.stop();
    await cloud.stop();
  });

  it("is valid for the real provider", async () => {
    expect(await terraform.validate()).toMatchObject({ valid: true });
  });

  it("applies, and a second plan is empty", async () => {
    await terraform.apply();
    expect(await changed(terraform)).toEqual([]);
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  applied?.(async () => new StateStack(await terraform.state()));

  it("a change of an agent's quota touches the desired state and nothing else", async () => {
    await rewriteStack(terraform, (text) => text.replaceAll(/\\"qpm\\": \d+/g, '\\"qpm\\": 7'));
    expect(await changed(terraform)).toEqual(["aws_s3_object"]);
  });

  it("a change of the settings rolls the nodes, and leaves nothing to be changed", async () => {
    await rewriteStack(terraform, (text) => text.replace('\\"refreshIntervalSeconds\\":900', '\\"refreshIntervalSeconds\\":600'));
    expect(await changed(terraform)).toEqual(expect.arrayContaining(rolled as string[]));
    await terraform.apply();
    expect((await terraform.plan()).hasChanges).toBe(false);
  });

  it("is not destroyed by one command, and then leaves nothing", async () => {
    await expect(terraform.destroy()).rejects.toThrow("Instance cannot be destroyed");
    await rewriteStack(terraform, withoutProtection);
    await terraform.apply();
    await terraform.destroy();
    expect(await terraform.stateList()).toEqual([]);
  });
}

/** All at once: what one name is replaced by may begin as another name does. */
function withExisting(text: string, names: AwsStack["names"], { vpcId, subnets }: MotoNetwork, certificate: string): string {
  const existing = new Map([
    [names.vpc, vpcId],
    ...names.subnets.map((id, index): [string, string] => [id, subnets[index]!.id]),
    ...(names.certificate === undefined ? [] : [[names.certificate, certificate] as [string, string]]),
  ]);
  return text.replace(new RegExp([...existing.keys()].join("|"), "g"), (name) => existing.get(name)!);
}

async function changed(terraform: Terraform): Promise<string[]> {
  const { resource_changes: changes = [] } = await (await terraform.plan()).show();
  return changes.filter(({ change }) => !["no-op", "read"].includes(change.actions.join())).map(({ type }) => type);
}
