import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SimulatedProviders, startSimulatedProviders } from "./simulated-provider";
import { Terraform } from "./terraform";

const ROOT = join(__dirname, "..", "..");

/** Where the schemas that the simulated providers serve are. */
const SCHEMAS = {
  "aliyun/alicloud": join(ROOT, "schema", "alicloud.schema.json"),
  "hashicorp/null": join(__dirname, "simulated-provider", "null.schema.json"),
} as const;

/** Simulated providers with a cloud of their own; `stop` forgets it. */
export async function simulate(...sources: (keyof typeof SCHEMAS)[]): Promise<SimulatedProviders> {
  const directory = await mkdtemp(join(tmpdir(), "cloud-"));
  const providers = await startSimulatedProviders({ directory, schemas: sources.map((source) => ({ source, file: SCHEMAS[source] })) });
  return {
    ...providers,
    cloud: (source) => providers.cloud(source),
    stop: async () => {
      await providers.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Rewrites the stack in a Terraform folder, as a change of its program would. */
export async function rewriteStack(terraform: Terraform, change: (text: string) => string): Promise<void> {
  const file = join(terraform.folder, "cdk.tf.json");
  await writeFile(file, change(await readFile(file, "utf8")));
}

/**
 * The stack as `removal: "destroy"` and `deletionProtection: false` make it.
 * That it is the same is shown in test/protection.test.ts.
 */
export function withoutProtection(text: string): string {
  return text
    .replaceAll('"prevent_destroy": true', '"prevent_destroy": false')
    .replaceAll('"force_destroy": false', '"force_destroy": true')
    .replaceAll('"enable_deletion_protection": true', '"enable_deletion_protection": false')
    .replaceAll('"group_deletion_protection": true', '"group_deletion_protection": false')
    .replaceAll('"recovery_window_in_days": 30', '"recovery_window_in_days": 0')
    .replaceAll('"deletion_protection": "Enabled"', '"deletion_protection": "Disabled"')
    .replace(/("deletion_protection_config": \{\s*"enabled": )true/g, "$1false");
}
