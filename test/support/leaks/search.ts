import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Find } from "../../../src/cli/scan/findings";
import { reported } from "../../cli/scan/support";
import { Canaries } from "./canaries";

/**
 * Where `scan` finds a canary, or anything else that looks like a secret: `entrance -> place`.
 * @throws Error when a path can not be read
 */
export async function leaksIn(paths: readonly string[], canaries: Canaries): Promise<string[]> {
  const finds = await search(paths, canaries.values);
  const others = finds.filter(({ rule }) => rule !== "canary").map((find) => `${find.rule} -> ${placeOf(find)}`);
  return [...others, ...(await named(finds, canaries))];
}

/** The same for canaries only: where other programs' secrets may lie. */
export async function canariesIn(paths: readonly string[], canaries: Canaries): Promise<string[]> {
  return named(await search(paths, canaries.values), canaries);
}

/** Where `scan` finds one of these texts: `file`, `file!entry`, each with the keys that lead there in JSON. */
export async function placesOf(paths: readonly string[], ...texts: readonly string[]): Promise<string[]> {
  const finds = await search(paths, texts);
  return [...new Set(finds.filter(({ rule }) => rule === "canary").map(placeOf))].sort();
}

/** One by one, and only where there was a find: the command does not say which canary it found. */
async function named(finds: readonly Find[], canaries: Canaries): Promise<string[]> {
  const files = [...new Set(finds.filter(({ rule }) => rule === "canary").map(({ file }) => file))];
  const found: string[] = [];
  for (const value of files.length === 0 ? [] : canaries.values) {
    found.push(...(await placesOf(files, value)).map((place) => `${canaries.entranceOf(value)} -> ${place}`));
  }
  return found;
}

function placeOf({ file, entry, jsonPath }: Find): string {
  return [[file, entry].filter(Boolean).join("!"), jsonPath].filter(Boolean).join(" ");
}

async function search(paths: readonly string[], values: readonly string[]): Promise<readonly Find[]> {
  const folder = await mkdtemp(join(tmpdir(), "canaries-"));
  try {
    const canaryFile = join(folder, "canaries");
    await writeFile(canaryFile, `${values.join("\n")}\n`, { mode: 0o600 });
    const report = await reported(paths, { canaryFile });
    if (report.failed.length > 0) throw new Error(`not read: ${JSON.stringify(report.failed)}`);
    return report.finds;
  } finally {
    await rm(folder, { recursive: true });
  }
}
