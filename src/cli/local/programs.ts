import { ChildProcess, spawn, SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync } from "node:fs";
import { createServer } from "node:net";

/** What the programs of a run have in common. */
export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Text for its standard input. */
  readonly input?: string;
  /** Stops it when it takes longer. */
  readonly timeoutMs?: number;
}

/** What {@link run} waits for. */
const running = new Set<ChildProcess>();

/** Ends all that {@link run} waits for. */
export function endRuns(): void {
  running.forEach((child) => child.kill("SIGKILL"));
}

/**
 * Runs a program to its end.
 * @throws Error with the last lines that it wrote
 */
export async function run(command: string, words: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { input, timeoutMs, ...rest } = options;
  const child = spawn(command, words, { ...(rest as SpawnOptions), timeout: timeoutMs, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  const said: string[] = [];
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, "close").finally(() => running.delete(child))) as [number | null];
  if (code !== 0) throw new Error(`${command} ${words.slice(0, 3).join(" ")} failed:\n${lastLines(said.join("") + output)}`);
  return output;
}

/** A program that serves until it is stopped, in a process group of its own: Ctrl-C reaches it only through us, in order. */
export class Service {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  private isStopping = false;
  /** Resolves, with what it was and why, when the program ends without having been asked to. */
  public readonly died: Promise<string>;

  constructor(
    private readonly name: string,
    command: string,
    words: readonly string[],
    private readonly log: string,
    { input, ...options }: ProgramOptions = {},
  ) {
    this.child = spawn(command, words, { ...(options as SpawnOptions), detached: true, stdio: ["pipe", "pipe", "pipe"] });
    const out = createWriteStream(log, { flags: "a", mode: 0o600 });
    this.child.stdout!.pipe(out, { end: false });
    this.child.stderr!.pipe(out, { end: false });
    this.child.stdin!.on("error", () => undefined);
    this.child.stdin!.end(input);
    this.ended = once(this.child, "close").finally(() => out.end());
    this.died = new Promise((resolve) => {
      this.child.once("exit", () => {
        // What it wrote last is still on its way into the log.
        if (!this.isStopping) setTimeout(() => resolve(this.why()), 200);
      });
    });
  }

  public get pid(): number {
    return this.child.pid!;
  }

  /** Resolves when `ready` says so. @throws Error with its last lines when the program ends before that, or after `seconds` */
  public async until(ready: () => Promise<boolean>, seconds: number): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    while (!(await ready())) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(this.why());
      if (Date.now() > deadline) throw new Error(`${this.name} is not ready after ${seconds} s:\n${this.tail()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Asks it to end, and after `seconds` ends it with all that it has started. */
  public async stop(signal: NodeJS.Signals, seconds: number): Promise<void> {
    this.isStopping = true;
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    else this.kill();
    const late = setTimeout(() => this.kill(), seconds * 1000);
    await this.ended;
    clearTimeout(late);
    this.kill();
  }

  private kill(): void {
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // Nothing of the group is left.
    }
  }

  private why(): string {
    const { signalCode, exitCode } = this.child;
    return `${this.name} ended ${signalCode === null ? `with exit code ${exitCode}` : `by ${signalCode}`}:\n${this.tail()}`;
  }

  private tail(): string {
    try {
      return lastLines(readFileSync(this.log, "utf8"));
    } catch {
      return "(its log is gone)";
    }
  }
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-15).join("\n");
}
