import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { awsPluginDir } from "../support/toolchain";

const ROOT = join(__dirname, "..", "..");
const run = (words: readonly string[]): string =>
  execFileSync("npx", words, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, TF_PLUGIN_DIR: awsPluginDir(), CHECKPOINT_DISABLE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });

it("npx cdktf synth works at the root", () => {
  const folder = mkdtempSync(join(tmpdir(), "cdktf-"));
  expect(run(["cdktf", "synth", "--output", folder])).toContain("quickstart-alicloud, quickstart-aws");
  for (const stack of ["quickstart-alicloud", "quickstart-aws"])
    expect(existsSync(join(folder, "stacks", stack, "cdk.tf.json"))).toBe(true);
  rmSync(folder, { recursive: true });
});

it("without Python the demo ends after synthesis and says so", () => {
  const bin = mkdtempSync(join(tmpdir(), "bin-"));
  for (const name of ["node", "npx", "sh", "env", "terraform"])
    symlinkSync(execFileSync("which", [name], { encoding: "utf8" }).trim(), join(bin, name));
  const said = execFileSync(join(bin, "npx"), ["tsx", "tools/demo.ts"], {
    cwd: ROOT,
    encoding: "utf8",
    env: { HOME: process.env.HOME, PATH: bin, TF_PLUGIN_DIR: awsPluginDir(), CHECKPOINT_DISABLE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  rmSync(bin, { recursive: true });
  for (const expected of [
    "quickstart-alicloud: valid",
    "quickstart-aws: valid",
    "prod-gateway/openai",
    "research-agent: 120 requests/min",
    "The gateway was not started: no Python 3.10 to 3.13",
    "Next:",
  ]) {
    expect(said).toContain(expected);
  }
});
