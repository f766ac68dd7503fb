import { constants, gunzipSync } from "node:zlib";

/** A text that stands in base64 in another one. */
export interface Base64Text {
  readonly offset: number;
  readonly length: number;
  readonly decoded: string;
}

const LETTER = "[A-Za-z0-9+/_-]";
/** One long run, or lines of it as `base64` wraps them, the line breaks escaped or not. */
const RUN = new RegExp(
  `(?<!${LETTER})(?:(?:[A-Za-z0-9+/]{60,76}(?:\\\\r)?(?:\\r?\\n|\\\\n)[ \\t]*){1,300}[A-Za-z0-9+/]{2,76}|${LETTER}{24,})={0,2}`,
  "g",
);
/** What is left of a run whose start was searched before: where its groups of four start is forgotten. */
const REST = new RegExp(`(?<=${LETTER})${LETTER}{24,}={0,2}`, "y");
const BREAK = /\\[rn]|\s/g;
/** A long run is read in pieces that share so much with the next; multiples of four. */
const PIECE = 24576;
const SHARED = 4096;
const LARGEST_UNPACKED = 1 << 22;

/** The texts that stand in base64 between two places of a text; what decodes to no text is left out. */
export function base64Texts(text: string, from: number, until: number): Base64Text[] {
  const found: Base64Text[] = [];
  const read = (run: string, at: number): void => {
    const letters = run.replace(BREAK, "");
    for (let start = 0; start === 0 || (start < letters.length - SHARED && at + start < until); start += PIECE - SHARED) {
      const decoded = decode(letters.slice(start, start + PIECE));
      if (decoded !== undefined) found.push({ offset: at + start, length: Math.min(PIECE, run.length - start), decoded });
    }
  };
  REST.lastIndex = from;
  const rest = REST.exec(text)?.[0];
  if (rest !== undefined) [0, 1, 2, 3].forEach((shift) => read(rest.slice(shift), from + shift));
  RUN.lastIndex = from;
  for (let match = RUN.exec(text); match !== null && match.index < until; match = RUN.exec(text)) read(match[0], match.index);
  return found;
}

function decode(letters: string): string | undefined {
  const bytes = Buffer.from(letters, "base64");
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return unpacked(bytes);
  return isText(bytes) ? bytes.toString("latin1") : undefined;
}

/** A short start tells: random bytes have a control character among the first sixteen nearly always. */
function isText(bytes: Buffer): boolean {
  return bytes.subarray(0, 16).every((byte) => (byte >= 0x20 && byte !== 0x7f) || (byte >= 0x09 && byte <= 0x0d));
}

/** User data of a machine is often packed; what is there of it is read. */
function unpacked(bytes: Buffer): string | undefined {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: LARGEST_UNPACKED }).toString("latin1");
  } catch {
    return undefined;
  }
}
