import { pipeline, Readable, Transform } from "node:stream";

/** What a transform makes of bytes; a failure of either ends the reading. */
export function through(source: AsyncIterable<Buffer>, transform: Transform): AsyncIterable<Buffer> {
  pipeline(Readable.from(source), transform, () => undefined);
  return transform;
}
