import { CommandError } from "../../../src/cli/command-error";
import { keyHash } from "../../../src/cli/keys/admin-api";
import { KeysContext, keysContext } from "../../../src/cli/keys/open-keys";
import { Waiting } from "../../../src/cli/keys/readiness";
import { Report } from "../../../src/cli/keys/report";
import { mint } from "../../../src/cli/secrets/secret-value";
import { StoreError } from "../../../src/cli/secrets/store-error";
import { AgentState, DesiredState, GroupState } from "../../../src/litellm/agents";
import { AGENT_ROUTES } from "../../../src/litellm/routes";
import { HeldKey, LiteLlmAdmin, WORDS } from "../../support/litellm-admin/litellm-admin";
import { DOCUMENT, FakeContext, FakeStore } from "../secrets/support";

/** An agent that nothing else is said of. */
export const agent = (name: string, more: Partial<AgentState> = {}): AgentState => ({
  name,
  secretName: `agents/${name}`,
  models: ["a", "b"],
  enabled: true,
  ...more,
});

export const group = (name: string, budgetUsd = 5, budgetPeriod: "day" | "month" = "month"): GroupState => ({
  name,
  budgetUsd,
  budgetPeriod,
});

/** A store in memory of which single secrets can be shut. */
export class ShutStore extends FakeStore {
  public readonly denied = new Set<string>();
  public writes = 0;

  public override async read(...[secret, stage]: Parameters<FakeStore["read"]>): ReturnType<FakeStore["read"]> {
    if (this.denied.has(secret.name)) throw new StoreError(secret.name, "the store", "AccessDeniedException");
    return super.read(secret, stage);
  }

  public override put(...[secret, text]: Parameters<FakeStore["put"]>): Promise<string> {
    this.writes += 1;
    return super.put(secret, text);
  }
}

/** A gateway with a double of its management routes, a store in memory, and what the command says. */
export class Gateway {
  public readonly litellm = new LiteLlmAdmin();
  public readonly store = new ShutStore();
  public said: string[] = [];
  public warned: string[] = [];
  public waiting: Waiting = { timeout: 1, poll: 0.05 };
  /** Why the address is not known. */
  public noEndpoint?: CommandError;
  public state: DesiredState = { version: 1, routes: AGENT_ROUTES, groups: [], agents: [] };

  public async start(): Promise<this> {
    await this.litellm.start();
    for (const { name } of DOCUMENT.secrets) this.store.texts.set(name, [mint()]);
    this.store.texts.set("gw/azure", [JSON.stringify({ client_id: mint(), client_secret: mint() })]);
    this.store.texts.set("gw/database", [JSON.stringify({ password: mint() })]);
    this.store.texts.set("gw/master-key", [this.litellm.masterKey]);
    return this;
  }

  /** What is desired from now on. */
  public want(agents: readonly AgentState[], groups: readonly GroupState[] = []): void {
    this.state = { ...this.state, agents, groups };
  }

  public async context(json = false): Promise<KeysContext> {
    const secrets = new FakeContext();
    secrets.client = () => Promise.resolve(this.store);
    const report = new Report(
      (line) => this.said.push(line),
      (line) => this.warned.push(line),
      json,
      undefined,
    );
    const endpoint = (): string => {
      if (this.noEndpoint !== undefined) throw this.noEndpoint;
      return this.litellm.url;
    };
    return keysContext(secrets, { state: this.state, endpoint }, report, this.waiting);
  }

  /** Forgets what was asked and said so far. */
  public forget(): void {
    this.litellm.asked.length = this.said.length = this.warned.length = this.store.writes = 0;
  }

  /** The value that agents read. */
  public key(name: string): string {
    return this.store.texts.get(`gw/agents/${name}`)!.at(-1)!;
  }

  /** What the gateway holds of that value. */
  public held(name: string): HeldKey | undefined {
    return this.litellm.held(this.key(name));
  }

  /** A key that somebody gave an agent beside the command. */
  public give(name: string, more: Partial<HeldKey> = {}): string {
    const key = mint();
    const held = { key_alias: `${name}-${keyHash(key).slice(0, 8)}`, team_id: null, blocked: null, expires: null, ...more };
    this.litellm.keys.set(keyHash(key), { ...held, metadata: { aigw_agent: name, ...more.metadata } });
    return key;
  }

  /** No key, no hash as a whole, and none of LiteLLM's words may be in what is told. */
  public expectNothingTold(): void {
    const told = [...this.said, ...this.warned].join("\n");
    expect(told).not.toContain(WORDS);
    expect(told).not.toMatch(/sk-[0-9a-f]{8}/);
    expect(told).not.toMatch(/[0-9a-f]{64}/);
  }
}

/** Why it failed. */
export async function refusal(done: Promise<unknown>): Promise<CommandError> {
  const error: unknown = await done.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CommandError);
  expect((error as Error).message).not.toContain(WORDS);
  expect((error as Error).message).not.toMatch(/sk-[0-9a-f]{8}|[0-9a-f]{64}/);
  return error as CommandError;
}
