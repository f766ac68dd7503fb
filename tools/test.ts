// Runs all tests; what a test suite can be told by the environment (JEST_JSON, PYTEST_XML) is for CI's count.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(__dirname, "..");
const jestResults = process.env.JEST_JSON === undefined ? [] : ["--json", `--outputFile=${process.env.JEST_JSON}`];
const pytestResults = process.env.PYTEST_XML === undefined ? [] : [`--junitxml=${process.env.PYTEST_XML}`];

const suites: readonly (readonly [string, ...string[]])[] = [
  ["npx", "tsc", "-p", "tsconfig.json"],
  ["npx", "jest", "--ci", ...jestResults],
  [join("test", "node", "run"), "-m", "real or not real", ...pytestResults],
];
// All of them run even when one fails: a person wants to see everything that is wrong.
const failures = suites.filter(
  ([command, ...words]) => spawnSync(command, words, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] }).status !== 0,
);
failures.forEach((suite) => console.error(`failed: ${suite.join(" ")}`));
process.exitCode = failures.length === 0 ? 0 : 1;
