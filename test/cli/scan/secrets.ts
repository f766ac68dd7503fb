import { randomInt } from "node:crypto";

export const LOWER = "abcdefghijklmnopqrstuvwxyz";
export const UPPER = LOWER.toUpperCase();
const DIGITS = "0123456789";
export const ALPHANUMERIC = LOWER + UPPER + DIGITS;
export const HEX = "abcdef0123456789";
export const BASE64 = `${ALPHANUMERIC}+/`;

/** A text of a generator. */
export function random(length: number, alphabet = ALPHANUMERIC): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]!).join("");
}

/** The same with every third character a digit: a test must not fail because chance made a word. */
export function secret(length: number, alphabet = ALPHANUMERIC): string {
  const digits = alphabet.replace(/\D/g, "");
  return Array.from({ length }, (_, index) => random(1, index % 3 === 1 ? digits : alphabet)).join("");
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** A key in PEM, as OpenSSL writes it; nobody's. */
export function privateKey(kind = "RSA PRIVATE KEY"): string {
  const lines = Array.from({ length: 6 }, () => secret(64, BASE64));
  return [`-----BEGIN ${kind}-----`, ...lines, `-----END ${kind}-----`, ""].join("\n");
}

export function webToken(): string {
  const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString("base64url");
  return [part({ alg: "HS256", typ: "JWT" }), part({ sub: secret(12), iat: 1 }), secret(43)].join(".");
}
