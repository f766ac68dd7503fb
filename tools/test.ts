// Runs all tests; what a test suite can be told by the environment (JEST_JSON, PYTEST_XML) is for CI's count.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "..");
const jestResults = process.env.JEST_JSON === undefined ? [] : ["--json", `--outputFile=${process.env.JEST_JSON}`];
const pytestResults = process.env.PYTEST_XML === undefined ? [] : [`--junitxml=${process.env.PYTEST_XML}`];

/** The ends of the range that a node runs on, of pyenv, where they are there: the Python of the PATH is tested anyway. */
function otherPythons(): string[] {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  const found = existsSync(versions) ? readdirSync(versions) : [];
  const newest = (minor: string): string | undefined =>
    found
      .filter((name) => name.startsWith(`${minor}.`))
      .sort()
      .at(-1);
  return ["3.10", "3.13"].flatMap((minor) => newest(minor) ?? []).map((name) => join(versions, name, "bin", "python3"));
}

const NODE_TESTS = join("test", "node", "run");
const suites: readonly (readonly [string, ...string[]])[] = [
  ["npx", "tsc", "-p", "tsconfig.json"],
  ["npx", "jest", "--ci", ...jestResults],
  [NODE_TESTS, "-m", "real or not real", ...pytestResults],
  ...otherPythons().map((python): [string, ...string[]] => ["env", `PYTHON=${python}`, NODE_TESTS]),
];
// All of them run even when one fails: a person wants to see everything that is wrong.
const failures = suites.filter(
  ([command, ...words]) => spawnSync(command, words, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] }).status !== 0,
);
failures.forEach((suite) => console.error(`failed: ${suite.join(" ")}`));
process.exitCode = failures.length === 0 ? 0 : 1;
