import { base64Texts } from "./base64-texts";
import type { JsonPath } from "./json-path";
import type { Rule } from "./rules";

/** A secret in a text. */
export interface Match {
  readonly rule: Rule;
  /** Where the value starts, in characters from the text's start. */
  readonly offset: number;
  readonly length: number;
  readonly value: string;
  /** How it was hidden, if it was. */
  readonly encoding?: "base64";
}

/** A match, and what is known of its place only while the text around it is at hand. */
export interface PlacedMatch extends Match {
  /** From 1. */
  readonly line: number;
  /** Of JSON, the keys that lead there. */
  readonly jsonPath?: string;
  /** The text of its line, as far as it is near. */
  readonly around: string;
}

/** So much is searched at a time. */
const WINDOW = 1 << 20;
/** No match is longer, so one that starts before the last so many characters is there as a whole. */
const AHEAD = 1 << 15;
/** So much is kept before what is new, for what a pattern wants to see before its match. */
const BEHIND = 1 << 10;
/** Base64 in base64, as in a Kubernetes secret inside of user data. */
const DEPTH = 2;

/**
 * Searches a text that comes in pieces. A match is found once and wherever the pieces are cut; memory stays the same
 * whatever the text's length and however long its lines.
 *
 * Texts are latin1: one character for each byte, so that pieces may be cut inside of a character.
 */
export class TextScanner {
  private text = "";
  /** Where `text` starts in the whole. */
  private base = 0;
  /** Where in the whole the search goes on. */
  private searched = 0;
  private taken: readonly Match[] = [];
  private readonly lines = new LineCount();

  /** @param jsonPath given for JSON: follows the text */
  constructor(
    private readonly rules: readonly Rule[],
    private readonly found: (match: PlacedMatch) => void,
    private readonly jsonPath?: JsonPath,
  ) {}

  public write(piece: string): void {
    this.text += piece;
    if (this.base + this.text.length - this.searched >= WINDOW + AHEAD) this.search(this.text.length - AHEAD);
  }

  public end(): void {
    this.search(this.text.length);
  }

  private search(until: number): void {
    const from = this.searched - this.base;
    const taken = this.taken.map((match) => ({ ...match, offset: match.offset - this.base }));
    const matches = matchesIn(this.text, this.rules, { from, until, taken });
    for (const match of matches) this.tell(match);
    this.searched = this.base + until;
    this.taken = matches.map((match) => ({ ...match, offset: match.offset + this.base }));
    this.forget(Math.max(0, until - BEHIND));
  }

  private tell(match: Match): void {
    const { offset, length } = match;
    const before = this.text.slice(Math.max(0, offset - BEHIND), offset).replace(/^[^]*\n/, "");
    const after = this.text.slice(offset + length, offset + length + BEHIND).replace(/\n[^]*$/, "");
    this.follow(offset);
    this.found({
      ...match,
      offset: this.base + offset,
      line: this.lines.line,
      jsonPath: this.jsonPath?.toString(),
      around: before + this.text.slice(offset, offset + length) + after,
    });
  }

  private forget(cut: number): void {
    this.follow(cut);
    this.base += cut;
    this.text = this.text.slice(cut);
  }

  private follow(until: number): void {
    this.lines.advance(this.text, this.base, this.base + until);
    this.jsonPath?.advance(this.text, this.base, this.base + until);
  }
}

/** Counts lines up to a place that only moves on. */
class LineCount {
  /** Of the place that was reached, from 1. */
  public line = 1;
  private position = 0;

  /** @param base where `text` starts in the whole */
  public advance(text: string, base: number, until: number): void {
    for (let at = text.indexOf("\n", this.position - base); at >= 0 && at < until - base; at = text.indexOf("\n", at + 1)) this.line++;
    this.position = Math.max(this.position, until);
  }
}

interface Range {
  readonly from: number;
  readonly until: number;
  /** Matches that are known: what overlaps them is not told again. */
  readonly taken: readonly Match[];
}

/** The secrets in a text that is at hand as a whole, in the order of their places. */
export function matchesIn(text: string, rules: readonly Rule[], range?: Range, depth = DEPTH): Match[] {
  const { from, until, taken } = range ?? { from: 0, until: text.length, taken: [] };
  const covered = new Uint8Array(text.length);
  const cover = ({ offset, length }: Match): void => void covered.fill(1, Math.max(0, offset), Math.max(0, offset + length));
  const isFree = ({ offset, length }: Match): boolean => !covered.subarray(offset, offset + length).includes(1);
  taken.forEach(cover);
  const plain = rules.flatMap((rule) => {
    const free = plainMatches(text, rule, from, until).filter(isFree);
    free.forEach(cover);
    return free;
  });
  // Several secrets may be in one run of base64: these do not cover each other.
  const hidden = depth > 0 ? hiddenMatches(text, rules, from, until, depth).filter(isFree) : [];
  return [...plain, ...hidden].sort((a, b) => a.offset - b.offset);
}

function plainMatches(text: string, rule: Rule, from: number, until: number): Match[] {
  if (rule.hints?.some((hint) => text.includes(hint)) === false) return [];
  const matches: Match[] = [];
  const { pattern } = rule;
  pattern.lastIndex = from;
  for (let match = pattern.exec(text); match !== null && match.index < until; match = pattern.exec(text)) {
    const [whole] = match;
    const { value, quoted, bare }: Groups = match.groups ?? {};
    const secret = value ?? quoted ?? bare ?? whole;
    const offset = match.index + whole.lastIndexOf(secret);
    if (rule.accepts?.({ value: secret, whole, isQuoted: quoted !== undefined }) ?? true) {
      matches.push({ rule, offset, length: secret.length, value: secret });
    } else {
      // What was taken for the value may itself begin what is looked for.
      pattern.lastIndex = Math.max(match.index + 1, offset);
    }
  }
  return matches;
}

interface Groups {
  readonly value?: string;
  readonly quoted?: string;
  readonly bare?: string;
}

function hiddenMatches(text: string, rules: readonly Rule[], from: number, until: number, depth: number): Match[] {
  return base64Texts(text, from, until).flatMap(({ offset, length, decoded }) =>
    matchesIn(decoded, rules, undefined, depth - 1).map(({ rule, value }) => ({
      rule,
      value,
      offset,
      length,
      encoding: "base64" as const,
    })),
  );
}
