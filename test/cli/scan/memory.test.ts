import { execFile } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { secret } from "./secrets";

const MEGABYTE = 1 << 20;
const SIZE = 100;

/** Scans in a process of its own, and says how much memory that ever had, in megabytes: a process's maxRSS begins with its parent's. */
const PROGRAM = `
  const { readFileSync } = require("node:fs");
  const { scan } = require(${JSON.stringify(join(__dirname, "..", "..", "..", "src", "cli", "scan", "scan.ts"))});
  let found = "";
  scan(process.argv.slice(1), { json: true }, { stdout: (text) => (found += text), stderr: () => undefined }).then(() => {
    const lines = JSON.parse(found).finds.map(({ line }) => line);
    const [, kilobytes] = /VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
    console.log(JSON.stringify({ lines, megabytes: kilobytes / 1024 }));
  });
`;

async function scannedApart(path: string): Promise<{ lines: number[]; megabytes: number }> {
  const words = ["--import", "tsx", "--eval", PROGRAM, path];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: join(__dirname, "..", "..", "..") });
  return JSON.parse(stdout) as { lines: number[]; megabytes: number };
}

/** Writes a hundred megabytes with two keys, near the start and at the very end. */
async function writeLog(path: string, lineEnd: string): Promise<void> {
  const line = `2026-11-25T10:58:43.001Z INFO POST /v1/chat/completions 200 model=qwen-max agent=research-agent tokens=812 max_tokens=4096${lineEnd}`;
  const block = line.repeat(Math.ceil(MEGABYTE / line.length));
  const file = createWriteStream(path);
  for (let written = 0; written < SIZE; written++) {
    const key = written === 0 || written === SIZE - 1 ? `key=sk-${secret(48)} ${lineEnd}` : "";
    if (!file.write(block + key)) await once(file, "drain");
  }
  file.end();
  await once(file, "close");
}

it.each([
  ["many lines", "\n"],
  ["one line", " "],
])("reads a log of 100 MB, %s, in little memory", async (_, lineEnd) => {
  const folder = mkdtempSync(join(tmpdir(), "large-"));
  try {
    await writeLog(join(folder, "large.log"), lineEnd);
    const { lines, megabytes } = await scannedApart(join(folder, "large.log"));
    expect(lines).toHaveLength(2);
    expect(lines[1] === 1).toBe(lineEnd === " ");

    expect(megabytes).toBeLessThan(160);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
