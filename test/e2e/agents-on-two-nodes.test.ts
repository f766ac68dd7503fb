// Agents' keys from the first apply to the last: the real LiteLLM, PostgreSQL and Redis with two gateway processes, real Terraform with
// the real provider of AWS, and the command that the stack carries. Only the account and the models are doubles. Each step needs the one
// before.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { keyHash } from "../../src/cli/keys/admin-api";
import { isOver } from "../../src/cli/keys/reconcile";
import { synthesizedGateway } from "../../src/cli/local/synthesized-gateway";
import { synthesizeExample } from "../support/examples";
import { ProcessWatch } from "../support/leaks/process-watch";
import { canariesIn, placesOf } from "../support/leaks/search";
import { Answered, ask, until } from "../support/two-nodes/agent-client";
import { GATEWAY, SEED_AGENTS } from "../support/two-nodes/agents-stack";
import { HeldRuns } from "../support/two-nodes/held-runs";
import { provisionMany } from "../support/two-nodes/many-agents";
import { BeforeCall, TwoNodes } from "../support/two-nodes/two-nodes";
import type { AgentProps, AgentsProps } from "cdktf-ai-gateway";

/** A thousand: test/extended/agents-on-two-nodes.test.ts. */
const MANY = 10;

const work = mkdtempSync(join(tmpdir(), "two-nodes-"));
const world = new TwoNodes(work);
const processes = join(work, "processes.txt");
let watch: ProcessWatch | undefined;

beforeAll(async () => {
  watch = await ProcessWatch.start(processes);
  await world.start();
});
afterAll(async () => {
  await watchNoMore();
  await world.stop();
  rmSync(work, { recursive: true });
});

async function watchNoMore(): Promise<void> {
  await watch?.stop();
  watch = undefined;
}

const nodes = (): readonly string[] => world.gateway.nodes.map(({ endpoint }) => endpoint);
const onBoth = async (key: string, model?: string): Promise<number[]> =>
  Promise.all(nodes().map(async (node) => (await ask(node, key, model)).status));
/** The n-th call goes to the one node, the next to the other. */
const inTurn = (index: number, key: string, model?: string): Promise<Answered> => ask(nodes()[index % 2]!, key, model);

describe("the first apply", () => {
  it("names the agents of the quickstart, with their numbers", () => {
    const example = synthesizeExample("quickstart");
    expect(world.desired).toEqual(synthesizedGateway(example.folder, "quickstart-aws", undefined).desired);
    example.dispose();
    expect(world.desired.agents).toHaveLength(4);
  });

  it("makes a key for each, with the limits of the stack, that both nodes let in; a second plan is empty", async () => {
    await world.apply();
    const written = (action: string): number => world.writes.filter((write) => write === action).length;
    expect([written("PutSecretValue"), written("POST /key/generate"), world.writes.length]).toEqual([4, 4, 8]);
    for (const { name, models, qpm, dailyTokens, dailyBudgetUsd } of world.desired.agents) {
      const key = await world.key(name);
      expect([name, await onBoth(key)]).toEqual([name, [200, 200]]);
      const limits = { aigw_agent: name, aigw_qpm: qpm, aigw_daily_tokens: dailyTokens, aigw_daily_budget_usd: dailyBudgetUsd };
      expect(await world.api.find(keyHash(key))).toMatchObject({ models, metadata: limits });
    }
    expect(await world.hasChanges()).toBe(false);
  });

  it("can be forced to run again, for one agent or for all, and writes nothing, neither at the gateway nor in the store", async () => {
    const runs = (await world.terraform.stateList()).filter((address) => address.startsWith("null_resource.gateway_Agents_"));
    expect(runs).toHaveLength(Object.keys(SEED_AGENTS).length + 1);
    for (const replace of [runs.filter((address) => address.includes("research-agent")), runs]) {
      world.forget();
      await world.apply({ replace });
      expect(world.calls.length).toBeGreaterThanOrEqual(4 * replace.length);
      expect(world.writes).toEqual([]);
    }
  });
});

