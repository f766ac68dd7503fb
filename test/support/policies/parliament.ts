import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pythonWith } from "../toolchain";
import type { PolicyDocument } from "./applied-stack";

const FOLDER = join(__dirname, "parliament");

/**
 * What parliament, the linter of IAM policies, finds in each of these.
 * @throws Error when it can not be installed or run
 */
export async function parliamentFindings(policies: Readonly<Record<string, PolicyDocument>>): Promise<Record<string, string[]>> {
  const python = await pythonWith(join(FOLDER, "requirements.txt"));
  const texts = Object.fromEntries(Object.entries(policies).map(([name, policy]) => [name, JSON.stringify(policy)]));
  const { status, stdout, stderr } = spawnSync(python, [join(FOLDER, "findings.py")], {
    input: JSON.stringify(texts),
    encoding: "utf8",
    env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1" },
  });
  if (status !== 0) throw new Error(`parliament failed: ${stderr}`);
  return JSON.parse(stdout) as Record<string, string[]>;
}
