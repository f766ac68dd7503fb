import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** What a program took. */
export interface MeasuredRun {
  readonly code: number;
  readonly seconds: number;
  /** The most that its process has held. */
  readonly megabytes: number;
  /** What it wrote to both of its outputs. */
  readonly said: string;
}

/** What a program is run by and in. */
export interface MeasuredOptions {
  readonly python: string;
  /** In which it runs, and which is its home; what it writes is kept here. */
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a program by a small one that only waits for it: its time and memory are its own, whatever this process is doing. */
export async function measured(words: readonly string[], { python, folder, environment }: MeasuredOptions): Promise<MeasuredRun> {
  const output = join(folder, "said.txt");
  const env = { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: "true", ...environment };
  const { stdout } = await promisify(execFile)(python, [join(__dirname, "measured.py"), output, ...words], { env, cwd: folder });
  return { ...(JSON.parse(stdout) as Omit<MeasuredRun, "said">), said: readFileSync(output, "utf8") };
}
