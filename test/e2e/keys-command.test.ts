// `cdktf-ai-gateway keys` against the real LiteLLM: the quickstart's own bundle, with the keys in a Vault.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalGateway } from "../../src/cli/local/local-gateway";
import { synthesizedGateway } from "../../src/cli/local/synthesized-gateway";
import { AgentState, DesiredState, GroupState } from "../../src/litellm/agents";
import { AGENT_ROUTES } from "../../src/litellm/routes";
import { Between } from "../support/secret-stores/between";
import { RunningServer } from "../support/secret-stores/server";
import { documentOf } from "../support/secret-stores/tested-stores";
import { VaultDouble } from "../support/secret-stores/vault";
import { Ended, SecretsCommand } from "../support/secrets-command";

const ROOT = join(__dirname, "..", "..");

const command = new SecretsCommand("keys");
const vault = new VaultDouble();
const told: string[] = [];
let output: string;
let gateway: LocalGateway;
let admin: { between: Between; server: RunningServer };

beforeAll(async () => {
  output = mkdtempSync(join(tmpdir(), "out-"));
  const environment = { ...process.env, CDKTF_OUTDIR: output };
  execFileSync(process.execPath, ["--import", "tsx", join("examples", "quickstart", "main.ts")], { cwd: ROOT, env: environment });
  gateway = new LocalGateway(synthesizedGateway(output, "quickstart-aws", undefined));
  await Promise.all([gateway.start(), vault.start()]);
  admin = await Between.of(gateway.adminEndpoint);
  vault.secrets.set("gw/master-key", [{ data: { value: gateway.masterKey }, made: new Date() }]);
});
afterAll(async () => {
  await Promise.all([gateway.stop(), vault.stop(), admin.server.stop()]);
  command.dispose();
  rmSync(output, { recursive: true });
});

const agent = (name: string, more: Partial<AgentState> = {}): AgentState => ({
  name,
  secretName: `agents/${name}`,
  models: ["qwen-max", "qwen-plus"],
  enabled: true,
  ...more,
});

async function keys(words: readonly string[], agents: readonly AgentState[], groups: readonly GroupState[] = []): Promise<Ended> {
  const state: DesiredState = { version: 1, routes: AGENT_ROUTES, groups, agents };
  const file = join(command.folder, "agents.json");
  writeFileSync(file, JSON.stringify(state));
  admin.between.calls.length = 0;
  const ended = await command.run(words, {
    environment: {
      VAULT_TOKEN: vault.token,
      AIGW_SECRETS: JSON.stringify(
        documentOf({ kind: "vault", address: vault.url, mount: "secret", auth: { method: "aws", mount: "aws", role: "gw" } }),
      ),
      AIGW_DESIRED_STATE: file,
      AIGW_ENDPOINT: admin.server.url,
    },
  });
  told.push(ended.stdout, ended.stderr);
  return ended;
}

const writes = (): string[] => admin.between.calls.filter((call) => call.startsWith("POST"));
const keyOf = (name: string): string => vault.fields(`gw/agents/${name}`)!.value as string;

