import { randomInt } from "node:crypto";
import { gzipSync } from "node:zlib";
import { JsonPath } from "../../../src/cli/scan/json-path";
import { RULES } from "../../../src/cli/scan/rules";
import { PlacedMatch, TextScanner } from "../../../src/cli/scan/text-scanner";
import { base64, secret } from "./secrets";

const WORDS = "the gateway answers on its port and writes a line of its log ";

function filler(length: number, between = ""): string {
  return (WORDS + between).repeat(Math.ceil(length / WORDS.length)).slice(0, length);
}

function scanned(text: string, pieceLength: () => number, isJson = false): PlacedMatch[] {
  const matches: PlacedMatch[] = [];
  const scanner = new TextScanner(RULES, (match) => void matches.push(match), isJson ? new JsonPath() : undefined);
  for (let at = 0; at < text.length;) {
    const end = at + pieceLength();
    scanner.write(text.slice(at, end));
    at = end;
  }
  scanner.end();
  return matches;
}

const places = (matches: readonly PlacedMatch[]) => matches.map(({ value, offset, line }) => ({ value, offset, line }));

it.each([
  ["lines", "\n"],
  ["one long line", ""],
])("finds each value once, wherever the pieces and the windows are cut: %s", (_, lineEnd) => {
  const keys = Array.from({ length: 60 }, () => `sk-${secret(48)}`);
  const text = keys.map((key) => `${filler(60_000 + randomInt(9000), lineEnd)}${lineEnd} key=${key} `).join("");
  const expected = keys.map((value) => ({
    value,
    offset: text.indexOf(value),
    line: text.slice(0, text.indexOf(value)).split("\n").length,
  }));
  expect(places(scanned(text, () => 1 << 18))).toEqual(expected);
  expect(places(scanned(text, () => 1 + randomInt(5000)))).toEqual(expected);
  expect(places(scanned(text, () => text.length))).toEqual(expected);
});

it.each([
  ["where the text at hand ends", 5 << 18],
  ["where a search ends", (5 << 18) - (1 << 15)],
])("finds a value at every place around %s", (_, edge) => {
  const key = `sk-${secret(48)}`;
  const starts = Array.from({ length: 30 }, (__, index) => edge - 60 + index * 3);
  const found = starts.map((start) => places(scanned(`${filler(start)} ${key} ${filler(60_000)}`, () => 1 << 18)));
  expect(found).toEqual(starts.map((start) => [{ value: key, offset: start + 1, line: 1 }]));
});

it("finds what is in base64: short, wrapped in lines, packed, in base64 itself, and beyond the cut of a window", () => {
  const key = `sk-${secret(48)}`;
  const script = `#!/bin/sh\n${filler(300)}\nexport OPENAI_API_KEY=${key}\n`;
  const wrapped = base64(script).replace(/.{76}/g, "$&\n");
  const long = base64(filler(1_500_000) + script);
  const texts = [
    base64(script),
    wrapped,
    wrapped.replaceAll("\n", "\\n"),
    gzipSync(script).toString("base64"),
    base64(`data: ${base64(script)}`),
    long,
  ];
  for (const text of texts) {
    const [first, ...others] = scanned(`{"user_data": "${text}"}`, () => 1 << 16);
    expect(first).toMatchObject({ value: key, encoding: "base64" });
    expect(others.every(({ value }) => value === key)).toBe(true);
  }
});

it("names the keys that lead to a value in JSON, over windows", () => {
  const key = secret(32);
  const escaped = JSON.stringify({ api_key: key });
  const json = { resource: { filler: filler(1_200_000), "a b": [{}, { x: 1, 'quo"te': { settings: escaped } }], next: [{ token: key }] } };
  expect(scanned(JSON.stringify(json), () => 1 << 18, true).map(({ jsonPath }) => jsonPath)).toEqual([
    "resource.*[1].*.settings",
    "resource.next[0].token",
  ]);
});
