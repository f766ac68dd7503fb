import { SecretsDocument } from "../../secrets-document";
import { CommandError, EXIT } from "../command-error";
import { unknownWord } from "./secret-value";

/** A secret as the document has it. */
export type DocumentSecret = SecretsDocument["secrets"][number];

/** The secret of a name: the full one, or what stands behind the gateway's. */
export function secretOf(document: SecretsDocument, name: string): DocumentSecret {
  const ofName = (wanted: string): DocumentSecret | undefined => document.secrets.find((secret) => secret.name === wanted);
  const found = ofName(name) ?? ofName(`${document.gateway}/${name}`);
  if (found !== undefined) return found;
  const known = document.secrets.map((secret) => shortName(document, secret));
  throw new CommandError(unknownWord(name, `a secret of ${document.gateway}`, known), EXIT.wronglyCalled);
}

/** What a secret is called on the command line. */
export function shortName({ gateway }: SecretsDocument, { name }: DocumentSecret): string {
  return name.startsWith(`${gateway}/`) ? name.slice(gateway.length + 1) : name;
}

/** The one value that must never change: all that LiteLLM stores is encrypted by it. */
export function isSaltKey(document: SecretsDocument, secret: DocumentSecret): boolean {
  return secret.owner === "gateway" && shortName(document, secret) === "salt-key";
}

/** @throws CommandError saying why, for the salt key */
export function refuseSaltKey(document: SecretsDocument, secret: DocumentSecret): void {
  if (!isSaltKey(document, secret)) return;
  throw new CommandError(
    `${secret.name} is never changed: LiteLLM encrypts with it what it stores in the database, and all of that would be unreadable`,
  );
}
