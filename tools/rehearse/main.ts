// `npm run rehearse -- [RELEASE] [--out FOLDER]`: locks another LiteLLM, records its database schema, says what changes, and runs
// the node's tests in a copy of this repository that has it in use. See docs/runbooks/upgrade-litellm.md.
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { cached, digestOfFiles } from "../../src/cli/local/cache";
import { run } from "../../src/cli/local/programs";
import { findPython } from "../../src/cli/local/python";
import { releaseProblems } from "../../src/litellm/releases";
import { lockChanges, lockedRelease, newMigrations, requirementsFor, schemaChange, SchemaRecord } from "./changes";

/** Rehearsed when no release is named: the newest of the next line that installs from wheels and hashes. */
const NEXT_RELEASE = "1.108.7";

const ROOT = join(__dirname, "..", "..");
const FILES = join(ROOT, "src", "node", "files");
const PINNED = join(__dirname, "pinned");
/** Packages whose licence does not allow a node to run them. */
const EXCLUDED = join(__dirname, "excluded.txt");
const TESTS = join("test", "node", "run");

const REQUIREMENTS = "requirements.in";
const LOCK = "requirements.lock";
const RECORD = "prisma-client.json";

const COMPILE = ["--universal", "--python-version", "3.10", "--generate-hashes", "--only-binary", ":all:"] as const;
/** An index's address and local wheels would bind the lock file to this computer. */
const WITHOUT_HOST = ["--no-emit-index-url", "--no-emit-find-links", "--no-header"] as const;
const PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:"];

const MIGRATIONS = "from aigw_node.migration import find, litellm_migrations as all; print(*(one.name for one in find(all())), sep='\\n')";

/** What the tests do not need, or have in place of it. */
const NOT_COPIED = new Set([".git", "node_modules", "lib", "cdktf.out", "coverage", "rehearsal"]);

