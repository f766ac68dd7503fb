import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pythonWith } from "../toolchain";
import type { PolicyDocument } from "./policy-document";

const FOLDER = join(__dirname, "parliament");

/** What parliament finds in a statement. */
export interface Finding {
  /** The kind, such as "RESOURCE_STAR". */
  readonly issue: string;
  /** The statement's id. */
  readonly statement: string;
  /** The actions that it is about, where it is about some. */
  readonly actions: readonly string[];
}

/**
 * What parliament, the linter of IAM policies, finds in each of these.
 * @throws Error when it can not be installed or run
 */
export async function parliamentFindings(policies: Readonly<Record<string, PolicyDocument>>): Promise<Record<string, Finding[]>> {
  const python = await pythonWith(join(FOLDER, "requirements.txt"));
  const { status, stdout, stderr } = spawnSync(python, [join(FOLDER, "findings.py")], {
    input: JSON.stringify(policies),
    encoding: "utf8",
    env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1" },
  });
  if (status !== 0) throw new Error(`parliament failed: ${stderr}`);
  return JSON.parse(stdout) as Record<string, Finding[]>;
}
