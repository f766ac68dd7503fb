import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { VaultStoreSettings } from "../../secret-store";
import { CommandError } from "../command-error";
import { httpCall } from "./http-call";
import { withRetries } from "./retries";
import { SecretValue, SecretVersion, Stage, StoreClient, StoredSecret, versionAt } from "./store-client";
import { failureCode, StoreError } from "./store-error";

interface Metadata {
  readonly current_version: number;
  readonly versions: Readonly<Record<string, VersionMetadata>>;
}

interface VersionMetadata {
  readonly created_time: string;
  /** Empty, or to come, of one that is there. */
  readonly deletion_time: string;
  readonly destroyed: boolean;
}

interface Read {
  readonly data: { readonly data: Readonly<Record<string, unknown>> };
}

/** Vault refused; only its status is kept, and whether it was the check-and-set that did not match. */
class Refused extends Error {
  constructor(
    public readonly status: number,
    public readonly outdated: boolean,
  ) {
    super(`HTTP ${status}`);
  }
}

/**
 * HashiCorp Vault's KV, version 2, entered with `VAULT_TOKEN` or the token that `vault login` left. A bare value lies in the
 * one field `value`; the fields of any other secret are the fields in Vault. Of versions only the newest can be the current
 * one, so the previous is the one before it.
 */
export class VaultKv implements StoreClient {
  constructor(private readonly settings: VaultStoreSettings) {}

  public async versions(secret: StoredSecret): Promise<readonly SecretVersion[] | undefined> {
    const metadata = await this.metadata(secret);
    return metadata === undefined ? undefined : this.versionsIn(secret, metadata);
  }

  public async read(secret: StoredSecret, stage: Stage): Promise<SecretValue | undefined> {
    const version = versionAt(await this.versions(secret), stage)?.id;
    if (version === undefined) return undefined;
    const reply = (await this.asked(secret, "GET", `data/${path(secret)}?version=${version}`)) as Read | undefined;
    if (reply === undefined) return undefined;
    const fields = reply.data.data;
    const { value, ...others } = fields;
    const isBare = typeof value === "string" && Object.keys(others).length === 0;
    return { text: isBare ? value : JSON.stringify(fields), version };
  }

  public async put(secret: StoredSecret, text: string): Promise<string> {
    return this.write(secret, text, (await this.metadata(secret))?.current_version ?? 0);
  }

  public async putFirst(secret: StoredSecret, text: string): Promise<boolean> {
    const metadata = await this.metadata(secret);
    if (metadata !== undefined && versionAt(this.versionsIn(secret, metadata), "current") !== undefined) return false;
    try {
      await this.write(secret, text, metadata?.current_version ?? 0);
      return true;
    } catch (error) {
      if (error instanceof StoreError && error.code === OUTDATED) return false;
      throw error;
    }
  }

  public async restorePrevious(secret: StoredSecret): Promise<string> {
    const previous = await this.read(secret, "previous");
    if (previous === undefined) throw new CommandError(`${secret.name}: there is no previous version`);
    return this.put(secret, previous.text);
  }

  /** All that are older than the current one: the one before would else be followed by the one before it. */
  public async dropPrevious(secret: StoredSecret): Promise<void> {
    const older = ((await this.versions(secret)) ?? []).filter(({ stage }) => stage !== "current").map(({ id }) => Number(id));
    if (older.length > 0) await this.asked(secret, "POST", `delete/${path(secret)}`, { versions: older });
  }

  private async metadata(secret: StoredSecret): Promise<Metadata | undefined> {
    return ((await this.asked(secret, "GET", `metadata/${path(secret)}`)) as { data: Metadata } | undefined)?.data;
  }

  private versionsIn(secret: StoredSecret, metadata: Metadata): readonly SecretVersion[] {
    const newest = metadata.versions[metadata.current_version];
    if (newest !== undefined && isDeleted(newest) && !newest.destroyed) throw this.deleted(secret, metadata.current_version);
    return Object.entries(metadata.versions)
      .filter(([, version]) => !isDeleted(version))
      .map(([id, { created_time: made }]) => ({ id, made: new Date(made), stage: stageOf(Number(id), metadata.current_version) }));
  }

