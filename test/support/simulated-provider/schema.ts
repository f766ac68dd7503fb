import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { asMap, type Value, type ValueMap } from "./wire";

/** Terraform's notation of a type: `"string"`, `["set", "string"]`, `["object", { ... }]`. */
export type AttributeType = string | ["list" | "set" | "map", AttributeType] | ["object", Record<string, AttributeType>];

export interface Attribute {
  readonly type: AttributeType;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly computed?: boolean;
  readonly sensitive?: boolean;
  readonly deprecated?: boolean;
  readonly write_only?: boolean;
}

export interface NestedBlock {
  readonly nesting_mode: "single" | "list" | "set" | "map" | "group";
  readonly block: Block;
  readonly min_items?: number;
  readonly max_items?: number;
}

export interface Block {
  readonly attributes?: Record<string, Attribute>;
  readonly block_types?: Record<string, NestedBlock>;
}

export interface Schema {
  readonly version?: number;
  readonly block?: Block;
}

/** The part of `terraform providers schema -json` that belongs to one provider. */
export interface ProviderSchema {
  readonly provider?: Schema;
  readonly resource_schemas?: Record<string, Schema>;
  readonly data_source_schemas?: Record<string, Schema>;
}

/** Reads the schema of the only provider in a file; `.gz` is unpacked. */
export function loadSchema(file: string): ProviderSchema {
  const bytes = readFileSync(file);
  const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const { provider_schemas: schemas } = JSON.parse(text) as { provider_schemas: Record<string, ProviderSchema> };
  const [only, ...others] = Object.values(schemas);
  if (!only || others.length) throw new Error(`${file}: expected the schema of one provider, found ${others.length + (only ? 1 : 0)}`);
  return only;
}

/** A schema in the form of the plugin protocol. */
export function toProtocolSchema(schema: Schema): object {
  return { version: schema.version ?? 0, block: toProtocolBlock(schema.block ?? {}) };
}

function toProtocolBlock(block: Block): object {
  return {
    attributes: Object.entries(block.attributes ?? {}).map(([name, { type, ...flags }]) => ({
      name,
      type: Buffer.from(JSON.stringify(type)),
      required: !!flags.required,
      optional: !!flags.optional,
      computed: !!flags.computed,
      sensitive: !!flags.sensitive,
      deprecated: !!flags.deprecated,
      write_only: !!flags.write_only,
    })),
    block_types: Object.entries(block.block_types ?? {}).map(([type_name, nested]) => ({
      type_name,
      nesting: nested.nesting_mode.toUpperCase(),
      min_items: nested.min_items ?? 0,
      max_items: nested.max_items ?? 0,
      block: toProtocolBlock(nested.block),
    })),
  };
}

/** The value with every attribute and block of the schema and nothing else, as Terraform demands; what is missing is null. */
export function conform(block: Block, value: Value): ValueMap {
  const given = asMap(value);
  const unknown = Object.keys(given).filter((name) => !block.attributes?.[name] && !block.block_types?.[name]);
  if (unknown.length) throw new Error(`not in the schema: ${unknown.join(", ")}`);
  const out: ValueMap = {};
  for (const [name, attribute] of Object.entries(block.attributes ?? {})) out[name] = conformType(attribute.type, given[name] ?? null);
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    const part = given[name] ?? null;
    if (Array.isArray(part)) out[name] = part.map((element) => conform(nested.block, element));
    else out[name] = part === null ? (isRepeated(nested) ? [] : null) : conform(nested.block, part);
  }
  return out;
}

function isRepeated(nested: NestedBlock): boolean {
  return nested.nesting_mode === "list" || nested.nesting_mode === "set";
}

function conformType(type: AttributeType, value: Value): Value {
  if (value === null || typeof type === "string") return value;
  const [kind, of] = type;
  if (kind === "object")
    return Object.fromEntries(Object.entries(of).map(([name, inner]) => [name, conformType(inner, asMap(value)[name] ?? null)]));
  return Array.isArray(value) ? value.map((element) => conformType(of, element)) : value;
}
