import { createHmac, randomBytes } from "node:crypto";
import type { Rule } from "./rules";
import { matchesIn, PlacedMatch } from "./text-scanner";

/** A secret that was found, told without the secret. */
export interface Find {
  readonly file: string;
  /** Of an archive, the entry. */
  readonly entry?: string;
  /** From 1; not given for a find in the file's name. */
  readonly line?: number;
  readonly jsonPath?: string;
  readonly rule: string;
  readonly description: string;
  readonly encoding?: "base64";
  /** Equal values have equal fingerprints within one run, and in no other one. */
  readonly fingerprint: string;
  /** How often the value is in this text; the place is the first one. */
  count: number;
}

const SALT = randomBytes(32);

/** Gathers what is found in one text, each value once. */
export class Findings {
  private readonly byValue = new Map<string, Find>();

  constructor(
    private readonly rules: readonly Rule[],
    private readonly file: string,
    private readonly entries: readonly string[],
  ) {}

  public add(match: Omit<PlacedMatch, "line" | "around"> & { readonly line?: number }): void {
    const { rule, value, line, jsonPath, encoding } = match;
    const digest = createHmac("sha256", SALT).update(value).digest("hex");
    const known = this.byValue.get(rule.id + digest);
    if (known !== undefined) {
      known.count++;
      return;
    }
    this.byValue.set(rule.id + digest, {
      file: withoutSecrets(this.file, this.rules),
      ...(this.entries.length > 0 ? { entry: withoutSecrets(this.entries.join("!"), this.rules) } : {}),
      ...(line === undefined ? {} : { line }),
      ...(jsonPath ? { jsonPath: withoutSecrets(jsonPath, this.rules) } : {}),
      rule: rule.id,
      description: rule.description,
      ...(encoding === undefined ? {} : { encoding }),
      fingerprint: digest.slice(0, 4),
      count: 1,
    });
  }

  public all(): Find[] {
    return [...this.byValue.values()];
  }
}

/** A name or a path as it can be shown: secrets get into these too. */
export function withoutSecrets(text: string, rules: readonly Rule[]): string {
  const bytes = Buffer.from(text, "utf8").toString("latin1");
  const shown = matchesIn(bytes, rules).reduceRight(
    (rest, { offset, length }) => `${rest.slice(0, offset)}(hidden)${rest.slice(offset + length)}`,
    bytes,
  );
  return Buffer.from(shown, "latin1").toString("utf8");
}
