import { randomBytes } from "node:crypto";
import type { SecretStoreSettings } from "../../../src/secret-store";
import type { SecretsDocument } from "../../../src/secrets-document";
import { MotoCloud, startMoto } from "../moto";
import { jsonAws } from "../moto/aws-request";
import { KmsDouble } from "./alicloud-kms";
import { Between } from "./between";
import type { RunningServer } from "./server";
import { VaultDouble } from "./vault";

export const AWS_REGION = "eu-central-1";
export const ALICLOUD_REGION = "cn-shanghai";

/** A value to look for where none may be. */
export const canary = (): string => `sk-${randomBytes(24).toString("hex")}`;

/** A store, and how a test looks into it beside the command. */
export interface TestedStore {
  readonly url: () => string;
  readonly settings: (url: string) => SecretStoreSettings;
  readonly environment: (url: string) => Record<string, string>;
  readonly value: (name: string, back?: "previous") => Promise<string | undefined>;
}

/** What the names of {@link TestedStores.all} are. */
export type StoreName = "AWS Secrets Manager" | "Alibaba Cloud KMS" | "HashiCorp Vault";

/** One of each kind, running. */
export class TestedStores {
  public readonly kms = new KmsDouble();
  public readonly vault = new VaultDouble();
  private running?: MotoCloud;
  private readonly between: RunningServer[] = [];

  public readonly all: Readonly<Record<StoreName, TestedStore>> = {
    "AWS Secrets Manager": {
      url: () => this.moto.endpoint,
      settings: () => ({ kind: "aws-secrets-manager", region: AWS_REGION }),
      environment: (url) => ({ AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" }),
      value: async (name, back) => {
        const asked = { SecretId: name, VersionStage: back === "previous" ? "AWSPREVIOUS" : "AWSCURRENT" };
        const reply = await this.secretsManager("GetSecretValue", asked).catch(() => undefined);
        return (reply as { SecretString: string } | undefined)?.SecretString;
      },
    },
    "Alibaba Cloud KMS": {
      url: () => this.kms.url,
      settings: () => ({ kind: "alicloud-kms", region: ALICLOUD_REGION }),
      environment: (url) => ({ AIGW_KMS_ENDPOINT: url, ...this.kms.environment }),
      value: (name, back) => Promise.resolve(this.kms.text(name, back === "previous" ? "ACSPrevious" : "ACSCurrent")),
    },
    "HashiCorp Vault": {
      url: () => this.vault.url,
      settings: (address) => ({ kind: "vault", address, mount: "secret", auth: { method: "aws", mount: "aws", role: "gw" } }),
      environment: () => ({ VAULT_TOKEN: this.vault.token }),
      value: (name, back) => {
        const fields = this.vault.fields(name, back === "previous" ? 1 : 0);
        const bare = fields !== undefined && Object.keys(fields).join() === "value";
        return Promise.resolve(fields === undefined ? undefined : bare ? (fields.value as string) : JSON.stringify(fields));
      },
    },
  };

  public get moto(): MotoCloud {
    return this.running!;
  }

  public async start(): Promise<void> {
    [this.running] = await Promise.all([startMoto({ region: AWS_REGION }), this.kms.start(), this.vault.start()]);
  }

  public async stop(): Promise<void> {
    await Promise.all([this.running?.stop(), this.kms.stop(), this.vault.stop()]);
  }

  /** As if nothing had ever been put. */
  public async forget(): Promise<void> {
    await this.moto.reset();
    this.kms.secrets.clear();
    this.kms.keys.clear();
    this.kms.denied.clear();
    this.kms.throttled = this.vault.throttled = 0;
    this.vault.secrets.clear();
    this.vault.denied.clear();
    this.vault.sealed = false;
  }

  /** Something in front of a store, until {@link clear}. */
  public async standBefore(store: TestedStore): Promise<{ between: Between; url: string }> {
    const { between, server } = await Between.of(store.url());
    this.between.push(server);
    return { between, url: server.url };
  }

  /** Ends all that stands before a store. */
  public async clear(): Promise<void> {
    await Promise.all(this.between.splice(0).map((server) => server.stop()));
  }

  /** A call to Secrets Manager beside the command. */
  public secretsManager(action: string, parameters: object): Promise<unknown> {
    return jsonAws(this.moto.signer("secretsmanager"), `secretsmanager.${action}`, parameters);
  }
}

/** The environment in which the command finds a document and a store, at another address where one is given. */
export function surroundings(store: TestedStore, url = store.url()): Record<string, string> {
  return { ...store.environment(url), AIGW_SECRETS: JSON.stringify(documentOf(store.settings(url))) };
}

/** Secrets of a person, one of them with fields, more of them where they are named, and two of the gateway's own. */
export function documentOf(store: SecretStoreSettings, ...more: readonly string[]): SecretsDocument {
  const secret = (name: string, fields: string[] = [], owner: "user" | "gateway" = "user") => ({
    name: `gw/${name}`,
    purpose: `the secret ${name}`,
    owner,
    takenAtStart: owner === "gateway",
    store: "store",
    fields,
  });
  return {
    version: 1,
    gateway: "gw",
    stores: { store },
    secrets: [
      ...["openai", ...more].map((name) => secret(name)),
      secret("azure", ["client_id", "client_secret"]),
      secret("master-key", [], "gateway"),
      secret("salt-key", [], "gateway"),
    ],
  };
}