interface Rehearsal {
  readonly release: string;
  /** Where the two files are made. */
  readonly folder: string;
  /** The program `python`. */
  readonly python: string;
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { out: { type: "string" } } });
  const [release = NEXT_RELEASE] = positionals;
  try {
    const { requirementsFile, prismaClientFile } = await rehearse(release, resolve(values.out ?? join(ROOT, "rehearsal", release)));
    const props = { litellmRelease: release, requirementsFile, prismaClientFile };
    const told = Object.entries(props).map(([prop, value]) => `${prop}: ${JSON.stringify(value)}`);
    console.log(`LiteLLM ${release}: rehearsed, use it with ${told.join(", ")}`);
  } catch (error) {
    console.error(`LiteLLM ${release}: NOT rehearsed: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}

async function rehearse(release: string, folder: string): Promise<{ requirementsFile: string; prismaClientFile: string }> {
  const [problem] = releaseProblems("release", release);
  if (problem !== undefined) throw new Error(problem);
  const rehearsal = { release, folder, python: process.env.PYTHON ?? (await findPython()).command };
  const venv = mkdtempSync(join(tmpdir(), "rehearsal-venv-"));
  try {
    await step("lock LiteLLM and all it needs, wheels only", () => lock(rehearsal));
    await step("install the lock file", () => install(rehearsal, venv));
    await step("record the database schema", () => record(rehearsal, venv));
    await step("compare with the release in use", () => compare(rehearsal, venv));
  } finally {
    rmSync(venv, { recursive: true, force: true });
  }
  await step("test a node that has it", () => test(rehearsal));
  return { requirementsFile: join(folder, LOCK), prismaClientFile: join(folder, RECORD) };
}

/** @throws Error with the step's name, once all has been said */
async function step(what: string, work: () => void | Promise<void>): Promise<void> {
  console.log(`rehearse: ${what}`);
  try {
    await work();
  } catch (error) {
    console.error((error as Error).message);
    throw new Error(`it failed to ${what}, see above`);
  }
}

async function lock({ release, folder, python }: Rehearsal): Promise<void> {
  const uv = await uvProgram(python);
  mkdirSync(folder, { recursive: true });
  // uv would keep the versions of a lock file that is there.
  [LOCK, RECORD].forEach((name) => rmSync(join(folder, name), { force: true }));
  writeFileSync(join(folder, REQUIREMENTS), requirementsFor(readFileSync(join(FILES, REQUIREMENTS), "utf8"), release));
  const env = { ...process.env, UV_DEFAULT_INDEX: process.env.UV_DEFAULT_INDEX ?? process.env.PIP_INDEX_URL, UV_PYTHON_DOWNLOADS: "never" };
  await run(uv, ["pip", "compile", REQUIREMENTS, ...COMPILE, "--excludes", EXCLUDED, ...WITHOUT_HOST, "-o", LOCK], { cwd: folder, env });
}

async function install({ folder, python }: Rehearsal, venv: string): Promise<void> {
  await run(python, ["-m", "venv", venv]);
  await run(pythonOf(venv), [...PIP, "--requirement", join(folder, LOCK)]);
  await run(pythonOf(venv), ["-m", "pip", "check", "--disable-pip-version-check"]);
}

async function record({ folder }: Rehearsal, venv: string): Promise<void> {
  const prisma = join(await prismaPackages(), "node_modules", ".bin");
  // Parsing is WebAssembly inside Prisma's package. It demands engines all the same and would download them; none of them is run.
  const engines = { PRISMA_QUERY_ENGINE_BINARY: process.execPath, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
  const path = [prisma, join(venv, "bin"), process.env.PATH].join(delimiter);
  const asked = { PRISMA_CLI_QUERY_ENGINE_TYPE: "binary", CHECKPOINT_DISABLE: "1" };
  const env = { ...process.env, ...engines, ...asked, PATH: path, PYTHONPATH: FILES };
  await run(pythonOf(venv), ["-m", "aigw_node", "prisma-client", "record", join(folder, RECORD)], { env });
}

async function compare({ folder, release, python }: Rehearsal, venv: string): Promise<void> {
  const [oldLock, newLock] = [FILES, folder].map((of) => readFileSync(join(of, LOCK), "utf8"));
  const [oldSchema, newSchema] = [FILES, folder].map((of) => JSON.parse(readFileSync(join(of, RECORD), "utf8")) as SchemaRecord);
  const pythonInUse = await run(join(ROOT, TESTS), ["--python"], { env: { ...process.env, PYTHON: python } });
  const migrations = newMigrations(await migrationsOf(pythonInUse.trim()), await migrationsOf(pythonOf(venv)));
  const changes = lockChanges(oldLock!, newLock!);
  const say = (title: string, lines: readonly string[] = []): void => console.log([title, ...lines].join("\n  "));
  say(`LiteLLM ${release} against ${lockedRelease(oldLock!)}, which is in use:`);
  say(`packages that differ: ${changes.length}`, changes);
  say(`new database migrations: ${migrations.length}`, migrations);
  say(`database schema: ${schemaChange(oldSchema!, newSchema!)}`);
}

async function migrationsOf(python: string): Promise<string[]> {
  return (await run(python, ["-c", MIGRATIONS], { env: { ...process.env, PYTHONPATH: FILES } })).trim().split("\n");
}

/** All of the node's tests, those that synthesize a stack included, as they would run once the two files had been committed. */
function test({ folder, python }: Rehearsal): void {
  const copy = mkdtempSync(join(tmpdir(), "rehearsal-"));
  try {
    cpSync(ROOT, copy, { recursive: true, filter: (path) => !NOT_COPIED.has(relative(ROOT, path)) });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    [REQUIREMENTS, LOCK, RECORD].forEach((name) => copyFileSync(join(folder, name), join(copy, "src", "node", "files", name)));
    // What was skipped was not rehearsed: with CI set a test whose program is missing fails, and no options narrow the choice.
    const env = { ...process.env, PYTHON: python, CI: "1", PYTEST_ADDOPTS: undefined };
    const { status } = spawnSync(join(copy, TESTS), ["-m", "real or not real"], { env, stdio: ["ignore", "inherit", "inherit"] });
    if (status !== 0) throw new Error(`${TESTS} ended with ${status}`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** uv of PyPI, held against its hash. */
async function uvProgram(python: string): Promise<string> {
  const pinned = join(PINNED, "uv.lock");
  const folder = await cached(`uv-${digestOfFiles(pinned)}-${process.platform}-${process.arch}`, async (work) => {
    await run(python, [...PIP, "--target", work, "--requirement", pinned]);
  });
  return join(folder, "bin", "uv");
}

/** Prisma's command line of npm, held against its hash; no script of its packages is run. */
async function prismaPackages(): Promise<string> {
  const pinned = ["package.json", "package-lock.json"].map((name) => join(PINNED, name));
  return cached(`prisma-${digestOfFiles(...pinned)}`, async (work) => {
    cpSync(PINNED, work, { recursive: true });
    await run("npm", ["ci", "--prefix", work, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  });
}

function pythonOf(venv: string): string {
  return join(venv, "bin", "python");
}

void main();