describe("an agent", () => {
  it("may not use another one's models, nor administer; a stranger is not let in", async () => {
    const key = await world.key("schedule-agent");
    expect([await onBoth(key), await onBoth(key, "gpt-4o"), await onBoth(await world.key("research-agent"), "gpt-4o")]).toEqual([
      [200, 200],
      [403, 403],
      [200, 200],
    ]);
    expect(await onBoth(world.canaries.into("a stranger's key"))).toEqual([401, 401]);
    const administer = async (endpoint: string): Promise<number> => {
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      return (await fetch(`${endpoint}/key/generate`, { method: "POST", headers, body: JSON.stringify({ models: [] }) })).status;
    };
    const admin = world.gateway.nodes.map(({ adminEndpoint }) => adminEndpoint);
    expect(await Promise.all([...admin, ...nodes()].map(administer))).toEqual([403, 403, 404, 404]);
  });

  it("meets each of its limits over both nodes together, exactly, and is told which and until when", async () => {
    const small = await smallLimits();
    await world.name({ ...world.agents, ...Object.fromEntries(small.map(({ name, limit }) => [name, limit])), ...OTHERS });
    await world.apply();
    await awayFromMidnight();
    await Promise.all(small.map(isMet));
  });
});

/** What later steps work with. */
const OTHERS: AgentsProps = { "loaded-agent": {}, "counted-agent": { qpm: 12 }, "leaked-agent": {}, "leaving-agent": {} };

