/**
 * Makes text of a plan's entry `tfplan`: protocol buffers with values in MessagePack.
 *
 * The mark before a string of MessagePack holds its length, and that byte can be a letter; so marks become quotes and a
 * colon. A map then reads `": "password": "value": "`, which the rules take for fields. All else that is no text ends a line.
 */
export class PlanText {
  /** So many bytes of a mark are still to come. */
  private pending = 0;

  /** The text of the next bytes, as latin1. */
  public next(bytes: Buffer): string {
    return Array.from(bytes, (byte) => this.character(byte)).join("");
  }

  private character(byte: number): string {
    if (this.pending > 0) {
      this.pending--;
      return "";
    }
    const length = LENGTH_BYTES.get(byte);
    if (length !== undefined) {
      this.pending = length;
      return MARK;
    }
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "\n";
  }
}

const MARK = '": "';
/** Strings of up to 31 bytes have their length in the mark itself; the marks of longer ones are followed by 1, 2 or 4 bytes. */
const LENGTH_BYTES: ReadonlyMap<number, number> = new Map([
  ...Array.from({ length: 32 }, (_, length) => [0xa0 + length, 0] as const),
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
]);