  /** Refused by Vault if another has written since the version was asked for. */
  private async write(secret: StoredSecret, text: string, cas: number): Promise<string> {
    const data = secret.fields.length === 0 ? { value: text } : (JSON.parse(text) as Record<string, string>);
    const reply = await this.asked(secret, "POST", `data/${path(secret)}`, { options: { cas }, data });
    if (reply === undefined) throw this.error(secret, "HTTP 404", `is there a KV engine, version 2, at "${this.settings.mount}"?`);
    return String((reply as { data: { version: number } }).data.version);
  }

  /** The reply; undefined if there is no such thing. */
  private async asked(secret: StoredSecret, method: string, where: string, body?: object): Promise<unknown> {
    try {
      return await withRetries(
        (error) => error instanceof Refused && [429, 503].includes(error.status),
        () => this.send(method, where, body),
      );
    } catch (error) {
      if (error instanceof CommandError) throw error;
      if (error instanceof Refused && error.status === 404) return undefined;
      if (error instanceof Refused && error.outdated)
        throw this.error(secret, OUTDATED, "another one wrote at the same time; run it again");
      const code = error instanceof Refused ? error.message : failureCode(error);
      throw this.error(secret, code, advice(code));
    }
  }

  /** A value that is put over a deleted one, such as a salt key that is minted anew, would be what nobody wanted. */
  private deleted(secret: StoredSecret, version: number): StoreError {
    const name = `-mount=${this.settings.mount} ${secret.name}`;
    return this.error(
      secret,
      "deletion_time",
      `its newest version is deleted; bring it back with: vault kv undelete -versions=${version} ${name}; or end it with: vault kv metadata delete ${name}`,
    );
  }

  private error(secret: StoredSecret, code: string, what?: string): StoreError {
    return new StoreError(secret.name, `Vault at ${this.settings.address}`, code, what);
  }

  private async send(method: string, where: string, body?: object): Promise<unknown> {
    const { address, mount, namespace, caCertificate } = this.settings;
    const url = new URL(`${address.replace(/\/$/, "")}/v1/${mount}/${where}`);
    const headers = {
      "x-vault-request": "true",
      "x-vault-token": token(),
      ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const { status, text } = await httpCall(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      ca: caCertificate,
    });
    if (status >= 300) throw new Refused(status, /check-and-set/.test(text));
    return text === "" ? {} : JSON.parse(text);
  }
}

const OUTDATED = "check-and-set";

/** Of what `vault login` leaves, the file; a token helper is not asked. */
function token(): string {
  if (process.env.VAULT_TOKEN) return process.env.VAULT_TOKEN;
  try {
    return readFileSync(join(homedir(), ".vault-token"), "utf8").trim();
  } catch {
    throw new CommandError("no token of Vault: set VAULT_TOKEN, or log in with `vault login`");
  }
}

function path({ name }: StoredSecret): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

function isDeleted({ deletion_time: deleted, destroyed }: VersionMetadata): boolean {
  return destroyed || (deleted !== "" && Date.parse(deleted) <= Date.now());
}

function stageOf(version: number, current: number): Stage | undefined {
  if (version === current) return "current";
  return version === current - 1 ? "previous" : undefined;
}

function advice(code: string): string | undefined {
  const known: Readonly<Record<string, string>> = {
    "HTTP 400": "a bad request; is it a KV engine of version 2?",
    "HTTP 403": "no permission, or the token has ended; it needs create, read and update on data/, read on metadata/, update on delete/",
    "HTTP 429": "throttled, also after three more tries; run it again later",
    "HTTP 503": "it is sealed or in maintenance",
    "HTTP 307": "it is a standby that does not forward; give the address of the cluster",
    ENOTFOUND: "there is no such host",
    ECONNREFUSED: "nothing answers there",
    ETIMEDOUT: "no answer in time",
  };
  return (
    known[code] ??
    (/CERT|SSL|TLS/.test(code) ? "its certificate is not trusted; give the store the authority's PEM (caCertificate)" : undefined)
  );
}
