import { readFileSync } from "node:fs";
import { relative, sep } from "node:path";
import { unknownName } from "../../nearest";

/** A find that somebody has looked at and excused. */
export interface Allowed {
  /** Of the allow file. */
  readonly line: number;
  readonly glob: string;
  readonly rule: string;
  readonly reason: string;
}

/** On the line of the find, with a reason behind it. */
const INLINE = /cdktf-ai-gateway:allow-secret[ \t]+[^\s"'*<>/-]\S/;

/** True when a line says itself that what is on it may be there. */
export function isAllowedInline(line: string): boolean {
  return INLINE.test(line);
}

/**
 * The allow file's entries: a path's glob, a rule and the reason, one a line. Lines that start with # are comments.
 * @throws Error with all that is wrong with it
 */
export function readAllowed(file: string, rules: readonly string[]): Allowed[] {
  const entries = readFileSync(file, "utf8")
    .split(/\r?\n/)
    .map((text, index) => ({ text: text.trim(), line: index + 1 }))
    .filter(({ text }) => text !== "" && !text.startsWith("#"))
    .map(({ text, line }) => {
      const [glob = "", rule = "", ...reason] = text.split(/\s+/);
      return { line, glob, rule, reason: reason.join(" ") };
    });
  const problems = entries.flatMap(({ line, rule, reason }) => [
    ...(rules.includes(rule) ? [] : [`line ${line}: ${unknownName(rule, "a rule", rules)}`]),
    ...(reason === "" ? [`line ${line}: it gives no reason; an entry is PATH-GLOB RULE REASON`] : []),
  ]);
  if (problems.length > 0) throw new Error(`${file} can not be used:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  return entries;
}

/** The entry that excuses what a rule found in a file. Paths are as seen from where the command runs. */
export function allowedBy(entries: readonly Allowed[], path: string, rule: string): Allowed | undefined {
  const seen = relative(process.cwd(), path).split(sep).join("/");
  return entries.find((entry) => entry.rule === rule && pathPattern(entry.glob).test(seen));
}

/** `**` is any folders, `*` and `?` stay inside of one name. */
function pathPattern(glob: string): RegExp {
  const parts = glob.split(/(\*\*\/?|\*|\?)/).map((part) => WILDCARDS.get(part) ?? part.replace(/[\\^$.+()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join("")}$`);
}

const WILDCARDS: ReadonlyMap<string, string> = new Map([
  ["**/", "(?:.*/)?"],
  ["**", ".*"],
  ["*", "[^/]*"],
  ["?", "[^/]"],
]);
