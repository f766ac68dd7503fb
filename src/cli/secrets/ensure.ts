import { CommandError, EXIT } from "../command-error";
import { SecretsContext } from "./context";
import { DocumentSecret } from "./known-secrets";
import { missingFields, mint } from "./secret-value";
import { StoreClient, versionAt } from "./store-client";
import { StoreError } from "./store-error";

/** How {@link ensure} takes missing values. */
export interface EnsureOptions {
  readonly allowMissing?: boolean;
}

/**
 * Mints the gateway's own values where there are none, never over one that is there, and tells which others have none.
 * @throws CommandError with exit code 3 naming those without a value, with the commands that put them
 */
export async function ensure(context: SecretsContext, { allowMissing = false }: EnsureOptions): Promise<void> {
  const { secrets } = context.document;
  // All at once: whoever applies waits for this.
  const results = await Promise.allSettled(secrets.map((secret) => ensureOne(context, secret)));
  const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
  if (failures.length > 0) throw new CommandError(failures.map(({ message }) => message).join("\nerror: "));
  const missing = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  if (missing.length === 0) {
    context.say(`${context.document.gateway}: all ${secrets.length} secrets have a value`);
    return;
  }
  const message = `${missing.length} of ${secrets.length} secrets have no value yet; put each, then apply again:\n${missing.map((line) => `  ${line}`).join("\n")}`;
  if (!allowMissing) throw new CommandError(message, EXIT.valuesMissing);
  context.warn(message);
}

/** The commands that put what is missing. */
async function ensureOne(context: SecretsContext, secret: DocumentSecret): Promise<string[]> {
  const client = await context.client(secret);
  if (secret.owner === "gateway") {
    const minted = await client.putFirst(secret, mint());
    if (minted) context.say(`${secret.name}: minted`);
    return [];
  }
  if (versionAt(await client.versions(secret), "current") === undefined) return [context.command(`put ${secret.name} < FILE`)];
  const fields = secret.fields.length === 0 ? [] : await fieldsMissing(context, client, secret);
  return fields.map((field) => context.command(`put ${secret.name} --field ${field} < FILE`));
}

/** Whoever applies need not be allowed to read what others put. */
async function fieldsMissing(context: SecretsContext, client: StoreClient, secret: DocumentSecret): Promise<string[]> {
  try {
    const value = await client.read(secret, "current");
    return missingFields(secret, value?.text ?? "");
  } catch (error) {
    if (!(error instanceof StoreError && error.isRefusal)) throw error;
    context.warn(`${secret.name}: whether it has all its fields is not known, since it may not be read here`);
    return [];
  }
}
