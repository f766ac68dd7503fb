import { answers } from "./postgres";
import { freePort, run, Service } from "./programs";

const READY_SECONDS = 20;

/** A Redis on 127.0.0.1 that writes nothing to the disk. */
export class Redis {
  private constructor(
    public readonly port: number,
    private readonly service: Service,
  ) {}

  public static async start(program: string, password: string, folder: string, log: string): Promise<Redis> {
    const port = await freePort();
    const settings = ["bind 127.0.0.1", `port ${port}`, `requirepass ${password}`, 'save ""', "appendonly no", `dir ${folder}`];
    // From standard input: the password is in no file and in no process list.
    const service = new Service("Redis", program, ["-"], log, { input: settings.join("\n"), cwd: folder });
    await service.until(() => answers(port), READY_SECONDS);
    return new Redis(port, service);
  }

  /** See {@link Service.died}. */
  public get died(): Promise<string> {
    return this.service.died;
  }

  public stop(): Promise<void> {
    return this.service.stop("SIGTERM", 10);
  }
}

/** The redis-server of this computer, if it has one. */
export async function findRedis(): Promise<string | undefined> {
  return run("redis-server", ["--version"]).then(
    () => "redis-server",
    () => undefined,
  );
}
