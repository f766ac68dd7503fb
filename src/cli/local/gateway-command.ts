import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMMAND_FILE } from "../../node/command";
import type { CloudStoreSettings } from "../../secret-store";
import { DESIRED_STATE_VARIABLE, ENDPOINT_VARIABLE } from "../keys/desired-state";
import { DOCUMENT_VARIABLE } from "../secrets/document-source";
import { run } from "./programs";
import type { SynthesizedGateway } from "./synthesized-gateway";

/** Where a local gateway is administered, and where its secrets lie. */
export interface LocalPlaces {
  /** The run's folder. */
  readonly folder: string;
  readonly adminEndpoint: string;
  readonly store: CloudStoreSettings & { readonly endpoint: string };
  readonly accessKey: string;
}

/** What `cdktf-ai-gateway keys` and `secrets` are given to work on a local gateway, as a provisioner gives it for a real one. */
export class GatewayCommand {
  public readonly environment: Readonly<Record<string, string>>;

  constructor({ desired, document }: SynthesizedGateway, { folder, adminEndpoint, store, accessKey }: LocalPlaces) {
    const desiredState = join(folder, "agents.json");
    writeFileSync(desiredState, JSON.stringify(desired, null, 1));
    const { endpoint, ...settings } = store;
    const stores = Object.fromEntries(Object.keys(document.stores).map((name) => [name, settings]));
    this.environment = {
      [DOCUMENT_VARIABLE]: JSON.stringify({ ...document, stores }),
      [DESIRED_STATE_VARIABLE]: desiredState,
      [ENDPOINT_VARIABLE]: adminEndpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
      AWS_ACCESS_KEY_ID: accessKey,
      AWS_SECRET_ACCESS_KEY: accessKey,
    };
    writeFileSync(join(folder, ENVIRONMENT_FILE), shellText(this.environment), { mode: 0o600 });
  }

  /**
   * Runs the command; what it wrote.
   * @param input for its standard input
   * @throws Error with the last lines that it wrote
   */
  public run(words: readonly string[], input?: string): Promise<string> {
    // Nothing of who runs it: neither other credentials nor an endpoint of their own.
    const env = { PATH: process.env.PATH, AWS_EC2_METADATA_DISABLED: "true", ...this.environment };
    return run(process.execPath, [COMMAND_FILE, ...words], { env, input });
  }
}

/** In the run's folder: what a shell reads so that the command works on this gateway. */
export const ENVIRONMENT_FILE = "command.env";

function shellText(environment: Readonly<Record<string, string>>): string {
  const lines = Object.entries(environment).map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`);
  // With either of them AWS's SDK would sign with somebody else's credentials.
  return ["unset AWS_PROFILE AWS_SESSION_TOKEN", ...lines, ""].join("\n");
}
