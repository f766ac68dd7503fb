// `npm test`: all tests but those that are long by nature. `npm run test:extended` (`--extended`) adds these, before a release.
// What a test suite can be told by the environment (JEST_JSON, PYTEST_XML) is for CI's count.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "..");
const NODE_TESTS = join("test", "node", "run");
/** The ends of the range that a node runs on; the Python of the PATH is tested anyway. */
const OTHER_PYTHONS = ["3.10", "3.13"];
const PROJECTS = ["unit", "doubles", "e2e"];

const isExtended = process.argv.includes("--extended");
const projects = isExtended ? [...PROJECTS, "extended"] : PROJECTS;
const jestResults = process.env.JEST_JSON === undefined ? [] : ["--json", `--outputFile=${process.env.JEST_JSON}`];
const pytestResults = process.env.PYTEST_XML === undefined ? [] : [`--junitxml=${process.env.PYTEST_XML}`];

type Suite = readonly [command: string, ...words: string[]];

const suites: readonly Suite[] = [
  ["npx", "tsc", "-p", "tsconfig.json"],
  ["npx", "jest", "--ci", "--selectProjects", ...projects, ...jestResults],
  [NODE_TESTS, "-m", "real or not real", ...pytestResults],
  ...(isExtended ? OTHER_PYTHONS.map((minor): Suite => ["env", `PYTHON=${python(minor)}`, NODE_TESTS]) : []),
];
// All of them run even when one fails: a person wants to see everything that is wrong.
const failures = suites.filter(
  ([command, ...words]) => spawnSync(command, words, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] }).status !== 0,
);
failures.forEach((suite) => console.error(`failed: ${suite.join(" ")}`));
process.exitCode = failures.length === 0 ? 0 : 1;

/** The newest one of pyenv, or that of the PATH: its suite fails where there is none. */
function python(minor: string): string {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  const patches = existsSync(versions) ? readdirSync(versions).filter((name) => name.startsWith(`${minor}.`)) : [];
  const newest = patches.sort((one, other) => patchOf(one) - patchOf(other)).at(-1);
  return newest === undefined ? `python${minor}` : join(versions, newest, "bin", "python3");
}

function patchOf(version: string): number {
  return Number.parseInt(version.split(".")[2]!, 10);
}
