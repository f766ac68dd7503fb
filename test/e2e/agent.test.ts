import { ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { blocks } from "../agent/guide";
import { InstanceMetadata } from "../agent/instance-metadata";
import { FakeGateway, mintKey } from "../agent/support";
import { MotoCloud, startMoto } from "../support/moto";
import { jsonAws } from "../support/moto/aws-request";
import { litellmPython, pythonWith } from "../support/toolchain";

const ROOT = join(__dirname, "..", "..");
const NAME = "prod-gateway/agents/research-agent";
const SDKS = ["openai@6.30.1", "@anthropic-ai/sdk@1.14.0"];

/** What both vendors' SDKs take for an answer. */
const ANSWER = JSON.stringify({
  id: "1",
  type: "message",
  object: "chat.completion",
  role: "assistant",
  content: [{ type: "text", text: "Hello" }],
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Hello" } }],
  usage: { input_tokens: 1, output_tokens: 1 },
});

const gateway = new FakeGateway();
const metadata = new InstanceMetadata("research-agent");
let moto: MotoCloud;
let folder: string;
let key: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-"));
  [moto] = await Promise.all([startMoto({ region: "eu-central-1" }), gateway.start(), metadata.start()]);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "agent", private: true }));
  execFileSync("npm", ["install", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline", ...SDKS], { cwd: folder });
  mkdirSync(join(folder, "node_modules", "@types"), { recursive: true });
  for (const name of [join("@types", "node"), "undici-types"]) {
    rmSync(join(folder, "node_modules", name), { recursive: true, force: true });
    symlinkSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
  }
});
afterAll(async () => {
  await Promise.all([moto, gateway, metadata].map((double) => double.stop()));
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  await moto.reset();
  key = mintKey();
  gateway.forget(key);
  gateway.answers = [{ status: 200, body: ANSWER }];
  metadata.handedOut = 0;
  await secretsManager("CreateSecret", { Name: NAME, SecretString: key });
});

const secretsManager = (action: string, parameters: object): Promise<unknown> =>
  jsonAws(moto.signer("secretsmanager"), `secretsmanager.${action}`, parameters);

/** The new version, and the old one at its end. */
const rotate = async (): Promise<void> => {
  gateway.keys.clear();
  gateway.keys.add((key = mintKey()));
  await secretsManager("PutSecretValue", { SecretId: NAME, SecretString: key });
};

/** What an instance with a role has in its environment: no key of any kind. */
const environment = (): Record<string, string> => ({
  PATH: process.env.PATH!,
  HOME: folder,
  AWS_ENDPOINT_URL: moto.endpoint,
  AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
});

/** The guide's code, with the gateway of this test. */
const here = (code: string): string => code.replaceAll("https://llm.corp.example", gateway.url);

/** An agent that answers a line with a line. */
class Agent {
  public said = "";
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(command: string, words: readonly string[]) {
    this.child = spawn(command, words, { cwd: folder, env: environment(), stdio: ["pipe", "pipe", "pipe"] });
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.said += text));
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  public async ask(question: string): Promise<string> {
    this.child.stdin!.write(`${question}\n`);
    const line = await this.lines.next();
    if (line.done === true) throw new Error(`the agent ended: ${this.said}`);
    this.said += line.value;
    return line.value;
  }

  public get seen(): string {
    const [words, variables] = ["cmdline", "environ"].map((name) => readFileSync(`/proc/${this.child.pid}/${name}`, "utf8"));
    return `${this.said}${words}${variables}`;
  }

  public stop(): Promise<void> {
    this.child.stdin!.end();
    return new Promise((ended) => this.child.on("close", () => ended()));
  }
}

const TYPESCRIPT_LINES = `
import { createInterface } from "node:readline";
void (async () => { for await (const line of createInterface({ input: process.stdin })) console.log(await ask(line)); })();
`;

const PYTHON_LINES = `
import sys
for line in sys.stdin:
    print(ask(line.strip()), flush=True)
`;

