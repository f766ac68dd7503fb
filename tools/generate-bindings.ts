// Makes src/alicloud/bindings from schema/alicloud.schema.json with cdktf's own generator; needs no network and no Terraform.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConstructsMakerProviderTarget, LANGUAGES, TerraformProviderConstraint } from "@cdktf/commons";
// The package's root asks for jsii-pacmak, which only other languages need.
import { TerraformProviderGenerator } from "@cdktf/provider-generator/lib/get/generator/provider-generator";
import { CodeMaker } from "codemaker";

const ROOT = join(__dirname, "..");
const OUTPUT = join(ROOT, "src", "alicloud", "bindings");
/** The versions of the provider that users may have; what the bindings use is in all of them. */
const CONSTRAINT = "aliyun/alicloud@>= 1.289.0, < 3";
/** The generator's code for a list of lists of objects does not compile; nothing here needs the one attribute that is one. */
const NOT_GENERATED = ["match_rules"];

async function generate(): Promise<void> {
  const schema = JSON.parse(
    readFileSync(join(ROOT, "schema", "alicloud.schema.json"), "utf8"),
    withoutNotGenerated,
  ) as ConstructorParameters<typeof TerraformProviderGenerator>[1];
  const code = new CodeMaker();
  new TerraformProviderGenerator(code, schema).generate(
    new ConstructsMakerProviderTarget(new TerraformProviderConstraint(CONSTRAINT), LANGUAGES[0]!),
  );
  rmSync(OUTPUT, { recursive: true, force: true });
  await code.save(OUTPUT);
}

function withoutNotGenerated(key: string, value: unknown): unknown {
  return NOT_GENERATED.includes(key) ? undefined : value;
}

void generate();
