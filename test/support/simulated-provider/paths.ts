import { isMap, Unknown, type Value } from "./wire";

/** Every value at a dotted path, through all elements of lists and sets; null and missing ones are left out. */
export function valuesAt(value: Value | undefined, path: string): Value[] {
  const [head, ...rest] = path.split(".");
  if (Array.isArray(value)) return value.flatMap((element) => valuesAt(element, path));
  if (!isMap(value) || head === undefined) return [];
  const next = value[head] ?? null;
  if (rest.length) return next instanceof Unknown ? [next] : valuesAt(next, rest.join("."));
  return next === null ? [] : [next];
}

/** As {@link valuesAt}, each element of a found list or set by itself. */
export function elementsAt(value: Value | undefined, path: string): Value[] {
  return valuesAt(value, path).flatMap((found) => (Array.isArray(found) ? found : [found]));
}

/** Only what is known already. */
export function known(values: readonly Value[]): Value[] {
  return values.filter((value) => !(value instanceof Unknown));
}