/** Compiles as in a project of one's own, then runs. */
function typescript(file: string, code: string): Agent {
  writeFileSync(join(folder, file), here(code) + TYPESCRIPT_LINES);
  const paths = { "cdktf-ai-gateway/*": [join(ROOT, "src", "*", "index.ts")] };
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "es2023",
    lib: ["es2023"],
    module: "node16",
    skipLibCheck: true,
    esModuleInterop: true,
    paths,
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...compilerOptions, types: ["node"], resolveJsonModule: true }, files: [file] }),
  );
  execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", folder], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return new Agent(process.execPath, ["--import", pathToFileURL(require.resolve("tsx")).href, file]);
}

async function python(code: string): Promise<Agent> {
  writeFileSync(join(folder, "agent.py"), here(code) + PYTHON_LINES);
  return new Agent(await litellmPython(), ["agent.py"]);
}

describe.each<[string, () => Agent | Promise<Agent>, number]>([
  ["TypeScript", () => typescript("agent.ts", blocks("ts")[0]!), 1],
  ["TypeScript and the vendors' SDKs", () => typescript("sdks.ts", blocks("typescript")[0]!), 2],
  ["Python", () => python(blocks("python").slice(0, 2).join("\n")), 1],
])("the guide's agent in %s", (_, start, calls) => {
  it("reads its key by the instance's role, takes up a rotated one, waits where the gateway is busy, and tells no key", async () => {
    const agent = await start();
    try {
      const hello = Array<string>(calls).fill("Hello").join(" ");
      expect(await agent.ask("one")).toBe(hello);
      expect(await agent.ask("two")).toBe(hello);
      expect([metadata.handedOut > 0, gateway.asked.length]).toEqual([true, 2 * calls]);

      const old = key;
      await rotate();
      expect(await agent.ask("three")).toBe(hello);
      expect(gateway.asked.length).toBe(3 * calls + 1);

      gateway.answers = [429, 503].map((status) => ({ status, body: "{}", headers: { "retry-after": "1" } }));
      gateway.answers.push({ status: 200, body: ANSWER });
      const began = Date.now();
      expect(await agent.ask("four")).toBe(hello);
      expect(Date.now() - began).toBeGreaterThanOrEqual(2_000);
      expect(gateway.asked.length).toBe(4 * calls + 3);
      expect(gateway.asked.every(({ headers }) => headers["x-api-key"] === undefined)).toBe(true);
      for (const value of [old, key]) expect(agent.seen).not.toContain(value);
    } finally {
      await agent.stop();
    }
  });
});

it("the guide's Python is typed, and clean to the linter", async () => {
  const tools = dirname(await litellmPython());
  const settings = join(ROOT, "test", "node", "pyproject.toml");
  writeFileSync(join(folder, "typed.py"), blocks("python").join("\n\n"));
  execFileSync(join(tools, "mypy"), ["--config-file", settings, "--cache-dir", join(folder, ".mypy"), "typed.py"], { cwd: folder });
  // The page's parts import what they need, where they need it.
  execFileSync(join(tools, "ruff"), ["check", "--no-cache", "--config", settings, "--ignore", "I,E402", "typed.py"], { cwd: folder });
});

