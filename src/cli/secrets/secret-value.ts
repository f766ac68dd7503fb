import { randomBytes } from "node:crypto";
import { unknownName } from "../../nearest";
import { CommandError } from "../command-error";
import { StoredSecret } from "./store-client";

/** What LiteLLM takes as a master key begins so. */
const KEY_PREFIX = "sk-";

const CONTROL = /\p{Cc}/u;

/** A value of the gateway's own. */
export function mint(): string {
  return `${KEY_PREFIX}${randomBytes(24).toString("hex")}`;
}

/** All that is wrong with a value, without repeating it. */
export function valueProblems(what: string, value: string): string[] {
  if (value.trim() === "") return [`${what}: the value is empty`];
  return CONTROL.test(value) ? [`${what}: the value holds a line break or another control character`] : [];
}

/**
 * What is to be stored: the value itself, or for a secret with fields its JSON object. One field at a time is put into what
 * there is; a secret with one field takes that field's bare value too.
 * @throws CommandError naming what is wrong, never the value
 */
export function newText(secret: StoredSecret, given: string, field: string | undefined, current: string | undefined): string {
  const { name, fields } = secret;
  if (field !== undefined && !fields.includes(field)) throw new CommandError(fieldProblem(secret, field));
  if (fields.length === 0) return checked(name, given);
  const whole = field === undefined ? wholeObject(given, fields) : undefined;
  if (whole !== undefined) {
    refuse(fields.flatMap((key) => valueProblems(`${name}, field ${key}`, whole[key]!)));
    return JSON.stringify(whole);
  }
  const only = field ?? (fields.length === 1 ? fields[0] : undefined);
  if (only === undefined) {
    throw new CommandError(
      `${name}: a JSON object with exactly the fields ${fields.join(", ")}, each a text, is wanted; or put one at a time with --field`,
    );
  }
  return JSON.stringify({ ...jsonObject(current), [only]: checked(`${name}, field ${only}`, given) });
}

/** The fields that a stored text does not have. */
export function missingFields({ fields }: StoredSecret, text: string): string[] {
  const object = jsonObject(text);
  return fields.filter((field) => typeof object[field] !== "string" || object[field].trim() === "");
}

function wholeObject(given: string, fields: readonly string[]): Record<string, string> | undefined {
  const object = jsonObject(given);
  const isWhole = Object.keys(object).sort().join("\n") === [...fields].sort().join("\n");
  return isWhole && Object.values(object).every((value) => typeof value === "string") ? (object as Record<string, string>) : undefined;
}

function jsonObject(text: string | undefined): Record<string, unknown> {
  try {
    const value = JSON.parse(text ?? "{}") as unknown;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function checked(what: string, value: string): string {
  refuse(valueProblems(what, value));
  return value;
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new CommandError(problems.join("; "));
}

/** A field that is far from all is not repeated: it may be a value in the wrong place. */
function fieldProblem({ name, fields }: StoredSecret, field: string): string {
  if (fields.length === 0) return `${name}: it has no fields; leave --field out`;
  return `${name}: ${unknownWord(field, "one of its fields", fields)}`;
}

/** As {@link unknownName}, but repeats only what is near to a known name: anything else may be a value. */
export function unknownWord(word: string, what: string, known: readonly string[]): string {
  const text = unknownName(word, what, known);
  return text.includes("did you mean") ? text : `what was given is not ${what} (known: ${[...known].sort().join(", ") || "none"})`;
}
