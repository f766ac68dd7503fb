import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What LiteLLM knows of a model, by its names. */
export type PriceTable = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** LiteLLM's own list, of the release that runs: a node takes no other. */
export function priceTable(python: string): PriceTable {
  const lib = join(dirname(python), "..", "lib");
  const version = readdirSync(lib).find((name) => name.startsWith("python3"))!;
  const file = join(lib, version, "site-packages", "litellm", "model_prices_and_context_window_backup.json");
  return JSON.parse(readFileSync(file, "utf8")) as PriceTable;
}

/** Costs, and how much fits in. */
const KEPT = /cost|^tiered_pricing$|^mode$|^max_(input_|output_)?tokens$/;
/** Bedrock's inference profiles: a model in several regions. */
const PROFILE = /^(us|us-gov|eu|apac|jp|au|global)\./;

/**
 * What a node would count for a model: by its base model if it has one, among its provider's.
 * Undefined where a node knows no price either.
 */
export function priceOf(table: PriceTable, model: string, baseModel: string | undefined): Record<string, unknown> | undefined {
  const provider = model.slice(0, model.indexOf("/"));
  const name = baseModel ?? model.slice(provider.length + 1);
  const plain = name.startsWith(`${provider}/`) ? name.slice(provider.length + 1) : name;
  const entry = [`${provider}/${plain}`, name, plain, plain.replace(PROFILE, "")]
    .map((key) => table[key])
    .find((one) => one !== undefined && isOf(one, provider, name));
  return entry === undefined ? undefined : Object.fromEntries(Object.entries(entry).filter(([field]) => KEPT.test(field)));
}

/** A base model may name another provider; else a model of the same name at another one is another model. */
function isOf({ litellm_provider: owner }: PriceTable[string], provider: string, name: string): boolean {
  const family = (word: string): string => word.split(/[_-]/)[0]!;
  return family(String(owner)) === family(provider) || name.startsWith(`${String(owner)}/`);
}
