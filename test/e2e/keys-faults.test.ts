// `cdktf-ai-gateway keys` as a runner runs it, killed at each step: the next run finishes, and no agent is ever without a key.
import { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AgentState, DesiredState } from "../../src/litellm/agents";
import { AGENT_ROUTES } from "../../src/litellm/routes";
import { LiteLlmAdmin, WORDS } from "../support/litellm-admin/litellm-admin";
import { Between } from "../support/secret-stores/between";
import { RunningServer } from "../support/secret-stores/server";
import { canary, documentOf } from "../support/secret-stores/tested-stores";
import { VaultDouble } from "../support/secret-stores/vault";
import { Ended, SecretsCommand } from "../support/secrets-command";

const command = new SecretsCommand("keys");
afterAll(() => command.dispose());

/** What a run meets. */
interface Conditions {
  /** The call that it does not outlive. */
  readonly at?: number;
  /** That call is still done. */
  readonly after?: boolean;
  readonly agents?: readonly AgentState[];
  readonly watch?: (child: ChildProcess) => NodeJS.Timeout;
}

/** A gateway and a store that count the calls of both, and kill the command before or after one of them. */
class Scene {
  public readonly litellm = new LiteLlmAdmin();
  public readonly vault = new VaultDouble();
  public calls = 0;
  private between!: Between;
  private server!: RunningServer;

  public async start(): Promise<this> {
    await Promise.all([this.litellm.start(), this.vault.start()]);
    ({ between: this.between, server: this.server } = await Between.of(this.vault.url));
    this.put("gw/master-key", this.litellm.masterKey);
    return this;
  }

  public async stop(): Promise<void> {
    await Promise.all([this.litellm.stop(), this.server.stop()]);
    await this.vault.stop();
  }

  public put(name: string, value: string): void {
    this.vault.secrets.set(name, [...(this.vault.secrets.get(name) ?? []), { data: { value }, made: new Date() }]);
  }

  /** The value that the agent reads. */
  public get key(): string | undefined {
    return this.vault.fields("gw/agents/x")?.value as string | undefined;
  }

  public async run(words: readonly string[], { at = Infinity, after = false, agents = [AGENT], watch }: Conditions = {}): Promise<Ended> {
    this.calls = 0;
    let watched: NodeJS.Timeout | undefined;
    const state: DesiredState = { version: 1, routes: AGENT_ROUTES, groups: [], agents };
    const file = join(command.folder, "agents.json");
    writeFileSync(file, JSON.stringify(state));
    const ended = await command.run(words, {
      environment: {
        VAULT_TOKEN: this.vault.token,
        AIGW_SECRETS: JSON.stringify(
          documentOf({ kind: "vault", address: this.server.url, mount: "secret", auth: { method: "aws", mount: "aws", role: "gw" } }),
        ),
        AIGW_DESIRED_STATE: file,
        AIGW_ENDPOINT: this.litellm.url,
      },
      started: (child) => {
        watched = watch?.(child);
        const kills = (): boolean => {
          if (this.calls <= at) return false;
          child.kill("SIGKILL");
          return true;
        };
        const before = () => {
          this.calls += 1;
          return !after && kills() ? { status: 0 } : undefined;
        };
        this.litellm.before = this.between.before = before;
        this.litellm.after = this.between.after = () => after && kills();
      },
    });
    clearInterval(watched);
    return ended;
  }
}

