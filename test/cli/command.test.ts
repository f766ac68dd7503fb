import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json";
import { COMMAND_FILE } from "../../src/node/command";

/** The command as a stack carries it: one file, and Node.js. */
function run(words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND_FILE, ...words], { encoding: "utf8", env: {} });
  return { status, stdout, stderr };
}

describe("the command", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "command-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("tells its version and what it can do", () => {
    expect(run(["--version"])).toEqual({ status: 0, stdout: `${packageJson.version}\n`, stderr: "" });
    expect(run(["--help"]).stdout).toContain("prints what a synthesized stack holds");
    expect(run(["synth-check", "--help"])).toMatchObject({ status: 0, stdout: expect.stringContaining("--json") as string });
  });

  it("is wrongly called without a word, or with an option that it does not have", () => {
    expect(run([]).status).toBe(2);
    expect(run(["synth-check", "--colour"])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("unknown option '--colour'") as string,
    });
  });

  it("runs no gateway from the one file, and says where that is to be had", () => {
    expect(run(["local"])).toMatchObject({ status: 1, stderr: expect.stringContaining("npx cdktf-ai-gateway local") as string });
    expect(run(["local", "--port", "70000"])).toMatchObject({ status: 2, stderr: expect.stringContaining("from 1 to 65535") as string });
  });

  it("names the command that it does not have, and repeats nothing else", () => {
    const result = run(["kees", "apply", "--value", "hush-hush"]);
    expect(result).toEqual({
      status: 2,
      stdout: "",
      stderr: `error: cdktf-ai-gateway ${packageJson.version} has no command "kees apply" (it has: synth-check, local, secrets, keys, role, scan)\n`,
    });
  });

  it("says what is missing where nothing was synthesized", () => {
    expect(run(["synth-check", folder])).toMatchObject({
      status: 1,
      stderr: `error: ${folder} holds neither cdk.tf.json nor manifest.json; synthesize first (npx cdktf synth), or name the folder\n`,
    });
  });

  it("tells what synthesis warned of", () => {
    const stack = join(folder, "stacks", "plain");
    mkdirSync(stack, { recursive: true });
    writeFileSync(join(stack, "cdk.tf.json"), "{}");
    const annotations = [
      { level: "@cdktf/warn", message: "beware" },
      { level: "@cdktf/info", message: "by the way" },
    ];
    writeFileSync(join(folder, "manifest.json"), JSON.stringify({ stacks: { plain: { workingDirectory: "stacks/plain", annotations } } }));
    expect(run(["synth-check", folder]).stdout).toBe(`stack plain (${stack})\n  warnings\n    beware\n`);
    expect(JSON.parse(run(["synth-check", stack, "--json"]).stdout)).toMatchObject([{ warnings: ["beware"] }]);
  });

  it("tells what a stack holds that has no gateway", () => {
    mkdirSync(join(folder, "plain"));
    writeFileSync(join(folder, "plain", "cdk.tf.json"), JSON.stringify({ resource: { terraform_data: { a: {}, b: {} } } }));
    expect(run(["synth-check", join(folder, "plain")]).stdout).toBe(
      `stack plain (${join(folder, "plain")})\n  resources (2)\n    2 terraform_data\n`,
    );
    expect(JSON.parse(run(["synth-check", join(folder, "plain"), "--json"]).stdout)).toMatchObject([
      { stack: "plain", resourceCount: 2, gateways: [] },
    ]);
  });
});
