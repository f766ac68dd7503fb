import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** A file, a text that would stand in it, and what our rules say of it. */
const CASES: readonly [string, string, string[]][] = [
  ["src/ai-gateway.ts", 'import { S3Bucket } from "@cdktf/provider-aws"; void S3Bucket;', ["The root of a provider package"]],
  ["examples/quickstart/main.ts", 'import { Resource } from "@cdktf/provider-null"; void Resource;', ["The root of a provider package"]],
  ["src/ai-gateway.ts", 'import { Fn } from "cdktf"; Fn.jsonencode({ a: 1 });', ["Fn.jsonencode does not escape"]],
  ["src/ai-gateway.ts", 'import { AwsPlatform } from "./aws"; void AwsPlatform;', ["must not load a cloud's bindings"]],
  ["src/litellm/routing.ts", 'import { Role } from "../alicloud/role"; void Role;', ["must not load a cloud's bindings"]],
  ["src/drift-check.ts", 'import { Lb } from "@cdktf/provider-aws/lib/lb"; void Lb;', ["must not load a cloud's bindings"]],
  ["src/aws/platform.ts", 'import { Role } from "../alicloud/role"; void Role;', ["must not load a cloud's bindings"]],
  ["src/alicloud/platform.ts", 'import { Lb } from "@cdktf/provider-aws/lib/lb"; void Lb;', ["must not load a cloud's bindings"]],
  ["src/agent/agent-key.ts", 'import { Token } from "cdktf"; void Token();', ["does not load CDKTF"]],
  ["src/vault/vault-store.ts", 'import { Role } from "../aws/role"; void Role;', ["must not load a cloud's bindings"]],
  ["src/litellm/routing.ts", 'import { Token } from "cdktf"; void Token;', ["pure TypeScript"]],
  ["src/aws/platform.ts", 'import { addCustomSynthesis } from "cdktf/lib/synthesize"; void addCustomSynthesis;', ["by its root only"]],
  ["src/aws/platform.ts", 'import { Lb } from "@cdktf/provider-aws/lib/lb"; void Lb;', []],
];

it("the lint rules of our own hold, and let through what is right", () => {
  const script = join(__dirname, "support", "lint-texts.mjs");
  const input = JSON.stringify(CASES.map(([file, text]) => ({ file, text })));
  const complaints = JSON.parse(execFileSync(process.execPath, [script], { input, encoding: "utf8" })) as string[][];
  expect(complaints).toEqual(CASES.map(([, , messages]) => messages.map((message) => expect.stringContaining(message) as string)));
});