async function ask(key: string, model = "qwen-plus"): Promise<number> {
  const reply = await fetch(`${gateway.endpoint}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 20, messages: [{ role: "user", content: `hello ${Math.random()}` }] }),
  });
  await reply.arrayBuffer();
  return reply.status;
}

/** Until an answer is what it should be; the milliseconds that took. */
async function until(status: number, key: string, longestMs: number): Promise<number> {
  const began = Date.now();
  while ((await ask(key)) !== status) {
    if (Date.now() - began > longestMs) throw new Error(`not ${status} within ${longestMs} ms`);
    await sleep(100);
  }
  return Date.now() - began;
}

it("makes keys that work, revokes who is not named, and writes nothing the second time", async () => {
  const [agents, groups] = [[agent("one", { group: "team", labels: { owner: "a" } }), agent("two")], [group()]];
  const first = await keys(["apply"], agents, groups);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.stdout).toContain("group team: made\n");
  expect(first.stdout).toContain("6 agents: 2 made, 4 revoked; 1 group: 1 made\n");
  expect([await ask(keyOf("one")), await ask(keyOf("two"), "qwen-max")]).toEqual([200, 200]);
  expect(await ask(keyOf("two"), "gpt-4o")).toBe(403);
  // Those that the local run had made are named no more.
  expect(gateway.agents).toHaveLength(4);
  for (const { key } of gateway.agents) expect(await ask(key)).toBe(401);
  const second = await keys(["apply"], agents, groups);
  expect([second.code, second.stdout.trimEnd().split("\n").at(-1), writes()]).toEqual([
    0,
    "2 agents: 2 unchanged; 1 group: 1 unchanged",
    [],
  ]);
  expect((await keys(["apply", "--agent", "one"], agents, groups)).code).toBe(0);
  expect(admin.between.calls).toEqual(["GET /key/list", "GET /key/info"]);
  expect(await keys(["diff"], agents, groups)).toMatchObject({ code: 0 });
});

it("changes limits in place, switches an agent off and on, moves it out of its group, and gives it an end", async () => {
  const before = keyOf("one");
  const limited = [agent("one", { qpm: 1 }), agent("two", { enabled: false })];
  const differs = await keys(["diff"], limited);
  expect([differs.code, writes()]).toEqual([2, []]);
  expect(differs.stdout).toContain("one: would be changed: team aigw-team -> none, qpm none -> 1, group team -> none, labels");
  expect(await keys(["apply"], limited)).toMatchObject({ code: 0, stdout: expect.stringContaining("group team: removed") as string });
  expect(keyOf("one")).toBe(before);
  await until(429, before, 5_000);
  await until(401, keyOf("two"), 5_000);
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const back = [agent("one", { expires: soon }), agent("two")];
  expect((await keys(["apply"], back)).code).toBe(0);
  await until(200, before, 5_000);
  await until(200, keyOf("two"), 5_000);
  expect([(await keys(["apply"], back)).code, writes()]).toEqual([0, []]);
  const listed = await keys(["list"], back);
  expect(listed.stdout).toMatch(new RegExp(`^one +[0-9a-f]{8} +live .* ${soon.slice(0, 14)}`, "m"));
  expect((await keys(["apply"], [agent("one"), agent("two")])).code).toBe(0);
});

it("rotates under load without a failed request; the old key is dead after the overlap", async () => {
  const agents = [agent("one"), agent("two")];
  const [old, statuses] = [keyOf("one"), new Map<string, number[]>()];
  let loaded = true;
  const load = async (): Promise<void> => {
    while (loaded) {
      const key = keyOf("one");
      const status = await ask(key);
      statuses.set(key, [...(statuses.get(key) ?? []), status]);
    }
  };
  const clients = [load(), load(), load(), load()];
  await sleep(1_000);
  const rotated = await keys(["rotate", "one", "--overlap", "8s"], agents);
  expect(rotated).toMatchObject({ code: 0, stdout: expect.stringMatching(/^one: rotated \(key [0-9a-f]{8}\): the old one, /) as string });
  // Who still holds the old one is served.
  expect([await ask(old), await ask(keyOf("one"))]).toEqual([200, 200]);
  await sleep(2_000);
  loaded = false;
  await Promise.all(clients);
  expect([...statuses.keys()]).toEqual([old, keyOf("one")]);
  for (const seen of statuses.values()) {
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.filter((status) => status !== 200)).toEqual([]);
  }
  await until(401, old, 15_000);
  expect(await ask(keyOf("one"))).toBe(200);
  const healed = await keys(["apply"], agents);
  expect(healed.stdout).toMatch(/^one: changed \(key [0-9a-f]{8}\): removed [0-9a-f]{8}, which had ended$/m);
});

it("tells what was used, counting keys that are gone", async () => {
  const agents = [agent("one", { dailyTokens: 1_000_000 }), agent("two")];
  // LiteLLM writes what was used once a minute.
  for (let tries = 0; ; tries += 1) {
    const { stdout, code } = await keys(["usage", "--json"], agents);
    expect(code).toBe(0);
    const [one] = (JSON.parse(stdout) as { agents: { agent: string; requests: number; tokens: number }[] }).agents;
    if (one!.requests >= 8 && one!.tokens > 0) break;
    if (tries > 60) throw new Error(`what was used is not told: ${stdout}`);
    await sleep(4_000);
  }
  expect((await keys(["usage"], agents)).stdout).toMatch(/^one +\d+ +\d+ +1000000 +\d+ % /m);
});

it("revokes at once and for good, and says no key in all that it tells", async () => {
  const agents = [agent("one"), agent("two")];
  const [one, two] = [keyOf("one"), keyOf("two")];
  expect((await keys(["revoke", "one"], agents)).code).toBe(0);
  await until(401, one, 5_000);
  expect(keyOf("one")).toMatch(/^revoked /);
  expect(await keys(["revoke", "one"], agents)).toMatchObject({ code: 0, stdout: expect.stringContaining("it had no key") as string });
  expect((await keys(["revoke", "--absent"], [agent("one")])).code).toBe(0);
  await until(401, two, 5_000);
  expect((await keys(["apply"], [agent("one")])).code).toBe(0);
  expect(await ask(keyOf("one"))).toBe(200);
  const values = [...vault.secrets.values()].flat().map(({ data }) => data.value as string);
  expect(values.length).toBeGreaterThan(5);
  const everywhere = [...told, ...logs()].join("\n");
  for (const value of values.filter((text) => text.startsWith("sk-"))) expect(everywhere.includes(value)).toBe(false);
});

function group(): GroupState {
  return { name: "team", budgetUsd: 5, budgetPeriod: "month" };
}

/** What the gateway itself has logged. */
function logs(): string[] {
  const files = readdirSync(gateway.folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".log"));
  return files.map((name) => readFileSync(join(gateway.folder, name), "utf8"));
}
