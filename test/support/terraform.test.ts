import { existsSync } from "node:fs";
import { Terraform } from "./terraform";
import { awsPluginDir, terraformBinary } from "./toolchain";

const STACK = {
  terraform: { required_version: ">= 1.11" },
  variable: { name: { type: "string" } },
  resource: { terraform_data: { first: { input: "${var.name}" }, second: { input: "${terraform_data.first.output}" } } },
  output: { greeting: { value: "hello ${terraform_data.second.output}" } },
};

let terraform: Terraform | undefined;

afterEach(async () => {
  await terraform?.dispose();
  terraform = undefined;
});

test("a stack goes through its whole life", async () => {
  terraform = await Terraform.ofConfig(STACK, { env: { TF_VAR_name: "world" } });
  await terraform.init();
  expect((await terraform.validate()).valid).toBe(true);

  const plan = await terraform.plan();
  expect(plan.hasChanges).toBe(true);
  const changes = (await plan.show()).resource_changes ?? [];
  expect(changes.map(({ address, change }) => `${address} ${change.actions}`)).toEqual([
    "terraform_data.first create",
    "terraform_data.second create",
  ]);

  await terraform.apply();
  expect(await terraform.outputs()).toEqual({ greeting: "hello world" });
  expect((await terraform.plan()).hasChanges).toBe(false);

  await terraform.destroy();
  expect(await terraform.stateList()).toEqual([]);
});

test("a folder is copied, and its state does not go to its backend", async () => {
  terraform = await Terraform.ofConfig({ ...STACK, terraform: { backend: { local: { path: "/nowhere/terraform.tfstate" } } } });
  const copy = await Terraform.ofFolder(terraform.folder, { env: { TF_VAR_name: "copy" } });
  await copy.init();
  await copy.apply();
  expect(existsSync("/nowhere")).toBe(false);
  expect(existsSync(`${terraform.folder}/.terraform`)).toBe(false);

  await copy.dispose();
  expect(existsSync(copy.folder)).toBe(false);
});

test("an unexpected exit tells what Terraform wrote", async () => {
  terraform = await Terraform.ofConfig({ output: { broken: { value: "${local.missing}" } } });
  await terraform.init();
  const { valid, diagnostics } = await terraform.validate();
  expect(valid).toBe(false);
  expect(diagnostics[0]?.summary).toBe("Reference to undeclared local value");
  await expect(terraform.plan()).rejects.toThrow(/terraform plan .* exited with 1[^]*Reference to undeclared local value/);
});

test("the surrounding process lends no credentials", async () => {
  const before = process.env.AWS_ACCESS_KEY_ID;
  process.env.AWS_ACCESS_KEY_ID = "surrounding";
  try {
    const printing = { resource: { terraform_data: { it: { provisioner: [{ "local-exec": { command: "env" } }] } } } };
    terraform = await Terraform.ofConfig(printing, { env: { OF_THE_TEST: "1" } });
    await terraform.init();
    const { stdout } = await terraform.apply();
    expect(stdout).toContain("OF_THE_TEST=1");
    expect(stdout).not.toMatch(/AWS_|ALICLOUD_|TF_LOG/);
  } finally {
    if (before === undefined) delete process.env.AWS_ACCESS_KEY_ID;
    else process.env.AWS_ACCESS_KEY_ID = before;
  }
});

test("a missing tool is named, with how to get it", async () => {
  const { PATH, TF_PLUGIN_DIR } = process.env;
  try {
    process.env.PATH = "/nowhere";
    await expect(terraformBinary()).rejects.toThrow(/terraform is not on the PATH; install Terraform 1\.11/);
    process.env.TF_PLUGIN_DIR = "/nowhere";
    expect(awsPluginDir).toThrow(/TF_PLUGIN_DIR names \/nowhere.*terraform providers mirror/);
    delete process.env.TF_PLUGIN_DIR;
    expect(awsPluginDir()).toBeUndefined();
  } finally {
    process.env.PATH = PATH;
    if (TF_PLUGIN_DIR === undefined) delete process.env.TF_PLUGIN_DIR;
    else process.env.TF_PLUGIN_DIR = TF_PLUGIN_DIR;
  }
});
