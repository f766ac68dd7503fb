// `npm run demo`: synthesizes the quickstart for both clouds, validates it where Terraform is present, says what was made,
// and runs its gateway on this computer.
import { execFileSync, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join, relative } from "node:path";
import { synthCheck } from "../src/cli/synth-check";
import { simulate } from "../test/support/stacks";
import { Terraform } from "../test/support/terraform";
import { demonstrate } from "./demo-gateway";

const ROOT = join(__dirname, "..");
const OUTPUT = join(ROOT, "cdktf.out");
const STACKS = { aws: "quickstart-aws", alicloud: "quickstart-alicloud" } as const;
/** Downloading the AWS provider takes minutes on a slow line; a demo does not wait for that. */
const DOWNLOAD_SECONDS = 15;

const started = Date.now();
const say = (text: string): void => console.log(text);

async function main(): Promise<void> {
  say("Synthesizing examples/quickstart/main.ts for AWS and Alibaba Cloud ...");
  rmSync(OUTPUT, { recursive: true, force: true });
  execFileSync(process.execPath, ["--import", "tsx", join("examples", "quickstart", "main.ts")], { cwd: ROOT, stdio: "inherit" });
  say("");
  say(synthCheck(relative(process.cwd(), OUTPUT), false));

  if (spawnSync("terraform", ["version"], { env: { PATH: process.env.PATH, CHECKPOINT_DISABLE: "1" } }).error === undefined) {
    say("Validating with Terraform ...");
    say(`  ${STACKS.alicloud}: ${await validateAlicloud()}`);
    say(`  ${STACKS.aws}: ${await validateAws()}`);
  } else {
    say("Terraform is not on the PATH: nothing was validated.");
  }

  say("");
  if (!(await demonstrate(OUTPUT, STACKS.aws, say))) process.exitCode = 1;

  say("");
  say(`Done in ${Math.round((Date.now() - started) / 1000)} s. The stacks lie in ${relative(process.cwd(), join(OUTPUT, "stacks"))}.`);
  say("Next: cdktf-ai-gateway local runs a gateway until Ctrl-C: npx tsx src/cli/main.ts local quickstart-aws");
  say("Then copy examples/quickstart/main.ts, put your own network, database and Redis into it, and in the stack's folder run");
  say(
    "terraform init && terraform apply. It says which values are missing, and how to put them: npx cdktf-ai-gateway secrets put NAME < FILE.",
  );
}

/** Providers of these sources that are simulated from their own schemas, so that nothing is downloaded. */
async function withSimulated(
  sources: Parameters<typeof simulate>,
  use: (environment: Record<string, string>) => Promise<string>,
): Promise<string> {
  const providers = await simulate(...sources);
  try {
    return await use({ ...providers.environment });
  } finally {
    await providers.stop();
  }
}

function validateAlicloud(): Promise<string> {
  const how = "against the schema of aliyun/alicloud 1.289.0";
  return withSimulated(["aliyun/alicloud", "hashicorp/null"], (env) => validated(STACKS.alicloud, { env }, how));
}

function validateAws(): Promise<string> {
  const pluginDir = process.env.TF_PLUGIN_DIR;
  const cached = process.env.TF_PLUGIN_CACHE_DIR;
  const cache: Record<string, string> = cached === undefined ? {} : { TF_PLUGIN_CACHE_DIR: cached };
  const how = pluginDir === undefined ? "with hashicorp/aws from the registry" : "with hashicorp/aws from TF_PLUGIN_DIR";
  return withSimulated(["hashicorp/null"], (env) => validated(STACKS.aws, { pluginDir, env: { ...env, ...cache } }, how));
}

async function validated(stack: string, options: { env?: Record<string, string>; pluginDir?: string }, how: string): Promise<string> {
  const terraform = await Terraform.ofFolder(join(OUTPUT, "stacks", stack), options);
  const late = setTimeout(() => void terraform.dispose(), DOWNLOAD_SECONDS * 1000);
  try {
    await terraform.init();
    const { valid, diagnostics } = await terraform.validate();
    if (!valid) process.exitCode = 1;
    return valid ? `valid, ${how}` : `NOT VALID, ${how}: ${diagnostics.map(({ summary }) => summary).join("; ")}`;
  } catch (error) {
    const reason = /\n\W*Error: ([^\n]*)/.exec(String(error))?.[1] ?? `no provider after ${DOWNLOAD_SECONDS} s`;
    return `not validated: ${reason} (a folder made by "terraform providers mirror" can be named in TF_PLUGIN_DIR)`;
  } finally {
    clearTimeout(late);
    await terraform.dispose();
  }
}

void main();
