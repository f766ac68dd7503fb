import { elementsAt, known, valuesAt } from "./paths";
import { asMap, textOf, Unknown, type Value, type ValueMap } from "./wire";

/** Says what is wrong with an argument, or nothing. Gets what the argument has at that path, never null. */
export type Check = (values: readonly Value[], config: ValueMap, attribute: string) => string | undefined;

/** A check of each known value by itself. */
function each(problem: (value: Value) => string | undefined): Check {
  return (values) =>
    known(values)
      .map(problem)
      .find((found) => found !== undefined);
}

function sorted(list: readonly string[]): string {
  return list.join(", ");
}

export const oneOf = (...allowed: string[]): Check =>
  each((value) => (allowed.includes(textOf(value)) ? undefined : `expected to be one of [${sorted(allowed)}], got ${textOf(value)}`));

export const between = (low: number, high: number): Check =>
  each((value) =>
    Number(value) >= low && Number(value) <= high ? undefined : `expected to be in the range (${low} - ${high}), got ${textOf(value)}`,
  );

export const atLeast = (low: number): Check =>
  each((value) => (Number(value) >= low ? undefined : `expected to be at least (${low}), got ${textOf(value)}`));

export const length = (low: number, high: number): Check =>
  each((value) => {
    const size = Array.from(textOf(value)).length;
    return size >= low && size <= high ? undefined : `expected length to be in the range (${low} - ${high}), got ${size}`;
  });

export const matches = (pattern: RegExp, meaning: string): Check =>
  each((value) => (pattern.test(textOf(value)) ? undefined : `invalid value, ${meaning}`));

export const isJson: Check = each((value) => {
  try {
    JSON.parse(textOf(value));
    return undefined;
  } catch {
    return "contains an invalid JSON";
  }
});

export const maxBytes = (limit: number): Check =>
  each((value) => {
    const size = Buffer.byteLength(textOf(value));
    return size <= limit ? undefined : `is ${size} bytes, more than ${limit}`;
  });

/** Strict base64 whose content is not larger than a limit. */
export const isBase64UpTo = (limit: number): Check =>
  each((value) => {
    const text = textOf(value);
    const content = Buffer.from(text, "base64");
    if (content.toString("base64") !== text) return "is not base64";
    return content.length <= limit ? undefined : `is ${content.length} bytes once decoded, more than ${limit}`;
  });

export const isSystemArn = (services: readonly string[]): Check =>
  matches(new RegExp(`^acs:(${services.join("|")}):[^:]*:\\d+:.+`), `an ARN of ${services.join(" or ")} is needed`);

/** The whole list or set, not its elements. */
export const distinct =
  (low: number, key: string): Check =>
  (values, config, attribute) => {
    const keys = elementsAt(config, `${attribute}.${key}`);
    if (values.length === 0 || keys.some((value) => value instanceof Unknown)) return undefined;
    const found = new Set(keys.map(textOf)).size;
    return found >= low ? undefined : `needs at least ${low} different ${key}, got ${found}`;
  };

export const removed =
  (note: string): Check =>
  (values) =>
    values.length ? `[REMOVED] ${note}` : undefined;

export const conflictsWith =
  (...others: string[]): Check =>
  (values, config) => {
    const other = values.length ? others.find((name) => elementsAt(config, name).length > 0) : undefined;
    return other === undefined ? undefined : `conflicts with ${other}`;
  };

/** The argument itself or one of the others must be there. */
export const orOneOf =
  (...others: string[]): Check =>
  (_values, config, attribute) =>
    [attribute, ...others].some((name) => elementsAt(config, name).length)
      ? undefined
      : `one of \`${[attribute, ...others].join(",")}\` must be specified`;

/** Exactly the argument itself or one of the others must be there. */
export const exactlyOneOf =
  (...others: string[]): Check =>
  (_values, config, attribute) => {
    const given = [attribute, ...others].filter((name) => elementsAt(config, name).length);
    return given.length === 1
      ? undefined
      : `only one of \`${[attribute, ...others].join(",")}\` can be specified, and one must be: found ${given.length}`;
  };

/** Where another argument has one of these values, this one is needed. */
export const neededWhen =
  (other: string, ...values: string[]): Check =>
  (own, config) => {
    const is = elementsAt(config, other).map(textOf);
    return own.length || !is.some((value) => values.includes(value)) ? undefined : `is needed when ${other} is ${is.join(", ")}`;
  };

/** As {@link neededWhen}, inside every element of a repeated block. */
export const neededInEach =
  (block: string, other: string, value: string, own: string): Check =>
  (_values, config) =>
    elementsAt(config, block).some(
      (element) => elementsAt(element, other).some((is) => is === value) && elementsAt(element, own).length === 0,
    )
      ? `${own} is needed when ${other} is ${value}`
      : undefined;

export const notBelow =
  (other: string): Check =>
  (values, config) => {
    const [own] = known(values);
    const [low] = known(valuesAt(config, other));
    return own === undefined || low === undefined || Number(own) >= Number(low)
      ? undefined
      : `is ${textOf(own)}, below ${other} ${textOf(low)}`;
  };

/** "80/443" for tcp and udp, "-1/-1" for the others. */
export const portRangeOfProtocol: Check = (values, config) => {
  const { ip_protocol: protocol } = asMap(config);
  const [range] = known(values);
  if (range === undefined || protocol instanceof Unknown) return undefined;
  if (protocol !== "tcp" && protocol !== "udp") return range === "-1/-1" ? undefined : `must be -1/-1 for ${textOf(protocol)}`;
  const [, from, to] = /^(\d{1,5})\/(\d{1,5})$/.exec(textOf(range)) ?? [];
  return from && to && Number(from) >= 1 && Number(from) <= Number(to) && Number(to) <= 65535
    ? undefined
    : `must be FROM/TO within 1 to 65535, got ${textOf(range)}`;
};
