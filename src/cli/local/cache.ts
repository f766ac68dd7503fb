import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** PostgreSQL does not run as root, and what runs in root's place must be able to read its programs. */
const ROOTS_CACHE = "/var/cache";

/** The folder of what is downloaded once. */
export function cacheFolder(): string {
  const usual = process.getuid?.() === 0 ? ROOTS_CACHE : join(homedir(), ".cache");
  return join(process.env.XDG_CACHE_HOME ?? usual, "cdktf-ai-gateway");
}

/** Whether {@link cached} has it already. */
export function isCached(name: string): boolean {
  return existsSync(join(cacheFolder(), name));
}

/** A folder that is made once, whole or not at all; its name says of what it is made. */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder(), { recursive: true, mode: 0o755 });
  const work = mkdtempSync(`${folder}.`);
  chmodSync(work, 0o755);
  try {
    await make(work);
    renameSync(work, folder);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    // Somebody else was faster, with the same.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** A short name for contents. */
export function digest(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  parts.forEach((part) => hash.update(part).update("\0"));
  return hash.digest("hex").slice(0, 16);
}

/** The same for files. */
export function digestOfFiles(...paths: string[]): string {
  return digest(...paths.map((path) => readFileSync(path)));
}
