import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Find } from "../../../src/cli/scan/findings";
import { scan, ScanCommand } from "../../../src/cli/scan/scan";

/** What a run of the command left. */
export interface ScanResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function scanned(paths: readonly string[], command: ScanCommand = {}): Promise<ScanResult> {
  const written = { stdout: "", stderr: "" };
  const exitCode = await scan(paths, command, {
    stdout: (text) => void (written.stdout += text),
    stderr: (text) => void (written.stderr += text),
  });
  return { exitCode, ...written };
}

/** What `--json` says. */
export interface JsonReport {
  readonly version: number;
  readonly finds: readonly Find[];
  readonly allowed: readonly Find[];
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  readonly failed: readonly { readonly path: string; readonly reason: string }[];
  readonly unusedAllows: readonly { readonly line: number; readonly path: string; readonly rule: string }[];
  readonly files: number;
  readonly bytes: number;
}

export async function reported(paths: readonly string[], command: ScanCommand = {}): Promise<JsonReport> {
  return JSON.parse((await scanned(paths, { ...command, json: true })).stdout) as JsonReport;
}

/** Writes files below a folder. */
export function plant(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

/** The values of which eight characters in a row can be read in a text. */
export function readable(values: readonly string[], text: string): string[] {
  return values.filter((value) =>
    Array.from({ length: value.length - 7 }, (_, at) => value.slice(at, at + 8)).some((part) => text.includes(part)),
  );
}
