import { readFileSync } from "node:fs";
import type { Rule } from "./rules";

/** The environment variable that holds canaries, one a line. */
export const CANARIES_VARIABLE = "AIGW_CANARIES";

const SHORTEST = 8;

/**
 * The exact values to look for, of a file and of the environment, one a line.
 * @throws Error when one is so short that it is found by chance; the message has its line, not the value
 */
export function readCanaries(file: string | undefined, variable: string | undefined): string[] {
  const ofFile = file === undefined ? [] : canariesOf(readFileSync(file, "utf8"), file);
  return [...new Set([...ofFile, ...canariesOf(variable ?? "", CANARIES_VARIABLE)])];
}

function canariesOf(text: string, source: string): string[] {
  return text.split(/\r?\n/).flatMap((canary, index) => {
    if (canary === "") return [];
    if (canary.length < SHORTEST) {
      throw new Error(`${source}, line ${index + 1}: a canary of ${canary.length} characters is found by chance; it needs ${SHORTEST}`);
    }
    return [canary];
  });
}

/** A rule that finds canaries in every form that a program gives them; none without canaries. */
export function canaryRules(canaries: readonly string[]): Rule[] {
  if (canaries.length === 0) return [];
  const forms = [...new Set(canaries.flatMap(formsOf))].map((form) => Buffer.from(form, "utf8").toString("latin1"));
  // The longest first: of two canaries one may begin with the other.
  const pattern = forms
    .sort((a, b) => b.length - a.length)
    .map(literally)
    .join("|");
  return [{ id: "canary", description: "a value that was named to look for", pattern: new RegExp(pattern, "g"), never: true }];
}

function formsOf(canary: string): string[] {
  const json = escaped(canary);
  const url = encodeURIComponent(canary);
  return [
    canary,
    json,
    escaped(json),
    ...[json, escaped(json)].map(asGoWrites),
    url,
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    new URLSearchParams({ "": canary }).toString().slice(1),
    ...[canary, json].flatMap((form) => [0, 1, 2].flatMap((before) => base64Forms(form, before))),
  ];
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Go, and so Terraform, does not write these three as they are. */
function asGoWrites(json: string): string {
  return json.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

/** What is the same of a text in base64 whatever stands around it, when so many bytes of it stand before in its group of three. */
function base64Forms(text: string, before: number): string[] {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text, "utf8")]);
  const [start, end] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)];
  return (["base64", "base64url"] as const).map((encoding) => bytes.toString(encoding).slice(start, end));
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
