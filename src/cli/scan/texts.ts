import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { ByteReader } from "./byte-reader";
import { PlanText } from "./plan-text";
import { ArchiveEntry, isTar, tarEntries } from "./tar";
import { through } from "./through";
import { isZip, UnreadEntry, zipEntries } from "./zip";

/** A text in a file: the file itself, or an entry of the archive that it is. */
export interface FileText {
  /** The entry's name, in archives in archives each one's. */
  readonly entries: readonly string[];
  readonly isJson: boolean;
  /** As latin1. */
  readonly pieces: AsyncIterable<string>;
}

/** What of a file is not read, and why. */
export interface UnreadText {
  readonly entries: readonly string[];
  readonly reason: string;
}

const PIECE = 1 << 18;
const HEAD = 8192;
const PLAN_ENTRY = "tfplan";
const JSON_NAME = /(?:\.json|\.tfstate(?:\.backup|\.\d+)?|^tfstate(?:-prev)?)$/;
/** Read as text even with a gap of zero bytes at the start, as a log has after it was cut while written. */
const TEXT_NAME = /\.(?:log|txt|env|json|ya?ml|tfvars|tf|hcl|tfstate|ini|cfg|conf|sh|py|ts|js|md|csv)$|(?:^|\/)\.env/;

/**
 * The texts of a file; the pieces of one are to be read before the next is asked for.
 * @throws Error when the file can not be read, or is damaged
 */
export async function* textsOf(path: string): AsyncGenerator<FileText | UnreadText> {
  const reader = new ByteReader(createReadStream(path, { highWaterMark: PIECE }));
  if (!isZip(await reader.peek(HEAD))) {
    yield* textsIn(reader, path, []);
    return;
  }
  await reader.close();
  for await (const entry of zipEntries(path)) yield* textsOfEntry(entry, []);
}

async function* textsOfEntry(entry: ArchiveEntry | UnreadEntry, above: readonly string[]): AsyncGenerator<FileText | UnreadText> {
  const entries = [...above, entry.name];
  if ("reason" in entry) yield { entries, reason: entry.reason };
  else yield* textsIn(new ByteReader(entry.content), entry.name, entries);
}

async function* textsIn(reader: ByteReader, name: string, entries: readonly string[]): AsyncGenerator<FileText | UnreadText> {
  const head = await reader.peek(HEAD);
  const text = (pieces: AsyncIterable<string>): FileText => ({ entries, isJson: JSON_NAME.test(name), pieces });
  const utf16 = utf16Of(head);
  if (isZip(head)) yield { entries, reason: "a zip in an archive" };
  else if (isGzip(head)) yield* textsIn(new ByteReader(through(reader.pieces(), createGunzip())), name.replace(/\.gz$/, ""), entries);
  else if (isTar(head)) for await (const entry of tarEntries(reader)) yield* textsOfEntry(entry, entries);
  else if (utf16 !== undefined) yield text(decoded(reader, utf16));
  else if (name === PLAN_ENTRY) yield text(planned(reader));
  else if (head.includes(0) && !TEXT_NAME.test(name)) yield { entries, reason: "binary" };
  else yield text(plain(reader));
}

function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
}

/** PowerShell writes its logs so. */
function utf16Of(head: Buffer): string | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  return head[0] === 0xfe && head[1] === 0xff ? "utf-16be" : undefined;
}

async function* plain(reader: ByteReader): AsyncGenerator<string> {
  for await (const piece of reader.pieces()) yield piece.toString("latin1");
}

async function* planned(reader: ByteReader): AsyncGenerator<string> {
  const plan = new PlanText();
  for await (const piece of reader.pieces()) yield plan.next(piece);
}

async function* decoded(reader: ByteReader, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding);
  for await (const piece of reader.pieces()) yield Buffer.from(decoder.decode(piece, { stream: true }), "utf8").toString("latin1");
}
