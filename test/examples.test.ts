import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXAMPLES, ExampleName, filesOf, SynthesizedExample, synthesizeExample } from "./support/examples";

const ROOT = join(__dirname, "..");

interface Json {
  [key: string]: unknown;
}

/** A change of the node's program changes its hash in every snapshot: hashes and the script of the first boot have tests of their own. */
function withoutHashes(text: string): Json {
  return JSON.parse(text.replace(/[0-9a-f]{64}/g, "<sha256>"), (key, value: unknown) =>
    key.includes("UserData") && typeof value === "string"
      ? value.replace(/(<<'AIGW_END'\n)#!\/usr\/bin\/env python3\n[^]*?(\nAIGW_END)/, "$1<fetch.py>$2")
      : value,
  ) as Json;
}

/** The paths of all resources, which cdktf writes beside them: what moves when one changes. */
function resourcePaths(stack: Json): string[] {
  const groups = ["resource", "data"].map(
    (group) => stack[group] as Record<string, Record<string, { "//": { metadata: { path: string } } }>> | undefined,
  );
  return groups
    .flatMap((group) => Object.values(group ?? {}).flatMap((byId) => Object.values(byId).map((resource) => resource["//"].metadata.path)))
    .sort();
}

describe.each(Object.entries(EXAMPLES) as [ExampleName, readonly string[]][])("the example %s", (name, stacks) => {
  let example: SynthesizedExample;
  beforeAll(() => (example = synthesizeExample(name)));
  afterAll(() => example.dispose());

  it.each(stacks.map((stack) => [stack]))("makes the stack %s as it did before", (stack) => {
    const text = readFileSync(join(example.stackFolder(stack), "cdk.tf.json"), "utf8");
    expect(resourcePaths(JSON.parse(text) as Json)).toMatchSnapshot("resource paths");
    expect(withoutHashes(text)).toMatchSnapshot("stack");
  });

  it("is byte for byte the same a second time", () => {
    const again = synthesizeExample(name);
    expect(filesOf(again.folder)).toEqual(filesOf(example.folder));
    again.dispose();
  });

  it("names no path of this machine, and no pin of a provider's version", () => {
    const manifest = readFileSync(join(example.folder, "manifest.json"), "utf8");
    expect(manifest).not.toContain(ROOT);
    for (const stack of stacks) {
      const text = readFileSync(join(example.stackFolder(stack), "cdk.tf.json"), "utf8");
      expect(text).not.toContain(ROOT);
      expect(text).not.toContain(example.folder);
      const { terraform } = JSON.parse(text) as { terraform: { required_providers: Record<string, { version: string }> } };
      const versions = Object.entries(terraform.required_providers).map(([provider, { version }]) => `${provider} ${version}`);
      const cloud = stack.includes("aws") ? "aws >= 5.100, < 7" : "alicloud >= 1.289.0, < 3";
      const vault = stack.startsWith("vault-") ? ["vault >= 5, < 6"] : [];
      expect(versions.sort()).toEqual([cloud, "null >= 3.2, < 4", ...vault]);
    }
  });
});