describe("the guide's service", () => {
  interface CloudConfig {
    readonly write_files: readonly { readonly path: string; readonly content: string }[];
  }
  let script: string;
  let service: Record<string, string>;

  beforeAll(() => {
    const [first, unit] = (parse(blocks("yaml")[0]!) as CloudConfig).write_files;
    script = join(folder, "gateway-key");
    writeFileSync(script, first!.content, { mode: 0o755 });
    service = Object.fromEntries([...unit!.content.matchAll(/^Environment=(\w+)=(.+)$/gm)].map(([, name, value]) => [name!, value!]));
  });

  /** Runs as systemd would: a folder in memory, no terminal. Whatever is asked for while it runs, no process's words hold a key. */
  const run = async (file: string, more: Record<string, string> = {}): Promise<string> => {
    const runtime = mkdtempSync(join(folder, "run-"));
    const aws = dirname(await pythonWith(join(ROOT, "test", "agent", "aws-cli", "requirements.txt")));
    const env = { ...environment(), ...service, PATH: `${folder}:${aws}:${process.env.PATH}`, RUNTIME_DIRECTORY: runtime, ...more };
    const ran = spawn("bash", [file], { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [ran.stdout, ran.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    const code = await new Promise((ended) => ran.on("close", ended));
    if (code !== 0) throw new Error(`ended with ${String(code)}: ${said}`);
    expect(said).not.toContain(key);
    return runtime;
  };
  const variables = (runtime: string): string => readFileSync(join(runtime, "environment"), "utf8");

  it("has the key by the instance's role, for itself only, anew at each start", async () => {
    const first = await run(script);
    expect(variables(first)).toBe(`LITELLM_API_KEY=${key}\n`);
    expect(statSync(join(first, "environment")).mode & 0o777).toBe(0o600);
    expect(metadata.handedOut).toBeGreaterThan(0);
    await rotate();
    expect(variables(await run(script))).toBe(`LITELLM_API_KEY=${key}\n`);
  });

  it("does not start without one, and says which", async () => {
    await expect(run(script, { GATEWAY_KEY_SECRET: "prod-gateway/agents/another" })).rejects.toThrow(/ResourceNotFoundException/);
    await secretsManager("PutSecretValue", { SecretId: NAME, SecretString: `not ${key}` });
    const refused = (await run(script).catch((error: unknown) => error)) as Error;
    expect(refused.message).toContain(`${NAME}: what it holds is not a key`);
    expect(refused.message).not.toContain(key);
  });

  it("calls with curl, which waits where the gateway is busy, and whose arguments hold no key", async () => {
    const [, curl] = blocks("bash");
    const file = join(folder, "call");
    writeFileSync(file, here(curl!));
    let words = "";
    gateway.onAsked = () => (words += processes());
    gateway.answers = [
      { status: 429, body: "{}", headers: { "retry-after": "1" } },
      { status: 200, body: ANSWER },
    ];
    await run(file, { LITELLM_API_KEY: key });
    gateway.onAsked = () => undefined;
    expect(gateway.asked.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual(Array(2).fill("POST /v1/chat/completions"));
    expect(words).toContain("--header @-");
    expect(words).not.toContain(key);
  });

  it("is read on Alibaba Cloud by the vendor's CLI, whose words are those of the guide", async () => {
    // A stand-in that takes these words and no others: the CLI is a program of another language, in no registry of ours.
    const words = `kms GetSecretValue --mode EcsRamRole --ram-role-name research-agent --region cn-shanghai --endpoint kms-vpc.cn-shanghai.aliyuncs.com --SecretName ${NAME} --VersionStage ACSCurrent`;
    const reply = join(folder, "reply.json");
    writeFileSync(reply, JSON.stringify({ RequestId: "1", SecretData: key, SecretDataType: "text", VersionId: "1" }));
    writeFileSync(join(folder, "aliyun"), `#!/bin/bash\n[[ "$*" == "${words}" ]] && cat ${reply}\n`, { mode: 0o755 });
    const [alibaba] = blocks("bash");
    const changed = readFileSync(script, "utf8").replace(/^key=[^]*?--output text\)\n/m, () => alibaba!);
    expect(changed).toContain("aliyun");
    const file = join(folder, "gateway-key-alibaba");
    writeFileSync(file, changed);
    const surroundings = { GATEWAY_KEY_REGION: "cn-shanghai", PATH: `${folder}:${process.env.PATH}` };
    expect(variables(await run(file, surroundings))).toBe(`LITELLM_API_KEY=${key}\n`);

    const code = `from collections.abc import Callable\n${blocks("python")[2]!}\nprint(len(from_kms("cn-shanghai", "research-agent", "${NAME}")()))\n`;
    const env = { ...environment(), PATH: surroundings.PATH };
    const length = execFileSync(await litellmPython(), ["-c", code], { env, encoding: "utf8" }).trim();
    expect(Number(length)).toBe(key.length);
    rmSync(reply);
  });
});

/** The arguments of every process of this computer. */
function processes(): string {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(join("/proc", name, "cmdline"), "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .join("\n");
}
