import { CommandError, EXIT } from "../command-error";

/** Where a value may come from; never an argument, which all users of the computer can read. */
export interface ValueInput {
  readonly stdin: AsyncIterable<string | Uint8Array> & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const LONGEST_BYTES = 65_536;

/**
 * The value from standard input, without one line break at its end, or from a variable of the environment.
 * @param fromEnv the variable's name
 * @throws CommandError that repeats nothing of what was given
 */
export async function readValue({ stdin, environment }: ValueInput, fromEnv: string | undefined): Promise<string> {
  if (fromEnv !== undefined) {
    const value = environment[fromEnv];
    // Not repeated: it may be the value itself.
    if (value === undefined) throw new CommandError("--from-env: there is no such variable; give a variable's name", EXIT.wronglyCalled);
    return value;
  }
  if (stdin.isTTY === true) {
    throw new CommandError(
      "the value comes by standard input: `... < FILE`, `pass show x | ...`, or --from-env VARIABLE",
      EXIT.wronglyCalled,
    );
  }
  return (await allOf(stdin)).replace(/\r?\n$/, "");
}

/** All of a stream, up to what a store can take. */
export async function allOf(stream: AsyncIterable<string | Uint8Array>, longest = LONGEST_BYTES): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream) {
    parts.push(Buffer.from(part as Uint8Array));
    length += parts.at(-1)!.length;
    if (length > longest) throw new CommandError(`standard input holds more than ${longest} bytes, which no store takes`);
  }
  return Buffer.concat(parts).toString("utf8");
}
