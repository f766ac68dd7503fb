// Fails when docs/api is not what the sources say: generates it anew elsewhere and compares.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "..");
const fresh = mkdtempSync(join(tmpdir(), "docs-"));
try {
  execFileSync("npx", ["typedoc", "--out", fresh, "--logLevel", "Error"], { cwd: ROOT, stdio: "inherit" });
  const stale = difference(pages(join(ROOT, "docs", "api")), pages(fresh));
  if (stale.length > 0) throw new Error(`docs/api is not fresh, run npm run docs: ${stale.join(", ")}`);
  console.log("docs/api is fresh");
} finally {
  rmSync(fresh, { recursive: true });
}

function pages(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

function difference(committed: ReadonlyMap<string, string>, generated: ReadonlyMap<string, string>): string[] {
  const names = new Set([...committed.keys(), ...generated.keys()]);
  return [...names].filter((name) => committed.get(name) !== generated.get(name));
}
