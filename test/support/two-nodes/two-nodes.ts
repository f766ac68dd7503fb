import { appendFile, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AdminApi } from "../../../src/cli/keys/admin-api";
import { LocalGateway } from "../../../src/cli/local/local-gateway";
import { synthesizedGateway } from "../../../src/cli/local/synthesized-gateway";
import type { DesiredState } from "../../../src/litellm/agents";
import { Canaries } from "../leaks/canaries";
import { MotoCloud, MotoNetwork, StackJson, startMoto, targetMoto } from "../moto";
import { jsonAws } from "../moto/aws-request";
import { runnerOnMoto } from "../runner";
import { Between } from "../secret-stores/between";
import { Answer, Asked, RunningServer } from "../secret-stores/server";
import { Ended, SecretsCommand } from "../secrets-command";
import { SimulatedProviders } from "../simulated-provider";
import { rewriteStack, simulate } from "../stacks";
import { ApplyOptions, Terraform } from "../terraform";
import { awsPluginDir } from "../toolchain";
import { AGENTS_STACK, GATEWAY, SEED_AGENTS, synthesizeAgents } from "./agents-stack";
import type { AgentsProps } from "cdktf-ai-gateway";

/** A call that the command makes, to the store or to the gateway. */
export interface CommandCall {
  readonly action: string;
  readonly asked: Asked;
}

/** What stands between the command and who it asks: it may hold a call up, and may answer it. */
export type BeforeCall = (call: CommandCall) => Answer | undefined | Promise<Answer | undefined>;

const WRITES = /^(POST |(?!Get|Describe|List)[A-Z][a-z]+[A-Z])/;

/**
 * A gateway of two nodes that run the bundle of a stack, and the account in which real Terraform applies that stack. The nodes'
 * own secrets lie in a store of theirs; the account's holds what the command reads and writes.
 */
export class TwoNodes {
  public readonly canaries = new Canaries();
  /** What the command has asked of the store and of the gateway since the last {@link forget}, in order. */
  public readonly calls: string[] = [];
  /** The agents that the stack names now. */
  public agents: AgentsProps = SEED_AGENTS;
  public terraform!: Terraform;
  public gateway!: LocalGateway;
  private readonly command = new SecretsCommand("keys");
  private readonly ends: (() => Promise<unknown>)[] = [];
  private before: BeforeCall = () => undefined;
  private moto!: MotoCloud;
  private network!: MotoNetwork;
  private providers!: SimulatedProviders;
  private store!: RunningServer;
  private admin!: RunningServer;

  /** @param work what is synthesized and said lies in it */
  constructor(private readonly work: string) {}

  /** Nodes that serve without an agent's key, and a stack that was never applied, but for its secrets, whose values are there. */
  public async start(): Promise<this> {
    [this.moto, this.providers] = await Promise.all([
      this.until(startMoto(), (moto) => moto.stop()),
      this.until(simulate("hashicorp/null"), (providers) => providers.stop()),
      mkdir(this.said),
    ]);
    [this.network, this.store] = await Promise.all([this.moto.prepareNetwork(), this.guard(this.moto.endpoint)]);
    synthesizeAgents(this.output, this.network, this.agents);
    this.gateway = new LocalGateway(synthesizedGateway(this.output, AGENTS_STACK, undefined), { nodes: 2, keys: "none" });
    this.terraform = await this.until(
      Terraform.ofFolder(join(this.output, "stacks", AGENTS_STACK), {
        pluginDir: awsPluginDir(),
        env: { ...this.providers.environment, ...this.environment },
      }),
      (terraform) => terraform.dispose(),
    );
    await Promise.all([this.until(this.gateway.start(), (gateway) => gateway.stop()), this.terraform.init(), this.putValues()]);
    this.admin = await this.guard(this.gateway.adminEndpoint);
    await this.fit();
    return this;
  }

  /** Ends all that has started, the latest first. */
  public async stop(): Promise<void> {
    for (const end of this.ends.splice(0).reverse()) await end();
    this.command.dispose();
  }

  /** What cdktf calls cdktf.out. */
  public get output(): string {
    return join(this.work, "cdktf.out");
  }

  /** What Terraform and the command said. */
  public get said(): string {
    return join(this.work, "said");
  }

  /** The desired state that the stack publishes. */
  public get desired(): DesiredState {
    return synthesizedGateway(this.output, AGENTS_STACK, undefined).desired;
  }

  /** The gateway's keys, as its administrator sees them, past what counts the command's calls. */
  public get api(): AdminApi {
    return new AdminApi(this.gateway.adminEndpoint, this.gateway.masterKey);
  }

  public get writes(): string[] {
    return this.calls.filter((call) => WRITES.test(call));
  }

  public forget(): void {
    this.calls.length = 0;
  }

