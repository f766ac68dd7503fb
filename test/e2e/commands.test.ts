import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
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

it("the demo synthesizes, validates, and says what was made and what to do next, in under 30 s", () => {
  const started = Date.now();
  const said = run(["tsx", "tools/demo.ts"]);
  expect(Date.now() - started).toBeLessThan(30_000);
  for (const expected of [
    "quickstart-alicloud: valid",
    "quickstart-aws: valid",
    "prod-gateway/openai",
    "research-agent: 120 requests/min",
    "Next:",
  ]) {
    expect(said).toContain(expected);
  }
});
