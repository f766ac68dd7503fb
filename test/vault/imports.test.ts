import { execFileSync } from "node:child_process";
import { join } from "node:path";

const SRC = join(__dirname, "..", "..", "src");

/** The bindings of resources that requiring an entry loads. */
function loadedBindings(entry: string): string[] {
  const script = `require(${JSON.stringify(join(SRC, entry))}); console.log(JSON.stringify(Object.keys(require.cache)))`;
  const files = execFileSync(process.execPath, ["--import", "tsx", "-e", script], { encoding: "utf8" });
  return [...new Set(files.match(/(?<=@cdktf\/)provider-\w+\/lib\/[a-z0-9-]+|bindings\/providers\/[a-z0-9-]+\/[a-z0-9-]+/g))].sort();
}

it("the entry of Vault loads the three bindings that it uses, and none of a cloud's", () => {
  expect(loadedBindings("vault/index.ts")).toEqual([
    "provider-vault/lib/alicloud-auth-backend-role",
    "provider-vault/lib/aws-auth-backend-role",
    "provider-vault/lib/policy",
  ]);
});

it.each(["index.ts", "aws/index.ts", "alicloud/index.ts", "testing/index.ts"])("%s loads none of Vault's", (entry) => {
  expect(loadedBindings(entry).filter((binding) => binding.startsWith("provider-vault"))).toEqual([]);
});
