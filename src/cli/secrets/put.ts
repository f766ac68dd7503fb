import { CommandError } from "../command-error";
import { SecretsContext } from "./context";
import { DocumentSecret, isSaltKey, refuseSaltKey, secretOf } from "./known-secrets";
import { missingFields, newText } from "./secret-value";
import { SecretValue, StoreClient } from "./store-client";
import { StoreError } from "./store-error";
import { readValue } from "./value-input";

/** Where a value comes from. */
export interface NewValue {
  readonly field?: string;
  readonly fromEnv?: string;
}

/** Puts a value into its store, and makes the secret where it is absent. */
export async function put(context: SecretsContext, name: string, value: NewValue): Promise<void> {
  const secret = secretOf(context.document, name);
  const client = await context.client(secret);
  if (isSaltKey(context.document, secret)) {
    await putSaltKey(context, client, secret, value);
    return;
  }
  const written = await write(context, client, secret, value);
  context.say(written.version === undefined ? unchanged(secret) : `${secret.name}: version ${written.version} is the current one`);
  const missing = missingFields(secret, written.text);
  if (missing.length > 0) {
    context.say(`${secret.name}: still without ${missing.join(", ")}: ${context.command(`put ${secret.name} --field ${missing[0]}`)}`);
  }
}

/** A value that a person gave, in the store; no version: it was the current one already. */
export interface Written {
  readonly text: string;
  readonly version?: string;
}

/**
 * Writes a value unless it is the current one: a command that was interrupted after its write can be run again, and the
 * previous value stays the previous one.
 */
export async function write(context: SecretsContext, client: StoreClient, secret: DocumentSecret, value: NewValue): Promise<Written> {
  const given = await readValue(context.input, value.fromEnv);
  // The value is looked at before the store is.
  newText(secret, given, value.field, undefined);
  const current = await currentOf(client, secret);
  const text = newText(secret, given, value.field, current?.text);
  refuseBadMasterKey(secret, text);
  return text === current?.text ? { text } : { text, version: await client.put(secret, text) };
}

/** Who may only write a bare value needs not read it. */
async function currentOf(client: StoreClient, secret: DocumentSecret): Promise<SecretValue | undefined> {
  try {
    return await client.read(secret, "current");
  } catch (error) {
    if (error instanceof StoreError && error.isRefusal && secret.fields.length === 0) return undefined;
    throw error;
  }
}

/** What a value that is there already is answered with. */
export function unchanged({ name }: DocumentSecret): string {
  return `${name}: that is the current value already; nothing was written`;
}

function refuseBadMasterKey({ name, owner }: DocumentSecret, text: string): void {
  if (owner === "gateway" && !text.startsWith("sk-")) throw new CommandError(`${name}: LiteLLM takes only a value that begins with "sk-"`);
}

/** One that is brought along with a database is taken, where there is none yet. */
async function putSaltKey(context: SecretsContext, client: StoreClient, secret: DocumentSecret, value: NewValue): Promise<void> {
  const text = newText(secret, await readValue(context.input, value.fromEnv), value.field, undefined);
  if (!(await client.putFirst(secret, text))) refuseSaltKey(context.document, secret);
  context.say(`${secret.name}: it has its value, which is never changed`);
}