/** The most that a process has held, in MB; 0: it has ended. */
function residentMegabytes(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

const AGENT = { name: "x", secretName: "agents/x", models: ["a"], enabled: true, qpm: 3 };

async function scene(...first: readonly (readonly string[])[]): Promise<Scene> {
  const made = await new Scene().start();
  for (const words of first) expect(await made.run(words)).toMatchObject({ code: 0 });
  return made;
}

/** Kills it at each of its steps, before and after what the step does, each time in a scene of its own. */
async function killedAtEachStep(first: readonly (readonly string[])[], words: readonly string[], check: (scene: Scene) => Promise<void>) {
  const whole = await scene(...first);
  expect(await whole.run(words)).toMatchObject({ code: 0 });
  const steps = whole.calls;
  await whole.stop();
  expect(steps).toBeGreaterThan(5);
  for (let at = 0; at < steps; at += 1) {
    for (const after of [false, true]) {
      const one = await scene(...first);
      const ended = await one.run(words, { at, after });
      expect([at, after, ended.code]).toEqual([at, after, null]);
      await check(one);
      await one.stop();
    }
  }
}

/** One key of the agent is let in for good: the one that it reads. */
function expectWhole({ litellm, key }: Scene): void {
  expect(litellm.letIn(key!)).toBe(200);
  expect(litellm.live("x").filter(({ expires }) => expires === null)).toEqual([litellm.held(key!)]);
}

it("apply", async () => {
  await killedAtEachStep([], ["apply"], async (one) => {
    const minted = one.key;
    expect(await one.run(["apply", "--agent", "x"])).toMatchObject({ code: 0 });
    expectWhole(one);
    if (minted !== undefined) expect(one.key).toBe(minted);
  });
});

it("rotate", async () => {
  await killedAtEachStep([["apply"]], ["rotate", "x"], async (one) => {
    // What the agent reads works, whatever has happened.
    expect(one.litellm.letIn(one.key!)).toBe(200);
    expect(await one.run(["apply"])).toMatchObject({ code: 0 });
    expectWhole(one);
    const old = one.key;
    expect(await one.run(["rotate", "--all", "--overlap", "1h"])).toMatchObject({ code: 0 });
    expectWhole(one);
    expect(one.litellm.letIn(old!)).toBe(200);
  });
}, 900_000);

it("revoke", async () => {
  await killedAtEachStep([["apply"]], ["revoke", "x"], async (one) => {
    expect(await one.run(["revoke", "x"])).toMatchObject({ code: 0 });
    expect(one.litellm.live("x")).toEqual([]);
    expect(one.key).toMatch(/^revoked /);
  });
});

it("makes 1,000 keys, and finds them as they should be, in less than 200 MB", async () => {
  const one = await scene();
  const agents = Array.from({ length: 1000 }, (_, index) => ({ ...AGENT, name: `agent-${index}`, secretName: `agents/agent-${index}` }));
  for (const action of ["made", "unchanged"]) {
    let megabytes = 0;
    const watch = (child: ChildProcess): NodeJS.Timeout =>
      setInterval(() => (megabytes = Math.max(megabytes, residentMegabytes(child.pid!))), 50);
    one.litellm.asked.length = 0;
    const ended = await one.run(["apply"], { agents, watch });
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`1000 agents: 1000 ${action}\n`) as string });
    expect(one.litellm.writes).toHaveLength(action === "made" ? 1000 : 0);
    expect(megabytes).toBeGreaterThan(20);
    expect(megabytes).toBeLessThan(200);
  }
  expect(one.litellm.most).toBeLessThanOrEqual(8);
  await one.stop();
});

it("tells no key, no hash and none of the gateway's words, whatever it does", async () => {
  const one = await scene();
  const told: string[] = [];
  const run = async (...words: string[]): Promise<number | null> => {
    const { code, stdout, stderr } = await one.run(words);
    told.push(stdout, stderr);
    return code;
  };
  expect(await run("apply")).toBe(0);
  expect(await run("rotate", "x")).toBe(0);
  expect(await run("list", "--json")).toBe(0);
  expect(await run("diff")).toBe(0);
  expect(await run("usage")).toBe(0);
  one.litellm.closed.add("GET /user/daily/activity/aggregated/keys");
  expect(await run("usage")).toBe(1);
  expect(await run("apply", "--agent", canary())).toBe(2);
  expect(await run("apply", "--agnt", canary())).toBe(2);
  expect(await run("revoke", "x")).toBe(0);
  one.litellm.masterKey = canary();
  expect(await run("apply")).toBe(1);
  one.vault.secrets.delete("gw/master-key");
  const began = Date.now();
  expect(await run("apply")).toBe(3);
  expect(Date.now() - began).toBeLessThan(60_000);
  const all = told.join("\n");
  expect(all).toContain("cdktf-ai-gateway secrets ensure");
  expect(all).not.toMatch(/sk-[0-9a-f]{8}|[0-9a-f]{64}/);
  expect(all).not.toContain(WORDS);
  await one.stop();
});
