// Keeps of the whole Alibaba Cloud schema what schema/alicloud.resources.txt lists; `--check` fails when that is not done.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const SCHEMA = join(__dirname, "..", "schema");
const TRIMMED = join(SCHEMA, "alicloud.schema.json");
const GROUPS = [
  ["resource_schemas", ""],
  ["data_source_schemas", "data."],
] as const;

type Schemas = Record<string, object>;
interface ProviderSchema {
  provider: object;
  resource_schemas: Schemas;
  data_source_schemas: Schemas;
}
interface SchemaFile {
  format_version: string;
  provider_schemas: Record<string, ProviderSchema>;
}

const wanted = readFileSync(join(SCHEMA, "alicloud.resources.txt"), "utf8").split("\n").filter(Boolean);
const whole = JSON.parse(gunzipSync(readFileSync(join(SCHEMA, "alicloud-1.289.0.schema.json.gz"))).toString()) as SchemaFile;
const trimmed = JSON.stringify(trim(whole, wanted), null, 1) + "\n";

if (process.argv.includes("--check")) {
  if (readFileSync(TRIMMED, "utf8") !== trimmed)
    throw new Error("schema/alicloud.schema.json is not what the list asks for: run npm run bindings");
} else {
  writeFileSync(TRIMMED, trimmed);
}

/** `provider_versions` is left out on purpose: with it, the bindings would pin users to one exact version. */
function trim(file: SchemaFile, names: readonly string[]): SchemaFile {
  const [[source, schema]] = Object.entries(file.provider_schemas) as [[string, ProviderSchema]];
  const known = GROUPS.flatMap(([group, prefix]) => Object.keys(schema[group]).map((name) => prefix + name));
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`schema/alicloud.resources.txt: the provider has no ${unknown.join(", ")}`);
  const kept = GROUPS.map(([group, prefix]) => [
    group,
    Object.fromEntries(Object.entries(schema[group]).filter(([name]) => names.includes(prefix + name))),
  ]);
  return {
    format_version: file.format_version,
    provider_schemas: { [source]: { provider: schema.provider, ...(Object.fromEntries(kept) as Omit<ProviderSchema, "provider">) } },
  };
}