  /** Does something while this stands between the command and who it asks. */
  public async behind<T>(before: BeforeCall, work: () => Promise<T>): Promise<T> {
    this.before = before;
    try {
      return await work();
    } finally {
      this.before = () => undefined;
    }
  }

  /** Makes the stack name these agents, as a change of its program would. */
  public async name(agents: AgentsProps): Promise<void> {
    this.agents = agents;
    synthesizeAgents(this.output, this.network, agents);
    await cp(join(this.output, "stacks", AGENTS_STACK), this.terraform.folder, { recursive: true });
    await this.fit();
  }

  /** @throws Error with what Terraform said */
  public async apply(options: ApplyOptions = {}): Promise<void> {
    await this.keep("terraform", this.terraform.apply({}, options));
  }

  /** What Terraform said to an apply that has to fail. */
  public async failure(options: ApplyOptions = {}): Promise<string> {
    return this.apply(options).then(
      () => {
        throw new Error("the apply did not fail");
      },
      (error: unknown) => String(error),
    );
  }

  /** Whether Terraform would change anything. */
  public async hasChanges(): Promise<boolean> {
    const plan = await this.keep("terraform", this.terraform.plan());
    await writeFile(join(this.said, "plan.json"), JSON.stringify(await plan.show()));
    return plan.hasChanges;
  }

  /** Runs `keys` as a person does who has the synthesized stack and the address that Terraform tells. */
  public async keys(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const of = ["--output", this.output, "--stack", AGENTS_STACK, "--endpoint", this.admin.url];
    return this.keep("command", this.command.run([...words, ...of], { environment: { ...this.environment, ...environment } }));
  }

  /** The key of an agent, read as the agent does: past what counts the command's calls. */
  public async key(agent: string): Promise<string> {
    return (await this.value(`agents/${agent}`))!;
  }

  /** The value of a secret; undefined if there is none. */
  public async value(name: string): Promise<string | undefined> {
    const reply = await this.secretsManager("GetSecretValue", { SecretId: `${GATEWAY}/${name}` }).catch(() => undefined);
    return (reply as { SecretString: string } | undefined)?.SecretString;
  }

  private secretsManager(action: string, parameters: object): Promise<unknown> {
    return jsonAws(this.moto.signer("secretsmanager"), `secretsmanager.${action}`, parameters);
  }

  private get environment(): Record<string, string> {
    return { ...runnerOnMoto(this.moto), AWS_ENDPOINT_URL: this.store.url };
  }

  /** Counts what the command asks, and lets {@link before} have its way. */
  private async guard(target: string): Promise<RunningServer> {
    const { between, server } = await this.until(Between.of(target), (guard) => guard.server.stop());
    between.before = (_, action, asked) => {
      this.calls.push(action);
      this.learn(asked);
      return this.before({ action, asked });
    };
    return server;
  }

  /** Every key that the command makes is a canary from now on. */
  private learn({ body }: Asked): void {
    const { SecretString, key } = JSON.parse(body || "{}") as { SecretString?: string; key?: string };
    for (const text of [SecretString, key]) if (text?.startsWith("sk-")) this.canaries.known("a key that the command made", text);
  }

  /** The nodes' master key, and canaries in the place of all other values: the nodes do not read them here. */
  private async putValues(): Promise<void> {
    const { document } = synthesizedGateway(this.output, AGENTS_STACK, undefined);
    for (const { name, fields } of document.secrets) {
      const isMaster = name === `${GATEWAY}/master-key`;
      const value = (): string => (isMaster ? this.canaries.known(name, this.gateway.masterKey) : this.canaries.into(name));
      const SecretString = fields.length === 0 ? value() : JSON.stringify(Object.fromEntries(fields.map((field) => [field, value()])));
      await this.secretsManager("CreateSecret", { Name: name, SecretString });
    }
  }

  /** The balancer is moto's: what listens for the command is the first node. */
  private async fit(): Promise<void> {
    await rewriteStack(this.terraform, (text) => {
      const reached = text.replaceAll(/("AIGW_ENDPOINT": )"[^"]*"/g, `$1"${this.admin.url}"`);
      return JSON.stringify(targetMoto(JSON.parse(reached) as StackJson, this.moto), null, 2);
    });
  }

  private async until<T>(starting: Promise<T>, end: (one: T) => Promise<unknown>): Promise<T> {
    const started = await starting;
    this.ends.push(() => end(started));
    return started;
  }

  /** Keeps what a run says, also of one that fails. */
  private async keep<T extends { readonly stdout: string; readonly stderr: string }>(name: string, run: Promise<T>): Promise<T> {
    const file = join(this.said, `${name}.txt`);
    try {
      const ended = await run;
      await appendFile(file, ended.stdout + ended.stderr);
      return ended;
    } catch (error) {
      await appendFile(file, String(error));
      throw error;
    }
  }
}
