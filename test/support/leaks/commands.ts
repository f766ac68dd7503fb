import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMMAND_FILE } from "../../../src/node/command";

/** What a run of the command left. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How the command is called. */
export interface Call {
  readonly words: readonly string[];
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

// Of this computer's two cores, which Terraform uses too.
const AT_ONCE = 3;

/** Runs the command in its one file, as a runner does, and keeps what it says in files. */
export class Commands {
  private readonly program: string;
  private number = 0;
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  /** @param folder gets a file for each stream of each run; it is the working folder too */
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    // Where no node_modules are, and no build replaces it meanwhile.
    this.program = `${folder}.js`;
    copyFileSync(COMMAND_FILE, this.program);
  }

  public async run({ words, input = "", environment = {} }: Call): Promise<Ended> {
    await this.turn();
    try {
      const ended = await this.spawned(words, input, environment);
      const name = join(this.folder, String((this.number += 1)));
      writeFileSync(`${name}.stdout`, ended.stdout);
      writeFileSync(`${name}.stderr`, ended.stderr);
      return ended;
    } finally {
      this.running -= 1;
      this.waiting.shift()?.();
    }
  }

  /** @throws Error when it does not end as expected */
  public async works(call: Call, code = 0): Promise<Ended> {
    const ended = await this.run(call);
    if (ended.code === code) return ended;
    throw new Error(`${call.words.slice(0, 2).join(" ")} ended with ${ended.code}: ${ended.stderr}`);
  }

  private async turn(): Promise<void> {
    while (this.running >= AT_ONCE) await new Promise<void>((next) => this.waiting.push(next));
    this.running += 1;
  }

  private spawned(words: readonly string[], input: string, environment: Readonly<Record<string, string>>): Promise<Ended> {
    const env = { PATH: process.env.PATH, HOME: this.folder, AWS_EC2_METADATA_DISABLED: "true", ...environment };
    const child = spawn(process.execPath, [this.program, ...words], { env, cwd: this.folder, stdio: "pipe" });
    const said = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
    // One that was wrongly called reads nothing.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    return new Promise((done) => child.on("close", (code) => done({ code, ...said })));
  }
}
