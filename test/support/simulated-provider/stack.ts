import { readFileSync } from "node:fs";
import { join } from "node:path";
import { asMap, isMap, UNKNOWN, type Value, type ValueMap } from "./wire";

/** A Terraform configuration in JSON. */
export interface Stack {
  terraform: ValueMap;
  provider: ValueMap;
  resource: Record<string, Record<string, ValueMap>>;
  data?: ValueMap;
  output?: ValueMap;
}

/** A fresh copy of the stack whose arguments the real provider 1.289.0 planned, with the other simulated resources added. */
export function knownGoodStack(): Stack {
  return JSON.parse(readFileSync(join(__dirname, "known-good.tf.json"), "utf8")) as Stack;
}

/** The known-good stack with fewer resources; providers and nothing else besides. */
export function stackOf(resource: Stack["resource"]): Stack {
  const { terraform, provider } = knownGoodStack();
  return { terraform, provider, resource };
}

/** The first resource of a type as the provider gets it at validate: what refers to others is unknown. */
export function configOf(type: string): ValueMap {
  const [config] = Object.values(knownGoodStack().resource[type] ?? {});
  if (!config) throw new Error(`the known-good stack has no ${type}`);
  const metaArguments = ["lifecycle", "depends_on"];
  return asMap(resolved(Object.fromEntries(Object.entries(config).filter(([name]) => !metaArguments.includes(name)))));
}

function resolved(value: Value): Value {
  if (typeof value === "string") return value.includes("${") ? UNKNOWN : value;
  if (Array.isArray(value)) return value.map(resolved);
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, resolved(inner)])) : value;
}

/** A copy with one value changed at a dotted path, in the first element of each list on the way; null takes it out. */
export function withValue(config: ValueMap, path: string, value: Value): ValueMap {
  const [head = "", ...rest] = path.split(".");
  if (rest.length === 0) return { ...config, [head]: value };
  const inner = config[head];
  const [first, ...others] = Array.isArray(inner) ? inner : [inner ?? {}];
  return { ...config, [head]: [withValue(asMap(first), rest.join("."), value), ...others] };
}
