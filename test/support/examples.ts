import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..");

/** The examples, and the stacks that each makes. */
export const EXAMPLES = {
  quickstart: ["quickstart-alicloud", "quickstart-aws"],
  "aws-production": ["aws-production"],
  "alicloud-production": ["alicloud-production"],
  vault: ["vault-alicloud", "vault-aws"],
  "agent-box": ["agent-box-aws"],
} as const;

export type ExampleName = keyof typeof EXAMPLES;

/** A synthesized example; call `dispose` when done. */
export interface SynthesizedExample {
  /** What cdktf calls cdktf.out. */
  readonly folder: string;
  stackFolder(stack: string): string;
  dispose(): void;
}

/**
 * Synthesizes an example as its user would, in a process of its own.
 * @param node the Node.js to do it with
 * @param environment what else its environment holds
 */
export function synthesizeExample(
  example: ExampleName,
  node = process.execPath,
  environment: Readonly<Record<string, string>> = {},
): SynthesizedExample {
  const folder = mkdtempSync(join(tmpdir(), `${example}-`));
  const words = ["--import", "tsx", join("examples", example, "main.ts")];
  const env = { ...environment, PATH: process.env.PATH, CDKTF_OUTDIR: folder };
  execFileSync(node, words, { cwd: ROOT, env, stdio: ["ignore", "ignore", "pipe"] });
  return {
    folder,
    stackFolder: (stack) => join(folder, "stacks", stack),
    dispose: () => rmSync(folder, { recursive: true }),
  };
}

/** The text of every file below a folder, by path. */
export function filesOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, "base64")]));
}
