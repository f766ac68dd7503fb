/** The agent's key could not be read. The message is one line of the secret's name, the store's answer and what to do; never a key. */
export class AgentKeyError extends Error {
  public override readonly name = "AgentKeyError";

  constructor(
    message: string,
    /** What the store answered, such as "AccessDeniedException"; absent where it answered something that is no key. */
    public readonly code?: string,
  ) {
    super(message);
  }
}
