import { createReadStream } from "node:fs";
import { FileHandle, open } from "node:fs/promises";
import { createInflateRaw } from "node:zlib";
import type { ArchiveEntry } from "./tar";
import { through } from "./through";

/** A zip's entry that can not be read, and why. */
export interface UnreadEntry {
  readonly name: string;
  readonly reason: string;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const END_LENGTH = 22;
const LONGEST_COMMENT = 0xffff;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;
const ZIP64 = 0xffffffff;

/** True when a file that begins so is a zip. */
export function isZip(head: Buffer): boolean {
  return head.length > 4 && head.readUInt32LE(0) === 0x04034b50;
}

/**
 * The files in a zip, such as a plan of Terraform. What the list at its end names is read, as unpackers do.
 * @throws Error when it is damaged
 */
export async function* zipEntries(path: string): AsyncGenerator<ArchiveEntry | UnreadEntry> {
  const file = await open(path);
  try {
    for (const entry of await directory(file)) yield await opened(path, file, entry);
  } finally {
    await file.close();
  }
}

interface Listed {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly size: number;
  readonly at: number;
}

async function opened(path: string, file: FileHandle, { name, flags, method, size, at }: Listed): Promise<ArchiveEntry | UnreadEntry> {
  if ((flags & ENCRYPTED) !== 0) return { name, reason: "encrypted" };
  if (method !== STORED && method !== DEFLATED) return { name, reason: `packed by method ${method}` };
  if (size === ZIP64 || at === ZIP64) return { name, reason: "larger than 4 GB" };
  if (size === 0) return { name, content: nothing() };
  const header = await bytes(file, at, 30);
  const start = at + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const packed = createReadStream(path, { start, end: start + size - 1 });
  return { name, content: method === STORED ? packed : through(packed, createInflateRaw()) };
}

async function directory(file: FileHandle): Promise<Listed[]> {
  const { size } = await file.stat();
  const tail = await bytes(file, Math.max(0, size - END_LENGTH - LONGEST_COMMENT), Math.min(size, END_LENGTH + LONGEST_COMMENT));
  const end = tail.lastIndexOf(signature(END));
  if (end < 0) throw new Error("it begins as a zip and has no list of its entries: is it cut off?");
  const list = await bytes(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: Listed[] = [];
  for (let at = 0; at + 46 <= list.length && list.readUInt32LE(at) === CENTRAL;) {
    const nameEnd = at + 46 + list.readUInt16LE(at + 28);
    entries.push({
      name: list.toString("latin1", at + 46, nameEnd),
      flags: list.readUInt16LE(at + 8),
      method: list.readUInt16LE(at + 10),
      size: list.readUInt32LE(at + 20),
      at: list.readUInt32LE(at + 42),
    });
    at = nameEnd + list.readUInt16LE(at + 30) + list.readUInt16LE(at + 32);
  }
  return entries;
}

async function bytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead < length) throw new Error("it is a zip that is cut off");
  return buffer;
}

function signature(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* nothing(): AsyncGenerator<Buffer> {
  yield Buffer.alloc(0);
}
