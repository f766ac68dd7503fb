import type { Allowed } from "./allowed";
import type { Find } from "./findings";

/** A file, or an entry of one, that was not read. */
export interface Unread {
  readonly path: string;
  readonly reason: string;
}

/** What a run found. */
export interface Report {
  readonly finds: readonly Find[];
  readonly allowed: readonly Find[];
  readonly skipped: readonly Unread[];
  readonly failed: readonly Unread[];
  readonly unusedAllows: readonly Allowed[];
  readonly files: number;
  readonly bytes: number;
}

/** For machines. A field may come to be; none changes its meaning within a version. */
export function asJson({ unusedAllows, ...report }: Report): string {
  const unused = unusedAllows.map(({ line, glob, rule }) => ({ line, path: glob, rule }));
  return `${JSON.stringify({ version: 1, ...report, unusedAllows: unused }, null, 2)}\n`;
}

/** For people: a line for each find, then what else there is to know. */
export function asText(report: Report): string {
  return lines(report.finds.map(findText));
}

/** For people, beside the finds. */
export function remarks({ finds, allowed, skipped, failed, unusedAllows, files, bytes }: Report, isVerbose: boolean): string {
  const all = (title: string, entries: readonly string[]): string[] => (isVerbose ? entries.map((entry) => `${title}: ${entry}`) : []);
  return lines([
    ...failed.map(({ path, reason }) => `error: ${path} can not be read: ${reason}`),
    ...unusedAllows.map(({ line, glob, rule }) => `warning: line ${line} of the allow file (${glob} ${rule}) excuses nothing any more`),
    ...all("not read", skipped.map(unreadText)),
    ...all("allowed", allowed.map(findText)),
    [
      `${counted(finds.length, "find")} in ${counted(files, "file")} (${(bytes / 1e6).toFixed(1)} MB)`,
      ...(allowed.length > 0 ? [`${allowed.length} allowed`] : []),
      ...(skipped.length > 0 ? [`${skipped.length} not read${isVerbose ? "" : " (--verbose names them)"}`] : []),
    ].join(", "),
  ]);
}

function findText({ file, entry, line, jsonPath, rule, encoding, fingerprint, description, count }: Find): string {
  const place = [`${file}${entry === undefined ? "" : `!${entry}`}${line === undefined ? " (its name)" : `:${line}`}`, jsonPath];
  const kind = [rule, encoding && `in ${encoding}`, count > 1 && `${count} times`, `#${fingerprint}`];
  return `${place.filter(Boolean).join(" ")}: ${kind.filter(Boolean).join(", ")} (${description})`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function unreadText({ path, reason }: Unread): string {
  return `${path}: ${reason}`;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}
