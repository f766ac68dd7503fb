import { readFileSync } from "node:fs";
import { SecretsDocument } from "../../secrets-document";
import { CommandError, EXIT } from "../command-error";
import { secretArn } from "./secret-arn";
import { StackChoice, SynthesizedSecrets, synthesizedSecrets } from "./synthesized-stack";
import { allOf, ValueInput } from "./value-input";

/** Where the command learns which secrets there are. */
export interface DocumentChoice extends StackChoice {
  /** A file, or "-" for standard input. */
  readonly document?: string;
}

/** The variable in which a provisioner hands over the document. */
export const DOCUMENT_VARIABLE = "AIGW_SECRETS";
const LONGEST_DOCUMENT_BYTES = 1_048_576;

/** `--document`, else `AIGW_SECRETS`, else what cdktf has synthesized. */
export async function secretsOf(choice: DocumentChoice, { stdin, environment }: ValueInput): Promise<SynthesizedSecrets> {
  const { document } = choice;
  if (document === "-") return { document: parsed("--document -", await allOf(stdin, LONGEST_DOCUMENT_BYTES)) };
  if (document !== undefined) return { document: parsed("--document", file(document)) };
  const given = environment[DOCUMENT_VARIABLE];
  return given ? { document: parsed(DOCUMENT_VARIABLE, given) } : checked(synthesizedSecrets(choice, environment));
}

function file(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new CommandError("--document: there is no such file, or it can not be read", EXIT.wronglyCalled);
  }
}

/** What is wrong with it is told without repeating it. */
function parsed(source: string, text: string): SecretsDocument {
  try {
    const document = JSON.parse(text) as SecretsDocument;
    const { gateway, stores, secrets } = document;
    const version: number = document.version;
    const whole =
      version === 1 && typeof gateway === "string" && secrets.every(({ name, store }) => typeof name === "string" && store in stores);
    if (whole) return checked({ document }).document;
  } catch (error) {
    if (error instanceof CommandError) throw error;
  }
  throw new CommandError(`${source}: it is not a secrets document of version 1`, EXIT.wronglyCalled);
}

function checked(found: SynthesizedSecrets): SynthesizedSecrets {
  const problems = arnProblems(found.document);
  if (problems.length > 0) throw new CommandError(problems.join("; "), EXIT.wronglyCalled);
  return found;
}

/** A secret that is named by an ARN lies where the ARN says, whatever region the store is of. */
function arnProblems({ stores, secrets }: SecretsDocument): string[] {
  return secrets.flatMap(({ name, store }) => {
    const [arn, settings] = [secretArn(name), stores[store]];
    if (arn === undefined || settings === undefined) return [];
    if (settings.kind === "vault") return [`${name}: it is an ARN, and the store is a Vault, in which a secret is named by its path`];
    return settings.region === arn.region
      ? []
      : [`${name}: it is the ARN of a secret in ${arn.region}, and the store is in ${settings.region}`];
  });
}
