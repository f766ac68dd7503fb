import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, run, Service } from "./programs";

/** Users that exist already and own nothing; a system user is never made. */
const INSTEAD_OF_ROOT = ["postgres", "nobody"];
const SUPERUSER = "postgres";
const READY_SECONDS = 60;

/** A PostgreSQL on 127.0.0.1 with a data folder of its own, which ends with it. */
export class Postgres {
  public static readonly DATABASE = "litellm";
  /** Owns its database and nothing else: a superuser could read files and run programs. */
  public static readonly USER = "litellm";

  private constructor(
    public readonly port: number,
    public readonly folder: string,
    private readonly service: Service,
  ) {}

  public static async start(programs: string, password: string, log: string): Promise<Postgres> {
    const folder = mkdtempSync(join(tmpdir(), "aigw-local-postgres-"));
    const user = unprivileged();
    const word = join(folder, "password");
    // The superuser's, which nobody is told.
    writeFileSync(word, randomBytes(32).toString("hex"), { mode: 0o600 });
    if (user !== undefined) [folder, word].forEach((path) => chownSync(path, user.uid, user.gid));
    const options = { ...user, cwd: "/", env: { LC_ALL: "C", PATH: process.env.PATH } };
    const data = join(folder, "data");
    try {
      ["initdb", "postgres"].forEach((name) => chmodSync(join(programs, name), 0o755));
      await run(
        join(programs, "initdb"),
        ["-D", data, "-U", SUPERUSER, "--auth=scram-sha-256", `--pwfile=${word}`, "--no-sync", "--encoding=UTF8", "--locale=C"],
        options,
      );
      rmSync(word);
      // Without a server that others could reach; from standard input, so that the password is in no process list.
      const alone = ["--single", "-D", data, "-c", "exit_on_error=on", "-c", "fsync=off", "postgres"];
      await run(join(programs, "postgres"), alone, { ...options, input: ownRoleAndDatabase(password) });
      const port = await freePort();
      const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=200"];
      const words = ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
      const service = new Service("PostgreSQL", join(programs, "postgres"), words, log, options);
      await service.until(() => answers(port), READY_SECONDS);
      return new Postgres(port, folder, service);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** See {@link Service.died}. */
  public get died(): Promise<string> {
    return this.service.died;
  }

  public async stop(keep: boolean): Promise<void> {
    // "Fast": it breaks connections off and ends cleanly.
    await this.service.stop("SIGINT", 20);
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One statement a line. */
function ownRoleAndDatabase(password: string): string {
  const { USER, DATABASE } = Postgres;
  return [
    `CREATE ROLE ${USER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '${password}'`,
    `CREATE DATABASE ${DATABASE} OWNER ${USER}`,
    `REVOKE CONNECT ON DATABASE ${DATABASE}, postgres, template1 FROM PUBLIC`,
    "",
  ].join("\n");
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (which: string, name: string): number => Number(execFileSync("id", [which, name], { stdio: ["ignore", "pipe", "ignore"] }));
  for (const name of INSTEAD_OF_ROOT) {
    try {
      return { uid: id("-u", name), gid: id("-g", name) };
    } catch {
      continue;
    }
  }
  throw new Error(`PostgreSQL does not run as root, and this computer has none of the users ${INSTEAD_OF_ROOT.join(", ")}`);
}

/** Whether a server that takes connections stands behind the port. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
