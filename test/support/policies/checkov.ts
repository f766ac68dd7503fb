import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonWith } from "../toolchain";

/** A check that failed, and on what. */
export interface FailedCheck {
  readonly check: string;
  /** The path of the construct below the gateway, with underscores. */
  readonly construct: string;
}

/** What Checkov says of a stack. */
export interface CheckovReport {
  readonly passed: number;
  readonly failed: readonly FailedCheck[];
}

/**
 * Runs Checkov over a synthesized stack. It reads a copy without `import` blocks, on which Checkov 3.3 gives up; they make nothing.
 * @throws Error when it can not be installed, or the stack not be read
 */
export async function checkovReport(stackFolder: string): Promise<CheckovReport> {
  const python = await pythonWith(join(__dirname, "checkov", "requirements.txt"));
  const stack = JSON.parse(readFileSync(join(stackFolder, "cdk.tf.json"), "utf8")) as { import?: unknown };
  const folder = mkdtempSync(join(tmpdir(), "checkov-"));
  writeFileSync(join(folder, "cdk.tf.json"), JSON.stringify({ ...stack, import: undefined }, null, 2));
  const words = ["-m", "checkov.main", "-d", folder, "--framework", "terraform_json", "--output", "json", "--skip-download"];
  const { stdout, stderr } = spawnSync(python, words, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env.PATH, HOME: folder, PYTHONDONTWRITEBYTECODE: "1" },
  });
  rmSync(folder, { recursive: true });
  return reportOf(stdout, stderr);
}

function reportOf(stdout: string, stderr: string): CheckovReport {
  if (!stdout.startsWith("{")) throw new Error(`checkov failed: ${stdout}${stderr}`);
  const { summary, results } = JSON.parse(stdout) as {
    summary: { passed: number; parsing_errors: number };
    results: { failed_checks: { check_id: string; resource: string }[] };
  };
  if (summary.parsing_errors > 0) throw new Error(`checkov could not read the stack: ${stderr}`);
  return {
    passed: summary.passed,
    failed: results.failed_checks.map(({ check_id: check, resource }) => ({ check, construct: constructOf(resource) })),
  };
}

/** "Cluster_Files_Bucket" of "aws_s3_bucket.gateway_Cluster_Files_Bucket_18C3633E"; not all checks name the type. */
function constructOf(resource: string): string {
  return resource.replace(/^(.*\.)?gateway_/, "").replace(/_[0-9A-F]{8}$/, "");
}
