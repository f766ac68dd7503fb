/** Bytes that come in pieces, taken in portions. */
export class ByteReader {
  private readonly source: AsyncIterator<Buffer>;
  private held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  /** The next bytes, which stay there; fewer where it ends. */
  public async peek(count: number): Promise<Buffer> {
    while (this.held.length < count) {
      const piece = await this.next();
      if (piece === undefined) break;
      this.held = Buffer.concat([this.held, piece]);
    }
    return this.held.subarray(0, count);
  }

  /** The next bytes; fewer where it ends. */
  public async take(count: number): Promise<Buffer> {
    const taken = await this.peek(count);
    this.held = this.held.subarray(taken.length);
    return taken;
  }

  /** So many bytes, or all that are left, as they come. */
  public async *pieces(count = Infinity): AsyncGenerator<Buffer> {
    for (let left = count; left > 0;) {
      const piece = this.held.length > 0 ? this.held : await this.next();
      if (piece === undefined) return;
      this.held = piece.subarray(Math.min(left, piece.length));
      left -= Math.min(left, piece.length);
      yield piece.subarray(0, piece.length - this.held.length);
    }
  }

  /** Passes over so many bytes. */
  public async skip(count: number): Promise<void> {
    const passed = this.pieces(count);
    while ((await passed.next()).done !== true);
  }

  /** Ends the reading early. */
  public async close(): Promise<void> {
    await this.source.return?.();
  }

  private async next(): Promise<Buffer | undefined> {
    const step = await this.source.next();
    return step.done === true ? undefined : step.value;
  }
}