interface SmallLimit {
  readonly name: string;
  readonly limit: AgentProps;
  readonly model?: string;
  /** So many requests are let in. */
  readonly passes: number;
  readonly type: string;
  readonly isUntilMidnight?: true;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Three to six requests, by what one costs: all are of the same length. */
async function smallLimits(): Promise<readonly SmallLimit[]> {
  const key = await world.key("research-agent");
  const { usage } = await inTurn(0, key);
  const tokens = usage!.total_tokens;
  const { model_info: price } = (await world.api.models())!.find(({ model_name: name }) => name === "gpt-4o")!;
  const asked = (await inTurn(1, key, "gpt-4o")).usage!;
  const usd = asked.prompt_tokens * price!.input_cost_per_token! + asked.completion_tokens * price!.output_cost_per_token!;
  // Counted in millionths, rounded up; a floating number's last digit is none of them.
  const millionths = Math.ceil(Number((usd * 1e6).toFixed(3)));
  const [money, spent] = [(2 * millionths + 1) / 1e6, (3 * millionths) / 1e6];
  return [
    { name: "asking-agent", limit: { qpm: 6 }, passes: 6, type: "agent_rate_limit" },
    { name: "reading-agent", limit: { tpm: 3 * tokens + 1 }, passes: 4, type: "agent_token_rate_limit" },
    {
      name: "daily-agent",
      limit: { dailyTokens: 3 * tokens },
      passes: 3,
      type: "daily_tokens_exceeded",
      isUntilMidnight: true,
      headers: { "x-daily-tokens-limit": String(3 * tokens), "x-daily-tokens-used": String(3 * tokens) },
    },
    {
      name: "thrifty-agent",
      limit: { dailyBudgetUsd: money },
      model: "gpt-4o",
      passes: 3,
      type: "daily_budget_exceeded",
      isUntilMidnight: true,
      headers: { "x-daily-budget-limit-usd": String(money), "x-daily-budget-used-usd": String(spent) },
    },
  ];
}

async function isMet({ name, model, passes, type, isUntilMidnight, headers = {} }: SmallLimit): Promise<void> {
  const key = await world.key(name);
  const said: number[] = [];
  // What a request used is counted moments after its end.
  for (let index = 0; index < passes; index += 1) {
    said.push((await inTurn(index, key, model)).status);
    await sleep(1_000);
  }
  const refused = await Promise.all([0, 1, 2, 3].map((index) => inTurn(index, key, model)));
  const untilMidnight = (DAY_MS - (Date.now() % DAY_MS)) / 1000;
  expect([name, said]).toEqual([name, said.map(() => 200)]);
  for (const answer of refused) {
    expect([name, answer.status, answer.type, answer.code]).toEqual([name, 429, type, type]);
    const after = Number(answer.headers.get("retry-after"));
    expect(after).toBeGreaterThan(0);
    expect(after).toBeLessThanOrEqual(isUntilMidnight ? untilMidnight + 10 : 60);
    if (isUntilMidnight) expect(after).toBeGreaterThan(untilMidnight - 10);
    for (const [header, value] of Object.entries(headers)) expect([header, answer.headers.get(header)]).toEqual([header, value]);
  }
}

const DAY_MS = 86_400_000;

/** The gateway's days are UTC's. */
async function awayFromMidnight(): Promise<void> {
  const left = DAY_MS - (Date.now() % DAY_MS);
  if (left < 60_000) await sleep(left + 1_000);
}

describe("a rotation", () => {
  it("under load on both nodes fails no request, and leaves the agent's limit as it is, whichever of its two keys is used", async () => {
    const [old, counted] = [await world.key("loaded-agent"), await world.key("counted-agent")];
    const seen: { readonly key: string; readonly node: string; readonly status: number }[] = [];
    let loaded = true;
    const client = async (node: string): Promise<void> => {
      while (loaded) {
        // As a box does: it reads its secret, then asks.
        const key = await world.key("loaded-agent");
        seen.push({ key, node, status: (await ask(node, key)).status });
      }
    };
    const clients = [...nodes(), ...nodes()].map(client);
    expect(await statuses(counted, 6)).toEqual({ 200: 6 });
    const rotated = await Promise.all(["loaded-agent", "counted-agent"].map((name) => world.keys(["rotate", name, "--overlap", "8s"])));
    expect(rotated).toEqual([expect.objectContaining({ code: 0 }), expect.objectContaining({ code: 0 })]);
    expect(await statuses([counted, await world.key("counted-agent")], 16)).toEqual({ 200: 6, 429: 10 });
    // Whoever still holds the old one is served.
    expect(await onBoth(old)).toEqual([200, 200]);
    await sleep(2_000);
    loaded = false;
    await Promise.all(clients);
    expect(seen.filter(({ status }) => status !== 200)).toEqual([]);
    for (const key of [old, await world.key("loaded-agent")]) {
      for (const node of nodes()) expect(seen.filter((one) => one.key === key && one.node === node).length).toBeGreaterThan(3);
    }
    await Promise.all(nodes().flatMap((node) => [old, counted].map((key) => until(401, node, key, 20_000))));
    expect(await onBoth(await world.key("loaded-agent"))).toEqual([200, 200]);
  });
});

/** How often which status was answered: each node and each key in turn, all at once. */
async function statuses(keys: string | readonly string[], times: number): Promise<Record<number, number>> {
  const list = [keys].flat();
  const answers = await Promise.all(Array.from({ length: times }, (_, index) => inTurn(index, list[(index >> 1) % list.length]!)));
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe("an agent that is to be stopped", () => {
  const WITHIN_MS = 5_000;

  it("is, on both nodes within five seconds of `keys revoke`", async () => {
    const key = await world.key("leaked-agent");
    expect(await onBoth(key)).toEqual([200, 200]);
    expect(await world.keys(["revoke", "leaked-agent"])).toMatchObject({ code: 0 });
    await Promise.all(nodes().map((node) => until(401, node, key, WITHIN_MS)));
    expect(await world.key("leaked-agent")).toMatch(/^revoked /);
  });

  it("is, on both nodes within five seconds of an apply of the stack that names it no more", async () => {
    const key = await world.key("leaving-agent");
    expect(await onBoth(key)).toEqual([200, 200]);
    const { "leaving-agent": leaving, "leaked-agent": leaked, ...others } = world.agents;
    expect([leaving, leaked]).toEqual([{}, {}]);
    await world.name(others);
    await world.apply();
    await Promise.all(nodes().map((node) => until(401, node, key, WITHIN_MS)));
    expect(await world.api.ofAgent("leaving-agent")).toEqual([]);
  });
});

describe("an apply that fails", () => {
  it("by the end of its runner, at each call that makes a key, is finished by the next one: one key, the one in the store", async () => {
    const names = Array.from({ length: HeldRuns.NEW }, (_, index) => `killed-agent-${index}`);
    const runs = new HeldRuns(["code-agent"]);
    const made = Object.fromEntries(names.map((name) => [name, { dailyBudgetUsd: 1 }]));
    await world.name({ ...world.agents, ...made, "code-agent": { ...SEED_AGENTS["code-agent"], qpm: 61 } });
    await world.behind(runs.before, async () => {
      let kill: (() => void) | undefined;
      const killed = world.failure({ started: (end) => (kill = end) });
      // One of the runs has come to its end, and Terraform has written its state meanwhile.
      await reached(() => runs.steps.length === HeldRuns.STEPS.length && state().includes("Key-killed-agent-"));
      kill!();
      expect(await killed).toContain("exited with -1");
      runs.end();
    });
    expect(runs.steps).toEqual(HeldRuns.STEPS);
    const before = await Promise.all(names.map((name) => world.value(`agents/${name}`)));
    expect(before.filter((key) => key !== undefined).length).toBeGreaterThan(3);

    // The lock of a state in a file ends with its holder: nothing is to be done but to apply again.
    await world.apply();
    for (const [index, name] of names.entries()) {
      const key = await world.key(name);
      expect([name, await onBoth(key)]).toEqual([name, [200, 200]]);
      expect([name, await living(name)]).toEqual([name, [keyHash(key)]]);
      expect([undefined, key]).toContain(before[index]);
    }
    expect(await world.api.find(keyHash(await world.key("code-agent")))).toMatchObject({ metadata: { aigw_qpm: 61 } });
  });

  it("for one agent's secret makes the others' keys, and says which secret; once that is allowed the next one heals it", async () => {
    const secret = `${GATEWAY}/agents/denied-agent`;
    await world.name({ ...world.agents, "denied-agent": {}, "allowed-agent": {} });
    const denied: BeforeCall = ({ asked }) =>
      asked.body.includes(`"${secret}"`) ? { status: 400, body: JSON.stringify({ __type: "AccessDeniedException" }) } : undefined;
    const said = await world.behind(denied, () => world.failure());
    expect(said).toContain(`${secret}: `);
    expect(said).toContain("denied-agent: failed");
    expect(said).not.toContain("allowed-agent: failed");
    expect(await onBoth(await world.key("allowed-agent"))).toEqual([200, 200]);
    expect(await living("denied-agent")).toEqual([]);
    expect(await world.hasChanges()).toBe(true);
    await world.apply();
    expect(await onBoth(await world.key("denied-agent"))).toEqual([200, 200]);
  });
});

/** The hashes of the keys of an agent that are let in. */
async function living(agent: string): Promise<string[]> {
  const keys = await world.api.ofAgent(agent);
  return keys.filter((key) => key.blocked !== true && !isOver(key, Date.now())).map(({ token }) => token);
}

function state(): string {
  return readFileSync(join(world.terraform.folder, "terraform.tfstate"), "utf8");
}

async function reached(goal: () => boolean): Promise<void> {
  const began = Date.now();
  while (!goal()) {
    if (Date.now() - began > 300_000) throw new Error("the runs are not where they should be after five minutes");
    await sleep(50);
  }
}

describe("more agents than the stack names", () => {
  it("get their keys, and a second run writes nothing", () => provisionMany(world, MANY));
});

describe("after all of this no key, old or new, and not the master key", () => {
  it("is in state, plan, what was said, or the nodes' folders and logs", async () => {
    const folders = [work, world.terraform.folder, world.gateway.folder];
    expect(world.canaries.values.length).toBeGreaterThan(MANY + Object.keys(world.agents).length);
    for (const name of Object.keys(SEED_AGENTS)) expect(world.canaries.values).toContain(await world.key(name));
    expect(await canariesIn(folders, world.canaries)).toEqual([]);
    // A key that lies somewhere is found.
    const planted = join(work, "planted.txt");
    writeFileSync(planted, await world.key("research-agent"));
    expect(await canariesIn([planted], world.canaries)).toEqual([`a key that the command made -> ${planted}`]);
    rmSync(planted);
    const searched = [
      join(world.said, "terraform.txt"),
      join(world.said, "command.txt"),
      join(world.said, "plan.json"),
      join(world.terraform.folder, "terraform.tfstate"),
      join(world.terraform.folder, "saved.tfplan!tfplan"),
      join(world.gateway.folder, "gateway.log"),
      join(world.gateway.folder, "gateway-2.log"),
      join(world.gateway.folder, "requests"),
    ];
    const places = await placesOf(folders, "loaded-agent", "secrets-read");
    for (const place of searched) expect(places).toContainEqual(expect.stringContaining(place));
  });

  it("was in a process's arguments", async () => {
    await watchNoMore();
    expect(await canariesIn([processes], world.canaries)).toEqual([]);
    for (const words of ["keys apply --encryption-key ", "--agent research-agent", "keys rotate loaded-agent", "aigw_node serve"]) {
      expect(await placesOf([processes], words)).toEqual([processes]);
    }
  });
});
