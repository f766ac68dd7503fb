import { CommandError } from "../command-error";
import { SecretsContext } from "./context";
import { DocumentChoice, secretsOf } from "./document-source";
import { DocumentSecret } from "./known-secrets";
import { openStore } from "./open-store";
import { openUseReport, ReportChoice } from "./open-use-report";
import { StoreClient } from "./store-client";
import { ValueInput } from "./value-input";

/** What all commands of `secrets` are called with. */
export interface OpenOptions extends DocumentChoice, ReportChoice {
  readonly encryptionKey?: string;
  readonly kmsInstance?: string;
  readonly fromEnv?: string;
}

/** Finds the document and says where the stores are; none is asked yet. */
export async function openContext(options: OpenOptions): Promise<SecretsContext> {
  const input: ValueInput = { stdin: process.stdin, environment: process.env };
  const warn = (line: string): void => void process.stderr.write(`${line}\n`);
  if (terraformLogs(process.env)) {
    warn("warning: TF_LOG is set: Terraform's providers then write what stores answer, values among it, into their log; unset it");
  }
  const { document, nodes } = await secretsOf(options, input);
  const { gateway } = document;
  const { encryptionKey, kmsInstance } = options;
  const clients = new Map<string, Promise<StoreClient>>();
  const client = ({ name, store }: DocumentSecret): Promise<StoreClient> => {
    const settings = document.stores[store];
    if (settings === undefined) throw new CommandError(`${name}: the document has no store "${store}"`);
    const open = clients.get(store) ?? openStore(settings, { gateway, encryptionKey, kmsInstance });
    clients.set(store, open);
    return open;
  };
  return {
    document,
    input,
    client,
    useReport: () => openUseReport(document.stores, nodes, options),
    command: (words) => `cdktf-ai-gateway secrets ${words}${sameDocument(options)}`,
    say: (line) => void process.stdout.write(`${line}\n`),
    warn,
  };
}

function sameDocument({ document, output, stack, gateway }: OpenOptions): string {
  const words = [
    ...(document === undefined || document === "-" ? [] : ["--document", document]),
    ...(output === "cdktf.out" ? [] : ["--output", output]),
    ...(stack === undefined ? [] : ["--stack", stack]),
    ...(gateway === undefined ? [] : ["--gateway", gateway]),
  ];
  return words.map((word) => ` ${word}`).join("");
}

function terraformLogs(environment: ValueInput["environment"]): boolean {
  return Object.entries(environment).some(
    ([name, value]) => /^TF_LOG(_CORE|_PROVIDER.*|_SDK.*)?$/.test(name) && !/^(off)?$/i.test(value ?? ""),
  );
}
