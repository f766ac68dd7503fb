import type { AgentState } from "../../litellm/agents";
import { CommandError, EXIT } from "../command-error";
import { SecretsContext } from "../secrets/context";
import { DocumentSecret, shortName } from "../secrets/known-secrets";
import { openContext, OpenOptions } from "../secrets/open-context";
import { missingFields, unknownWord } from "../secrets/secret-value";
import { StoreError } from "../secrets/store-error";
import { AdminApi } from "./admin-api";
import { AgentSecrets } from "./agent-secrets";
import { Desired, desiredOf } from "./desired-state";
import { untilReady, Waiting } from "./readiness";
import { Report } from "./report";

/** What all commands of `keys` are called with. */
export interface KeysOptions extends OpenOptions, Waiting {
  /** Where keys are administered. */
  readonly endpoint?: string;
  readonly json?: boolean;
}

/** What the commands work with. */
export interface KeysContext {
  readonly gateway: string;
  readonly desired: Desired["state"];
  readonly secrets: AgentSecrets;
  readonly report: Report;
  /**
   * The gateway, once keys can be administered.
   * @throws CommandError with exit code 3 where the master key, or what nodes wait for, is missing
   */
  api(): Promise<AdminApi>;
  /** The agent of a name. @throws CommandError naming the nearest one */
  agent(name: string): AgentState;
}

/** Finds the secrets' document, the desired state and the store; nothing is asked yet. */
export async function openKeys(options: KeysOptions): Promise<KeysContext> {
  const secrets = await openContext(options);
  const desired = desiredOf(options, secrets.document.gateway, process.env);
  return keysContext(
    secrets,
    desired,
    new Report(
      (line) => secrets.say(line),
      (line) => secrets.warn(line),
      options.json === true,
    ),
    options,
  );
}

/** The commands' context over that of `secrets`. */
export async function keysContext(secrets: SecretsContext, desired: Desired, report: Report, waiting: Waiting): Promise<KeysContext> {
  const { document } = secrets;
  const masterKey = document.secrets.find((secret) => shortName(document, secret) === "master-key");
  if (masterKey === undefined) {
    throw new CommandError(`the secrets' document of ${document.gateway} names no master-key`, EXIT.wronglyCalled);
  }
  const names = new Map(desired.state.agents.map((agent) => [agent.name, agent.secretName]));
  let opened: Promise<AdminApi> | undefined;
  return {
    gateway: document.gateway,
    desired: desired.state,
    secrets: new AgentSecrets(document.gateway, masterKey.store, await secrets.client(masterKey), names),
    report,
    api: () => (opened ??= openApi(secrets, masterKey, desired.endpoint(), waiting, report)),
    agent: (name) => {
      const found = desired.state.agents.find((agent) => agent.name === name);
      if (found !== undefined) return found;
      const known = desired.state.agents.map((agent) => agent.name);
      throw new CommandError(unknownWord(name, `an agent of ${document.gateway}`, known), EXIT.wronglyCalled);
    },
  };
}

/** The store first: a gateway whose values are missing will never be ready. */
async function openApi(
  secrets: SecretsContext,
  masterKey: DocumentSecret,
  endpoint: string,
  waiting: Waiting,
  report: Report,
): Promise<AdminApi> {
  const value = (await (await secrets.client(masterKey)).read(masterKey, "current"))?.text;
  if (value === undefined || value.trim() === "") {
    throw missingError(secrets, [masterKey.name, ...(await missing(secrets, report)).filter((name) => name !== masterKey.name)]);
  }
  const api = new AdminApi(endpoint, value);
  await untilReady(api, endpoint, waiting, report.progress, async () => {
    const names = await missing(secrets, report);
    if (names.length > 0) throw missingError(secrets, names);
  });
  return api;
}

function missingError(context: SecretsContext, names: readonly string[]): CommandError {
  const { document } = context;
  const minted = document.secrets.some(({ name, owner }) => owner === "gateway" && names.includes(name));
  const put = document.secrets.filter(({ name, owner }) => owner === "user" && names.includes(name));
  const steps = [...(minted ? [context.command("ensure")] : []), ...put.map(({ name }) => context.command(`put ${name} < FILE`))];
  return new CommandError(
    `${names.length} of ${document.secrets.length} secrets have no value, and nodes wait for them: ${names.join(", ")}; set them, then run this again:\n${steps.map((step) => `  ${step}`).join("\n")}`,
    EXIT.valuesMissing,
  );
}

/** The names of the secrets that nodes wait for. What may not be read is taken to be there. */
async function missing(context: SecretsContext, report: Report): Promise<string[]> {
  const found = await Promise.all(
    context.document.secrets.map(async (secret) => {
      try {
        const value = await (await context.client(secret)).read(secret, "current");
        return value === undefined || missingFields(secret, value.text).length > 0 ? [secret.name] : [];
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        report.progress(`${secret.name}: whether it has a value is not known here: ${error.code}`);
        return [];
      }
    }),
  );
  return found.flat();
}
