import { COMPARED_AS_JSON, COMPUTED_BLOCKS, PROVIDER_DEFAULTS, RECOMPUTED } from "./defaults";
import { FORCE_NEW } from "./force-new";
import { valuesAt } from "./paths";
import type { Block, NestedBlock } from "./schema";
import { asMap, canonical, sameValue, UNKNOWN, Unknown, type Value, type ValueMap } from "./wire";

export interface Plan {
  readonly planned: ValueMap;
  /** Top-level arguments whose change replaces the resource. */
  readonly replacedBy: readonly string[];
}

/** What an apply would make of a resource, as the provider answers Terraform. */
export function planResource(type: string, block: Block, proposed: ValueMap, prior: ValueMap | null): Plan {
  const planned = planBlock(type, block, proposed, prior, "");
  if (!prior) return { planned, replacedBy: [] };
  for (const name of COMPUTED_BLOCKS[type] ?? []) {
    if (Array.isArray(planned[name]) && planned[name].length === 0) planned[name] = prior[name] ?? [];
  }
  for (const name of COMPARED_AS_JSON[type] ?? []) if (sameJson(prior[name], planned[name])) planned[name] = prior[name] ?? null;
  for (const [name, triggers] of Object.entries(RECOMPUTED[type] ?? {})) {
    if (triggers.some((trigger) => !sameValue(prior[trigger], planned[trigger]))) planned[name] = UNKNOWN;
  }
  const changed = (FORCE_NEW[type] ?? []).filter((path) => canonical(valuesAt(prior, path)) !== canonical(valuesAt(planned, path)));
  return { planned, replacedBy: [...new Set(changed.map((path) => path.split(".")[0] ?? path))] };
}

function planBlock(type: string, block: Block, proposed: ValueMap, prior: ValueMap | null, prefix: string): ValueMap {
  const out: ValueMap = { ...proposed };
  for (const [name, attribute] of Object.entries(block.attributes ?? {})) {
    if (attribute.write_only) out[name] = null;
    else if ((out[name] ?? null) === null) out[name] = leftOut(!!attribute.computed, PROVIDER_DEFAULTS[type]?.[prefix + name], prior, name);
  }
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    const elements = proposed[name] ?? null;
    if (Array.isArray(elements)) out[name] = planElements(type, nested, elements, prior?.[name] ?? null, `${prefix}${name}.`);
  }
  return out;
}

function leftOut(computed: boolean, byProvider: Value | undefined, prior: ValueMap | null, name: string): Value {
  if (byProvider !== undefined) return byProvider;
  if (!computed) return null;
  return prior ? (prior[name] ?? null) : UNKNOWN;
}

/** Plans each element against the one it was: by position in a list, by what the configuration says in a set. */
function planElements(type: string, nested: NestedBlock, elements: readonly Value[], prior: Value, prefix: string): Value[] {
  const before = Array.isArray(prior) ? prior.map(asMap) : [];
  return elements.map((element, position) => {
    if (element instanceof Unknown) return element;
    const fresh = planBlock(type, nested.block, asMap(element), null, prefix);
    const index = nested.nesting_mode === "set" ? sameElement(nested, element, fresh, before) : position;
    const match = before[index];
    if (nested.nesting_mode === "set" && match) before.splice(index, 1);
    return match ? planBlock(type, nested.block, asMap(element), match, prefix) : fresh;
  });
}

/** The element of a set that exists already; one whose own configuration is not known yet is none that exists. */
function sameElement(nested: NestedBlock, configured: Value, fresh: ValueMap, before: readonly ValueMap[]): number {
  if (Object.values(asMap(configured)).some((value) => value instanceof Unknown)) return -1;
  return before.findIndex((candidate) => fits(nested.block, fresh, candidate));
}

/** Whether an element with unknown parts can be the one that exists. */
function fits(block: Block, planned: ValueMap, existing: ValueMap): boolean {
  const attributes = Object.keys(block.attributes ?? {}).every(
    (name) => planned[name] instanceof Unknown || sameValue(planned[name], existing[name]),
  );
  return (
    attributes &&
    Object.entries(block.block_types ?? {}).every(([name, nested]) => {
      const [mine, theirs] = [planned[name] ?? null, existing[name] ?? null];
      if (!Array.isArray(mine) || !Array.isArray(theirs)) return sameValue(mine, theirs);
      return (
        mine.length === theirs.length && mine.every((element) => theirs.some((other) => fits(nested.block, asMap(element), asMap(other))))
      );
    })
  );
}

function sameJson(a: Value | undefined, b: Value | undefined): boolean {
  if (typeof a !== "string" || typeof b !== "string" || a === b) return false;
  try {
    return sameValue(JSON.parse(a) as Value, JSON.parse(b) as Value);
  } catch {
    return false;
  }
}
