import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DesiredState } from "../../litellm/agents";
import { CommandError, EXIT } from "../command-error";
import { ONLY_TERRAFORM_KNOWS, StackChoice, synthesizedLocals } from "../secrets/synthesized-stack";

/** The variables in which a provisioner hands over the path of `agents.json`, and where keys are administered. */
export const DESIRED_STATE_VARIABLE = "AIGW_DESIRED_STATE";
export const ENDPOINT_VARIABLE = "AIGW_ENDPOINT";

/** What a gateway's keys should be, and where they are administered. */
export interface Desired {
  readonly state: DesiredState;
  /** @throws CommandError saying how it is given, where it is not known */
  endpoint(): string;
}

/** What the stack says of the agents of a gateway. */
interface KeysDocument {
  readonly version: 1;
  readonly gateway: string;
  /** Below the stack's folder. */
  readonly desiredState: string;
  readonly endpoint?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `AIGW_DESIRED_STATE`, else what cdktf has synthesized for the gateway. */
export function desiredOf(choice: StackChoice & { readonly endpoint?: string }, gateway: string, environment: Environment): Desired {
  const given = environment[DESIRED_STATE_VARIABLE];
  const found = given ? { file: given, endpoint: undefined } : synthesized(choice, gateway, environment);
  const endpoint = choice.endpoint ?? (environment[ENDPOINT_VARIABLE] || found.endpoint);
  return { state: stateIn(found.file), endpoint: () => checkedEndpoint(endpoint) };
}

function synthesized(choice: StackChoice, gateway: string, environment: Environment): { file: string; endpoint?: string } {
  const { folder, texts } = synthesizedLocals("Keys", choice, environment);
  const documents = texts.map((text) => JSON.parse(text) as KeysDocument).filter((document) => document.gateway === gateway);
  const [document] = documents;
  if (document === undefined)
    throw wrong(`${folder} says nothing of agents of ${gateway}; synthesize again, or is there no AgentQuotaKeys?`);
  if (documents.length > 1)
    throw wrong(`${folder} has agents of ${gateway} in ${documents.length} places; name one file in ${DESIRED_STATE_VARIABLE}`);
  return { file: join(folder, document.desiredState), endpoint: document.endpoint };
}

function stateIn(file: string): DesiredState {
  try {
    const state = JSON.parse(readFileSync(file, "utf8")) as DesiredState;
    const version: number = state.version;
    const whole = version === 1 && [state.routes, state.groups, state.agents].every(Array.isArray) && state.agents.every(isAgent);
    if (whole) return state;
  } catch {
    throw wrong("there is no desired state of agents, or it can not be read; synthesize again (cdktf synth)");
  }
  throw wrong("the desired state of agents is not one of version 1");
}

/** A key without models or routes may call any: what comes from elsewhere is looked at once more. */
function isAgent({ name, models }: DesiredState["agents"][number]): boolean {
  return typeof name === "string" && !name.includes("/") && Array.isArray(models) && models.length > 0;
}

const GIVE_IT = `give it with --endpoint URL or ${ENDPOINT_VARIABLE}`;

function checkedEndpoint(endpoint: string | undefined): string {
  if (endpoint === undefined) {
    throw wrong(`where keys are administered is not known: the stack has no admin listener (adminFrom); else ${GIVE_IT}`);
  }
  if (endpoint.includes(ONLY_TERRAFORM_KNOWS)) {
    throw wrong(`where keys are administered is known to Terraform only; ${GIVE_IT} (the stack's adminEndpoint)`);
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "") {
    throw wrong("the endpoint is a URL such as https://gateway.internal:8443, without a name, a password or a query");
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

function wrong(message: string): CommandError {
  return new CommandError(message, EXIT.wronglyCalled);
}
