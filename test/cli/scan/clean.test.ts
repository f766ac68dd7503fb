import { execFileSync } from "node:child_process";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { EXAMPLES, ExampleName, synthesizeExample } from "../../support/examples";
import { reported } from "./support";

const ROOT = join(__dirname, "..", "..", "..");

it("finds nothing in this repository, within seconds", async () => {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" });
  // Not what is deleted, nor what a link leads to: a work tree may have its packages elsewhere.
  const paths = listed.split("\0").filter((path) => lstatSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile() === true);
  const start = Date.now();
  const { finds, failed, files } = await reported(paths.map((path) => join(ROOT, path)));
  expect(finds).toEqual([]);
  expect(failed).toEqual([]);
  expect(files).toBeGreaterThan(300);
  expect(Date.now() - start).toBeLessThan(120_000);
});

it.each(Object.keys(EXAMPLES) as ExampleName[])("finds nothing in what the example %s synthesizes, its bundle included", async (name) => {
  const example = synthesizeExample(name);
  try {
    const { finds, failed, skipped, bytes } = await reported([example.folder]);
    expect({ finds, failed, skipped }).toEqual({ finds: [], failed: [], skipped: [] });
    expect(bytes).toBeGreaterThan(100_000);
  } finally {
    example.dispose();
  }
});

it("finds nothing in the documents and the code of cdktf", async () => {
  const { finds, files } = await reported([join(ROOT, "node_modules", "cdktf")]);
  expect(finds).toEqual([]);
  expect(files).toBeGreaterThan(100);
});
