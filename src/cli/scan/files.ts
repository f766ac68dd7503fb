import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What a path leads to. */
export type FileStep =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "skipped"; readonly path: string; readonly reason: string }
  | { readonly kind: "failed"; readonly path: string; readonly reason: string };

/** Folders that hold others' files by the thousand, or git's packed objects. A path that is named is read whatever it is. */
const PASSED_OVER: readonly (readonly [RegExp, string])[] = [
  [/(?:^|[\\/])node_modules$/, "installed packages"],
  [/(?:^|[\\/])\.git[\\/](?:objects|lfs)$/, "git's objects"],
];

/** The files of a path, in the order of their names; a folder with all that is below it. Links inside of folders are not followed. */
export async function* filesAt(path: string): AsyncGenerator<FileStep> {
  try {
    yield* (await stat(path)).isDirectory() ? below(path) : once(path);
  } catch (error) {
    yield { kind: "failed", path, reason: reasonOf(error) };
  }
}

async function* below(folder: string): AsyncGenerator<FileStep> {
  const names = await namesIn(folder);
  if (!Array.isArray(names)) {
    yield names;
    return;
  }
  for (const name of names) yield* entry(join(folder, name));
}

async function namesIn(folder: string): Promise<string[] | FileStep> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    return { kind: "failed", path: folder, reason: reasonOf(error) };
  }
}

async function* entry(path: string): AsyncGenerator<FileStep> {
  const reason = PASSED_OVER.find(([pattern]) => pattern.test(path))?.[1];
  const kind = await lstat(path);
  if (reason !== undefined) yield { kind: "skipped", path, reason };
  else if (kind.isDirectory()) yield* below(path);
  else if (kind.isFile()) yield { kind: "file", path };
  else yield { kind: "skipped", path, reason: kind.isSymbolicLink() ? "a link" : "no ordinary file" };
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* once(path: string): AsyncGenerator<FileStep> {
  yield { kind: "file", path };
}

/** Node's message names the path, which may hold a secret; its code says enough. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
