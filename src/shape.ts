import { Duration } from "./duration";
import { handedOverValueProblems } from "./handed-over-values";
import { unknownName } from "./nearest";

/** What a value must be, in words for a message; undefined: it is. */
export type Kind = (value: unknown) => string | undefined;

/** What an object's keys hold; TypeScript checks that before, but props also come from JavaScript and from JSON. */
export type Shape<T> = { readonly [Key in keyof Required<T>]: Kind };

const being =
  (isRight: (value: unknown) => boolean, words: string): Kind =>
  (value) =>
    isRight(value) ? undefined : words;

export const text = being((value) => typeof value === "string", "a text");
export const number = being((value) => typeof value === "number", "a number");
export const boolean = being((value) => typeof value === "boolean", "true or false");
export const list = being(Array.isArray, "a list");
export const object = being((value) => typeof value === "object" && value !== null && !Array.isArray(value), "an object");
export const listOrObject = being((value) => typeof value === "object" && value !== null, "a list or an object");
export const duration = being((value) => value instanceof Duration, "a Duration such as Duration.minutes(10)");

/** One of a few texts. */
export const oneOf =
  (...allowed: readonly string[]): Kind =>
  (value) =>
    typeof value === "string" && allowed.includes(value) ? undefined : `one of ${allowed.map((name) => JSON.stringify(name)).join(", ")}`;

/**
 * The keys that an object does not have or needs, and the values that are of another kind.
 * @param prop the object's own name; "" for the props themselves
 */
export function shapeProblems<T extends object>(
  prop: string,
  value: T,
  shape: Shape<T>,
  required: readonly (keyof T & string)[] = [],
): string[] {
  const values = handedOverValueProblems(prop, value);
  if (values.length > 0) return values;
  const wrong = object(value);
  if (wrong !== undefined) return [`${prop}: ${told(value)} is not ${wrong}`];
  const path = (key: string): string => (prop === "" ? key : `${prop}.${key}`);
  const known = Object.keys(shape);
  const given = Object.entries(value).filter(([, content]) => content !== undefined);
  const missing = required.filter((key) => value[key] === undefined);
  return [
    ...missing.map((key) => `${path(key)}: none is given`),
    ...given.flatMap(([key, content]) => {
      if (!Object.hasOwn(shape, key))
        return [`${path(key)}: ${unknownName(key, "a prop", known)}${VALUES_ELSEWHERE.test(key) ? ELSEWHERE : ""}`];
      const expected = shape[key as keyof T](content);
      return expected === undefined ? [] : [`${path(key)}: ${told(content)} is not ${expected}`];
    }),
  ];
}

/** Who looks for a prop for a value learns where values go. */
const VALUES_ELSEWHERE = /key|secret|password|token|credential/i;
const ELSEWHERE = "; no prop takes a secret's value: put it into the store with cdktf-ai-gateway secrets put NAME";

function told(value: unknown): string {
  return typeof value === "function" ? "a function" : JSON.stringify(value);
}
