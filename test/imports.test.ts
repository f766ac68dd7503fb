import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SRC = join(__dirname, "..", "src");

/** The bindings of resources that requiring an entry loads, by their folders. */
function loadedBindings(entry: string): string[] {
  const script = `require(${JSON.stringify(join(SRC, entry))}); console.log(JSON.stringify(Object.keys(require.cache)))`;
  const files = JSON.parse(execFileSync(process.execPath, ["--import", "tsx", "-e", script], { encoding: "utf8" })) as string[];
  return bindingsIn(files.join("\n"));
}

/** The bindings that the sources of a folder import. */
function importedBindings(folder: string): string[] {
  const sources = readdirSync(join(SRC, folder), { encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const lines = sources.flatMap((name) => readFileSync(join(SRC, folder, name), "utf8").split("\n"));
  return bindingsIn(lines.filter((line) => /^(import|export) (?!type)/.test(line)).join("\n"));
}

function bindingsIn(text: string): string[] {
  return [...new Set([...text.matchAll(/(?:provider-aws\/lib|providers\/alicloud)\/([a-z0-9-]+)/g)].map(([, name]) => name!))].sort();
}

it("the core, the command and the testing entry load no cloud's bindings", () => {
  expect(["index.ts", "cli/synth-check.ts", "testing/index.ts"].flatMap(loadedBindings)).toEqual([]);
});

it.each(["aws", "alicloud"])("the entry of %s loads the bindings that it uses, and no other", (cloud) => {
  const loaded = loadedBindings(`${cloud}/index.ts`);
  expect(loaded.length).toBeGreaterThan(20);
  expect(loaded).toEqual(importedBindings(cloud));
});
