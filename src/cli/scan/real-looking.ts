/** What stands in the place of a secret: an expression, a reference to the environment, a word that asks to be replaced. */
const STAND_INS: readonly RegExp[] = [
  /[$%]\{|\$\(|\{\{|\}\}|^\$(?:[A-Z_][A-Z0-9_]*|[a-z_]+)$|^%\w+%$/,
  /os\.environ|process\.env|getenv|^(?:var|local|data|module|each|path)\./,
  /<[^>]*>?|^\[.*\]$|\*{3,}|\.{3,}|…|[xX]{4,}|(.)\1{7,}/,
  /example|your[-_ ]|placeholder|change-?_?me|redacted|replace-?_?me|dummy|sample|fake|\(sensitive|\(known after/i,
  /0?123456789|abcdefghij/i,
];

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Base64 may begin with a slash, a path with a slash and a word. */
const ADDRESS = /^(?:arn:|acs:|projects\/|\/[a-z][a-z0-9_.-]+(?:\/|$)|\.{1,2}\/|[a-z][a-z0-9+.-]*:\/\/)/;
const HASH = /^(?:sha(?:1|256|384|512)|md5|h1|zh)[-:]/i;

/** Words are long; a random text changes its kind of character every two characters or so. */
const WORD = /[A-Z]?[a-z]+|[A-Z]+|\d+/g;

/** Names in source code mix letters too; a text without a digit must be further from words than these. */
const WITHOUT_DIGIT = 2.5;

/** True when a value only stands in for a secret. */
export function isStandIn(value: string): boolean {
  return STAND_INS.some((pattern) => pattern.test(value));
}

/** True when a value behind a key's own prefix can be one: not a stand-in, and no text of a few characters over and over. */
export function looksReal(value: string): boolean {
  return !isStandIn(value) && new Set(value).size >= Math.min(8, value.length / 2);
}

/**
 * True when a value looks made by a random generator: no words, no address, no hash with its name before it, no uuid.
 * @param wordLength how many characters a run of one kind may have on average; random texts have 2, words 5
 */
export function looksRandom(value: string, wordLength = 4.5): boolean {
  if (isStandIn(value) || UUID.test(value) || ADDRESS.test(value) || HASH.test(value)) return false;
  const words = value.match(WORD) ?? [];
  const segments = value.match(/[A-Za-z0-9]+/g) ?? [];
  const letters = segments.join("").length;
  const average = letters / words.length;
  const isUnlikeNames = /\d/.test(value) || average <= WITHOUT_DIGIT;
  return isUnlikeNames && words.length >= 5 && average <= wordLength && words.length / segments.length >= 2;
}

/** True when a value looks like what a person takes for a good password: three kinds of characters, a digit among them. */
export function looksChosen(value: string): boolean {
  if (isStandIn(value) || UUID.test(value) || ADDRESS.test(value) || HASH.test(value)) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /[^A-Za-z0-9._/-]/].filter((kind) => kind.test(value)).length;
  return value.length >= 8 && /\d/.test(value) && kinds >= 2;
}
