import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, Service } from "./programs";

/** What the gateway's processes of a run have in common. */
export interface NodeProgram {
  readonly python: string;
  /** The unpacked bundle. */
  readonly bundle: string;
  readonly queryEngine: string;
  /** The run's folder, with `config.yaml`. */
  readonly folder: string;
  /** What it signs with when it asks the store. */
  readonly accessKey: string;
  /** settings.json but for the ports. */
  readonly settings: object;
}

const READY_SECONDS = 180;
const DRAIN_SECONDS = 15;

/** One process of a local gateway. */
export class LocalNode {
  private constructor(
    /** Where agents ask. */
    public readonly endpoint: string,
    /** Where keys are administered. */
    public readonly adminEndpoint: string,
    private readonly service: Service,
  ) {}

  /**
   * Starts one; it serves once {@link untilReady} resolves.
   * @param name of its files in the run's folder
   * @param port of the agents; a free one if it is not given
   */
  public static async start(name: string, program: NodeProgram, port?: number): Promise<LocalNode> {
    const { python, bundle, queryEngine, folder, accessKey, settings } = program;
    const ports = { agents: port ?? (await freePort()), admin: await freePort() };
    const settingsFile = join(folder, `${name === "gateway" ? "settings" : `settings-of-${name}`}.json`);
    writeFileSync(settingsFile, JSON.stringify({ ...settings, ports }, null, 1), { mode: 0o600 });
    const kept = ["PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"].map((each) => [each, process.env[each]]);
    const env = {
      ...(Object.fromEntries(kept) as Record<string, string | undefined>),
      HOME: folder,
      PYTHONPATH: bundle,
      PYTHONUNBUFFERED: "1",
      // Where it was when a signal such as SIGSEGV ends it.
      PYTHONFAULTHANDLER: "1",
      PRISMA_QUERY_ENGINE_BINARY: queryEngine,
      AWS_ACCESS_KEY_ID: accessKey,
      AWS_SECRET_ACCESS_KEY: accessKey,
      AWS_EC2_METADATA_DISABLED: "true",
    };
    const words = ["-m", "aigw_node", "serve", "--host", "127.0.0.1", "--settings", settingsFile, "--config", join(folder, "config.yaml")];
    const service = new Service(`the node ${name}`, python, words, join(folder, `${name}.log`), { env, cwd: folder });
    return new LocalNode(`http://127.0.0.1:${ports.agents}`, `http://127.0.0.1:${ports.admin}`, service);
  }

  public get pid(): number {
    return this.service.pid;
  }

  /** See {@link Service.died}. */
  public get died(): Promise<string> {
    return this.service.died;
  }

  /** @throws Error with its last lines when it ends before that, or after three minutes */
  public untilReady(): Promise<void> {
    return this.service.until(() => isReady(this.endpoint), READY_SECONDS);
  }

  public stop(): Promise<void> {
    return this.service.stop("SIGTERM", DRAIN_SECONDS);
  }
}

async function isReady(endpoint: string): Promise<boolean> {
  return fetch(`${endpoint}/health/readiness`).then(
    ({ ok }) => ok,
    () => false,
  );
}
