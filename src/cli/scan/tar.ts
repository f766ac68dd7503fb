import { ByteReader } from "./byte-reader";

/** A file in an archive. */
export interface ArchiveEntry {
  readonly name: string;
  readonly content: AsyncIterable<Buffer>;
}

const BLOCK = 512;

/** True when a file that begins so is a tar. */
export function isTar(head: Buffer): boolean {
  return head.subarray(257, 262).toString("latin1") === "ustar";
}

/** The files in a tar, in its order; the content of one is to be read before the next is asked for, or passed over. */
export async function* tarEntries(tar: ByteReader): AsyncGenerator<ArchiveEntry> {
  for (let header = await tar.take(BLOCK); isTar(header); header = await tar.take(BLOCK)) {
    const size = parseInt(field(header, 124, 12), 8) || 0;
    const content = new ByteReader(tar.pieces(size));
    // Names that are too long for the header come as an entry of their own, which is read like a file.
    yield { name: [field(header, 345, 155), field(header, 0, 100)].filter(Boolean).join("/"), content: content.pieces() };
    await content.skip(Infinity);
    await tar.skip((BLOCK - (size % BLOCK)) % BLOCK);
  }
}

function field(header: Buffer, start: number, length: number): string {
  return header
    .toString("latin1", start, start + length)
    .replace(/\0[^]*$/, "")
    .trim();
}
