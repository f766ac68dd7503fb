import { httpCall } from "../cli/secrets/http-call";
import { withRetries } from "../cli/secrets/retries";
import { failureCode } from "../cli/secrets/store-error";
import { AgentKeyError } from "./agent-key-error";
import type { ReadKey } from "./read-key";
import { storeFailure } from "./store-failure";
import { loginRequest, VaultLogin } from "./vault-login";

/** Where a key lies in HashiCorp Vault. */
export interface VaultKeyProps {
  /** Vault's address, such as "https://vault.corp.example:8200". */
  readonly address: string;
  /**
   * The path at which the KV engine, version 2, is mounted.
   * @default "secret"
   */
  readonly mount?: string;
  /**
   * The namespace of Vault Enterprise, from the root on.
   * @default - the root
   */
  readonly namespace?: string;
  /**
   * The PEM of the private authorities that Vault's certificate is from: the text, not a file's path.
   * @default - the authorities that Node.js trusts
   */
  readonly caCertificate?: string;
  /**
   * The secret's path in the engine, `<gateway>/agents/<agent>`; the key is its one field, `value`.
   * @example "prod-gateway/agents/research-agent"
   */
  readonly name: string;
  /** How the machine logs in. */
  readonly auth: VaultLogin;
}

/** A token, and when it is to be replaced. */
interface Entry {
  readonly token: string;
  readonly until: number;
}

/** Vault refused; of its answer only the status is kept. */
class Refused extends Error {
  constructor(
    public readonly status: number,
    public readonly where: "login" | "read",
  ) {
    super(`HTTP ${status}`);
  }
}

/** So long before its end a token is no longer used. */
const BEFORE_END_MS = 60_000;

/** Reads the key's newest version, as the policy allows that the stack made: the data, no metadata. */
export function vaultKey(props: VaultKeyProps): ReadKey {
  const { name, auth } = props;
  let entry: Entry | undefined;

  const entered = async (): Promise<string> => {
    if (auth.method === "token") return (await auth.token()).trim();
    if (entry === undefined || Date.now() >= entry.until) entry = await login(props, auth);
    return entry.token;
  };
  const value = async (): Promise<string> => {
    const { data } = (await ask(props, "GET", dataPath(props), { "x-vault-token": await entered() })) as Read;
    const key = data.data.value;
    if (typeof key !== "string") throw new AgentKeyError(`${name}: Vault at ${props.address}: the secret has no text in the field "value"`);
    return key;
  };
  return async () => {
    try {
      return await value().catch((error: unknown) => {
        // The token may have been revoked.
        if (entry === undefined || !(error instanceof Refused) || error.status !== 403) throw error;
        entry = undefined;
        return value();
      });
    } catch (error) {
      if (error instanceof AgentKeyError) throw error;
      const code = error instanceof Refused ? error.message : failureCode(error);
      throw storeFailure(name, `Vault at ${props.address}`, code, advice(error));
    }
  };
}

interface Read {
  readonly data: { readonly data: Readonly<Record<string, unknown>> };
}

interface LoggedIn {
  readonly auth: { readonly client_token: string; readonly lease_duration: number };
}

async function login(props: VaultKeyProps, auth: Exclude<VaultLogin, { readonly method: "token" }>): Promise<Entry> {
  const began = Date.now();
  const body = await loginRequest(auth);
  const reply = (await ask(props, "POST", `auth/${auth.mount ?? auth.method}/login`, {}, body)) as LoggedIn;
  const { client_token: token, lease_duration: seconds } = reply.auth;
  return { token, until: seconds === 0 ? Infinity : began + seconds * 1000 - BEFORE_END_MS };
}

async function ask(props: VaultKeyProps, method: "GET" | "POST", path: string, more: Readonly<Record<string, string>>, body?: object) {
  const { address, namespace, caCertificate: ca } = props;
  const headers = {
    "x-vault-request": "true",
    ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...more,
  };
  const url = new URL(`${address.replace(/\/$/, "")}/v1/${path}`);
  return withRetries(isThrottled, async () => {
    const { status, text } = await httpCall(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), ca });
    if (status >= 300) throw new Refused(status, body === undefined ? "read" : "login");
    return JSON.parse(text) as unknown;
  });
}

function isThrottled(error: unknown): boolean {
  return error instanceof Refused && [429, 503].includes(error.status);
}

function dataPath({ mount = "secret", name }: VaultKeyProps): string {
  return `${mount}/data/${name.split("/").map(encodeURIComponent).join("/")}`;
}

function advice(error: unknown): string | undefined {
  if (!(error instanceof Refused)) return undefined;
  const known: Readonly<Record<string, string>> = {
    "login 400": "no role of this name, another role of the cloud, or a wrong serverId",
    "login 403": "the auth method is mounted elsewhere, or in another namespace",
    "login 404": "the auth method is mounted elsewhere, or in another namespace",
    "read 403": "no permission; the policy must allow to read this path",
    "read 404": "no such secret, or its newest version is deleted, or the engine is mounted elsewhere or of version 1",
  };
  return known[`${error.where} ${error.status}`] ?? (error.status === 503 ? "it is sealed or in maintenance" : undefined);
}
