import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AdminApi } from "../../src/cli/keys/admin-api";
import { LocalGateway } from "../../src/cli/local/local-gateway";
import { findPython } from "../../src/cli/local/python";
import { synthesizedGateway } from "../../src/cli/local/synthesized-gateway";
import type { AgentState, DesiredState } from "../../src/litellm/agents";
import { AGENT_ROUTES } from "../../src/litellm/routes";
import { COMMAND_FILE } from "../../src/node/command";
import { Between } from "../../test/support/secret-stores/between";
import type { Round } from "./bounds";
import { measured, MeasuredOptions, MeasuredRun } from "./measured-run";
import { BenchStore, STORES } from "./stores";

const ROOT = join(__dirname, "..", "..");
/** How many keys are made both ways before anything is measured. */
const WARM_UP = 50;

/** The real gateway, a store, and what is measured on them. */
export class KeysBench {
  private readonly folder = mkdtempSync(join(tmpdir(), "bench-keys-"));
  private readonly gateway: LocalGateway;
  private store?: BenchStore;
  private how!: MeasuredOptions;
  private api!: AdminApi;
  /** 0 until anything is measured. */
  private round = 0;

  constructor(private readonly agents: number) {
    const output = join(this.folder, "out");
    const environment = { ...process.env, CDKTF_OUTDIR: output };
    execFileSync(process.execPath, ["--import", "tsx", join("examples", "quickstart", "main.ts")], { cwd: ROOT, env: environment });
    this.gateway = new LocalGateway(synthesizedGateway(output, "quickstart-aws", undefined), { keys: "none", say: console.error });
  }

  /** Starts all of it, and makes a few keys in both ways: what LiteLLM does once is nobody's. */
  public async start(store: string): Promise<this> {
    const { command: python } = await findPython();
    await this.gateway.start();
    this.store = await STORES[store]!(this.gateway);
    this.how = { python, folder: this.folder };
    this.api = new AdminApi(this.gateway.adminEndpoint, this.gateway.masterKey);
    await this.curl(WARM_UP);
    await this.empty();
    const writes = await this.writesOf("made", WARM_UP);
    if (writes < 2 * WARM_UP) throw new Error(`${WARM_UP} keys were made with ${writes} writes at gateway and store: they are not counted`);
    await this.empty();
    return this;
  }

  /** Ends everything. */
  public async stop(): Promise<void> {
    await this.gateway.stop();
    await this.store?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Each side finds a gateway without keys, and goes first in every other round. */
  public async measure(): Promise<Round> {
    this.round += 1;
    const first = this.round % 2 === 1 ? await this.curl() : undefined;
    await this.empty();
    const made = await this.apply(this.store!.environment(), "made");
    const unchanged = await this.apply(this.store!.environment(), "unchanged");
    const writes = await this.writesOf("unchanged");
    await this.empty();
    const curl = first ?? (await this.curl());
    await this.empty();
    const megabytes = Math.max(made.megabytes, unchanged.megabytes);
    return { curl: curl.seconds, fromNothing: made.seconds, unchanged: unchanged.seconds, megabytes, writes };
  }

  /** What a provisioner of Terraform with curl does for each agent, one after the other; it puts no key anywhere. */
  private async curl(count = this.agents): Promise<MeasuredRun> {
    const [headers, bodies] = [join(this.folder, "headers"), join(this.folder, "bodies")];
    writeFileSync(headers, `Authorization: Bearer ${this.gateway.masterKey}\nContent-Type: application/json\n`, { mode: 0o600 });
    // LiteLLM takes no fraction of a token.
    const body = ({ name, qpm, dailyTokens, dailyBudgetUsd }: AgentState) =>
      JSON.stringify({ key_alias: name, rpm_limit: qpm, max_budget: dailyBudgetUsd, tpm_limit: Math.floor(dailyTokens! / 1440) });
    writeFileSync(
      bodies,
      this.named("curl", count)
        .map((agent) => `${body(agent)}\n`)
        .join(""),
    );
    const run = await measured(
      ["sh", join(__dirname, "calls.sh"), `${this.gateway.adminEndpoint}/key/generate`, headers, bodies],
      this.how,
    );
    if (run.said !== "200\n".repeat(count)) throw new Error(`curl did not make ${count} keys:\n${run.said.slice(-500)}`);
    return run;
  }

  private async apply(
    environment: Readonly<Record<string, string>>,
    outcome: "made" | "unchanged",
    count = this.agents,
  ): Promise<MeasuredRun> {
    const state: DesiredState = { version: 1, routes: AGENT_ROUTES, groups: [], agents: this.named("agent", count) };
    const file = join(this.folder, "agents.json");
    writeFileSync(file, JSON.stringify(state));
    const words = [process.execPath, COMMAND_FILE, "keys", "apply"];
    const run = await measured(words, { ...this.how, environment: { ...environment, AIGW_DESIRED_STATE: file } });
    const [last, wanted] = [run.said.trimEnd().split("\n").at(-1), `${count} agents: ${count} ${outcome}`];
    if (run.code === 0 && last === wanted) return run;
    throw new Error(`keys apply ended with ${run.code}, and not with "${wanted}":\n${run.said.slice(-2_000)}`);
  }

  /** In a run of its own, for what stands between and counts takes time. */
  private async writesOf(outcome: "made" | "unchanged", count = this.agents): Promise<number> {
    const store = this.store!;
    const [admin, secrets] = await Promise.all([Between.of(this.gateway.adminEndpoint), Between.of(store.url)]);
    try {
      const environment = { ...store.environment(secrets.server.url), AIGW_ENDPOINT: admin.server.url };
      await this.apply(environment, outcome, count);
      const atGateway = admin.between.calls.filter((call) => !call.startsWith("GET "));
      return atGateway.length + secrets.between.calls.filter((call) => store.isWrite(call)).length;
    } finally {
      await Promise.all([admin.server.stop(), secrets.server.stop()]);
    }
  }

  /** Takes all keys away; those of the next round have other names, which the store does not know. */
  private async empty(): Promise<void> {
    const keys = (await this.api.list()).map(({ token }) => token);
    for (let from = 0; from < keys.length; from += 100) {
      const reply = await fetch(`${this.gateway.adminEndpoint}/key/delete`, {
        method: "POST",
        headers: { authorization: `Bearer ${this.gateway.masterKey}`, "content-type": "application/json" },
        body: JSON.stringify({ keys: keys.slice(from, from + 100) }),
      });
      if (!reply.ok) throw new Error(`/key/delete answered ${reply.status}: ${await reply.text()}`);
    }
  }

  private named(prefix: string, count: number): AgentState[] {
    return Array.from({ length: count }, (_, index) => {
      const name = `${prefix}-${this.round}-${index}`;
      const limits = { qpm: 10 + (index % 90), dailyTokens: 100_000 + index, dailyBudgetUsd: 5 };
      return { name, secretName: `agents/${name}`, models: ["qwen-max", "qwen-plus"], enabled: true, ...limits };
    });
  }
}
