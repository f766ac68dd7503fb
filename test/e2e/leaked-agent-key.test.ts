// docs/runbooks/an-agents-key-has-leaked.md, step by step: its own shell blocks, on two nodes of the real LiteLLM under load.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalGateway } from "../../src/cli/local/local-gateway";
import { synthesizedGateway } from "../../src/cli/local/synthesized-gateway";
import { DesiredState } from "../../src/litellm/agents";
import { COMMAND_FILE } from "../../src/node/command";

const ROOT = join(__dirname, "..", "..");
const PAGE = readFileSync(join(ROOT, "docs", "runbooks", "an-agents-key-has-leaked.md"), "utf8");
const STEPS = new Map([...PAGE.matchAll(/^```sh step=([\w-]+)\n([^]*?)^```$/gm)].map(([, step, script]) => [step!, script!]));
const AGENT = "research-agent";

let folder: string;
let gateway: LocalGateway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "leaked-key-"));
  const output = join(folder, "cdktf.out");
  const environment = { ...process.env, CDKTF_OUTDIR: output };
  execFileSync(process.execPath, ["--import", "tsx", join("examples", "quickstart", "main.ts")], { cwd: ROOT, env: environment });
  gateway = await new LocalGateway(synthesizedGateway(output, "quickstart-aws", undefined), { nodes: 2 }).start();
  // What npx finds where the package is installed.
  writeFileSync(join(folder, "npx"), `#!/bin/sh\nshift\nexec '${process.execPath}' '${COMMAND_FILE}' "$@"\n`, { mode: 0o755 });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

/** Does a step of the page, with a key for it to ask for. */
async function does(step: string, key = ""): Promise<{ code: number | null; said: string }> {
  const env = { PATH: `${folder}:${process.env.PATH}`, HOME: folder, ...gateway.command.environment };
  const shell = spawn("bash", ["-c", STEPS.get(step)!], { cwd: folder, env, stdio: "pipe" });
  let said = "";
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  shell.stdin.on("error", () => undefined);
  shell.stdin.end(`${key}\n`);
  return new Promise((done) => shell.on("close", (code) => done({ code, said })));
}

const keyOf = (name: string): string => gateway.agents.find(({ agent }) => agent.name === name)!.key;

async function ask(endpoint: string, key: string): Promise<number> {
  const reply = await fetch(`${endpoint}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "qwen-plus", max_tokens: 5, messages: [{ role: "user", content: "hello" }] }),
  });
  await reply.arrayBuffer();
  return reply.status;
}

const statuses = (key: string): Promise<number[]> => Promise.all(gateway.nodes.map(({ endpoint }) => ask(endpoint, key)));

/** The milliseconds until every node answers so. */
async function until(status: number, key: string): Promise<number> {
  const began = Date.now();
  while (!(await statuses(key)).every((each) => each === status)) {
    if (Date.now() - began > 5_000) throw new Error(`not ${status} on every node within 5 s`);
    await sleep(50);
  }
  return Date.now() - began;
}

/** Another agent at work all the time; what it was answered. */
function bystander(name: string): { end: () => Promise<number[]> } {
  const answers: number[] = [];
  const ended = new AbortController();
  const work = (async () => {
    for (let turn = 0; !ended.signal.aborted; turn += 1) {
      answers.push(await ask(gateway.nodes[turn % gateway.nodes.length]!.endpoint, keyOf(name)));
      await sleep(300);
    }
  })();
  return {
    end: async () => {
      ended.abort();
      await work;
      return answers;
    },
  };
}

const short = (key: string): string => createHash("sha256").update(key).digest("hex").slice(0, 8);

it("has these steps", () => {
  expect([...STEPS.keys()]).toEqual(["whose", "revoke", "apply", "usage", "rotate", "switch-off"]);
});

it("shuts a leaked key out of every node within 5 s and gives the agent another; no other agent notices", async () => {
  const leaked = keyOf(AGENT);
  const other = bystander("support-agent");
  expect(await statuses(leaked)).toEqual([200, 200]);

  const whose = await does("whose", leaked);
  expect([whose.code, whose.said]).toEqual([0, expect.stringMatching(new RegExp(`^${AGENT} +${short(leaked)} +live `))]);
  expect((await does("whose", `${leaked}0`)).code).toBe(1);

  const began = Date.now();
  expect(await does("revoke")).toMatchObject({ code: 0 });
  await until(401, leaked);
  expect(await does("apply")).toMatchObject({ code: 0, said: expect.stringContaining(`${AGENT}: made (key `) as string });
  const fresh = keyOf(AGENT);
  await until(200, fresh);
  expect(Date.now() - began).toBeLessThan(60_000);
  expect([fresh === leaked, await statuses(leaked)]).toEqual([false, [401, 401]]);

  const usage = await does("usage");
  expect([usage.code, usage.said]).toEqual([0, expect.stringContaining(AGENT)]);
  expect(usage.said + whose.said).not.toContain(leaked);

  const answers = await other.end();
  expect(answers.length).toBeGreaterThan(5);
  expect(answers.filter((status) => status !== 200)).toEqual([]);
});

it("changes a key that nobody uses yet without a failed request, and switches off an agent that runs wild", async () => {
  const before = keyOf(AGENT);
  const itself = bystander(AGENT);
  await sleep(1_000);
  expect(await does("rotate")).toMatchObject({ code: 0 });
  await sleep(1_000);
  expect((await itself.end()).filter((status) => status !== 200)).toEqual([]);
  const after = keyOf(AGENT);
  expect(after).not.toBe(before);
  expect([await statuses(before), await statuses(after)]).toEqual([
    [200, 200],
    [200, 200],
  ]);

  for (const [enabled, status] of [
    [false, 401],
    [true, 200],
  ] as const) {
    switched(enabled);
    expect(await does("switch-off")).toMatchObject({ code: 0 });
    await until(status, after);
  }
  expect(keyOf(AGENT)).toBe(after);
});

/** As a change of the stack and `cdktf synth` do. */
function switched(enabled: boolean): void {
  const file = gateway.command.environment.AIGW_DESIRED_STATE!;
  const desired = JSON.parse(readFileSync(file, "utf8")) as DesiredState;
  const agents = desired.agents.map((agent) => (agent.name === AGENT ? { ...agent, enabled } : agent));
  writeFileSync(file, JSON.stringify({ ...desired, agents }));
}
