import { decode, encode, ExtensionCodec } from "@msgpack/msgpack";

/** A value that Terraform will know only after apply. */
export class Unknown {
  private readonly kind = "unknown";

  public toString(): string {
    return `(${this.kind})`;
  }
}

export const UNKNOWN = new Unknown();

/** Any value of Terraform's type system, as it travels between Terraform and a provider. */
export type Value = null | boolean | number | string | Unknown | Value[] | ValueMap;

export interface ValueMap {
  [name: string]: Value;
}

/** The two encodings in which a value may arrive. */
export interface DynamicValue {
  readonly msgpack?: Uint8Array;
  readonly json?: Uint8Array;
}

const UNKNOWN_TYPE = 0;
const REFINED_UNKNOWN_TYPE = 12;

const codec = new ExtensionCodec();
codec.register({
  type: UNKNOWN_TYPE,
  encode: (value: unknown) => (value instanceof Unknown ? new Uint8Array([0]) : null),
  decode: () => UNKNOWN,
});
codec.register({ type: REFINED_UNKNOWN_TYPE, encode: () => null, decode: () => UNKNOWN });

export function decodeValue(wire: DynamicValue | null | undefined): Value {
  if (wire?.msgpack?.length) return decode(wire.msgpack, { extensionCodec: codec }) as Value;
  if (wire?.json?.length) return JSON.parse(Buffer.from(wire.json).toString("utf8")) as Value;
  return null;
}

export function encodeValue(value: Value): { msgpack: Buffer } {
  return { msgpack: Buffer.from(encode(value, { extensionCodec: codec })) };
}

export function isMap(value: Value | undefined): value is ValueMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Unknown);
}

/** The value as a map; null, unknown and anything else count as empty. */
export function asMap(value: Value | undefined): ValueMap {
  return isMap(value) ? value : {};
}

/** Equality that does not depend on the order of keys. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  return canonical(a ?? null) === canonical(b ?? null);
}

/** The value as JSON with sorted keys. */
export function canonical(value: Value): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** A value as text: a string as it is, nothing as the empty string, the rest as JSON. */
export function textOf(value: Value | undefined): string {
  if (typeof value === "string") return value;
  return value === null || value === undefined ? "" : canonical(value);
}
