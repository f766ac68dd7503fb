/** The command can not do what it was asked to; the message holds no value. */
export class CommandError extends Error {
  constructor(
    message: string,
    /** How the process ends. */
    public readonly exitCode: number = EXIT.failed,
  ) {
    super(message);
  }
}

/** Nothing says where the gateway's nodes are. */
export class NodesUnknown extends CommandError {}

/** How the commands that work on a gateway end. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** Also where something was found: a value older than `--max-age`, a difference. */
  wronglyCalled: 2,
  valuesMissing: 3,
} as const;
