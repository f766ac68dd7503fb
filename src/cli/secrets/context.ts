import { SecretsDocument } from "../../secrets-document";
import { DocumentSecret } from "./known-secrets";
import { StoreClient } from "./store-client";
import { UseReport } from "./use-report";
import { ValueInput } from "./value-input";

/** What the commands work with. */
export interface SecretsContext {
  readonly document: SecretsDocument;
  readonly input: ValueInput;
  /** The client of the store that a secret lies in. */
  client(secret: DocumentSecret): Promise<StoreClient>;
  /** @throws NodesUnknown, or CommandError saying what is missing to ask for it */
  useReport(): Promise<UseReport>;
  /** Another command of `secrets`, to be run with the same document. */
  command(words: string): string;
  /** A line of the result. */
  say(line: string): void;
  /** A line beside the result. */
  warn(line: string): void;
}
