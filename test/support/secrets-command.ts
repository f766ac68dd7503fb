import { ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMAND_FILE } from "../../src/node/command";

/** How a run of the command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run is given. */
export interface Call {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly started?: (child: ChildProcess) => void;
}

/** `cdktf-ai-gateway secrets`, or another of its commands, in one file, where no node_modules are, as on a runner. */
export class SecretsCommand {
  /** In which it runs, and which is its home. */
  public readonly folder = mkdtempSync(join(tmpdir(), "secrets-command-"));
  private readonly file = join(this.folder, "cli.js");

  constructor(private readonly command = "secrets") {
    cpSync(COMMAND_FILE, this.file);
  }

  public dispose(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** Runs it with nothing of this process's environment. */
  public run(words: readonly string[], { input = "", environment = {}, started }: Call = {}): Promise<Ended> {
    const env = { PATH: process.env.PATH, HOME: this.folder, AWS_EC2_METADATA_DISABLED: "true", ...environment };
    const child = spawn(process.execPath, [this.file, this.command, ...words], { env, cwd: this.folder, stdio: "pipe" });
    started?.(child);
    const ended: { stdout: string; stderr: string } = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (ended.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (ended.stderr += text));
    // One that was killed reads no more.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    return new Promise((done) => child.on("close", (code) => done({ code, ...ended })));
  }
}
