import { ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Looks at all processes' command lines again and again, from a process of its own: this one may be blocked. */
export class ProcessWatch {
  private constructor(private readonly child: ChildProcess) {}

  /** @param file gets each command line that is seen, once */
  public static async start(file: string): Promise<ProcessWatch> {
    const words = [join(__dirname, "watch-processes.mjs"), file];
    const child = spawn(process.execPath, words, { env: { PATH: process.env.PATH }, stdio: ["pipe", "pipe", "inherit"] });
    await once(child.stdout, "data");
    return new ProcessWatch(child);
  }

  public async stop(): Promise<void> {
    const ended = once(this.child, "exit");
    this.child.stdin!.end();
    await ended;
  }
}
