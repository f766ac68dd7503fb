import { Fn, ITerraformDependable, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { IAccessRole } from "./access";
import { IDatabase, IRedis } from "./backing-services";
import { CommandRun } from "./command-run";
import { ConfigError } from "./errors";
import { handedOverValueProblems } from "./handed-over-values";
import { ProvidersProps } from "./litellm";
import { credentialVariable } from "./litellm/config-yaml";
import { ProviderModel, providerModels, providersProblems } from "./litellm/providers";
import { unknownName } from "./nearest";
import { GatewayPlatform, IGatewayPart } from "./platform";
import { Removal } from "./removal";
import { DeclaredSecretsSpec, SecretKey, SecretOwner, SecretSpec, SecretStore } from "./secret-store";
import { secretsDocument } from "./secrets-document";
import { terraformJson } from "./text";

/** An existing key that encrypts secrets. */
export interface IEncryptionKey {
  /** The cloud's id: a key's ARN on AWS, a key's id on Alibaba Cloud. */
  readonly id: string;
}

/** Keys that are made elsewhere come in by their id. */
export abstract class EncryptionKey {
  /** @param id the key's ARN on AWS, its id on Alibaba Cloud */
  public static fromId(id: string): IEncryptionKey {
    return { id };
  }
}

/**
 * Who mints the gateway's own values, the master key and the salt key: the computer that applies the stack, which must
 * reach the store and be allowed to write there; or nobody, and `cdktf-ai-gateway secrets ensure` is run by hand.
 */
export type SecretMinting = "runner" | "none";

/** In which stores a gateway's secrets lie, and who mints its own. */
export interface SecretStoresProps {
  /**
   * The store of all secrets that `secretStores` does not name.
   * @default - the platform's own: Secrets Manager on AWS, KMS on Alibaba Cloud
   */
  readonly secretStore?: SecretStore;
  /**
   * The store of a provider's key, by the provider's name.
   * @default - `secretStore` for all
   * @example { anthropic: new VaultStore({ address: "https://vault.internal:8200", auth: VaultAuth.aws() }) }
   */
  readonly secretStores?: Readonly<Record<string, SecretStore>>;
  /** @default "runner" */
  readonly mintSecrets?: SecretMinting;
}

/** Which secrets a gateway has. */
export interface LlmSecretsProps extends SecretStoresProps {
  readonly platform: GatewayPlatform;
  /** The gateway's name; every secret that is not named otherwise lies under `<name>/`. */
  readonly name: string;
  readonly providers: ProvidersProps;
  /** @default - no database: the secrets serve something else than nodes of a gateway */
  readonly database?: IDatabase;
  /** @default - no Redis */
  readonly redis?: IRedis;
  /**
   * The key of the secrets in `secretStore`.
   * @default - a key of its own, rotated every year
   */
  readonly encryptionKey?: IEncryptionKey;
  /**
   * What becomes of the key and the secrets when the stack is destroyed; without the key every secret is lost.
   * @default "retain"
   */
  readonly removal?: Removal;
}

/**
 * The secrets of a gateway, by name, the stores that they lie in, and the key that encrypts them.
 *
 * Terraform never knows a value: who sets it does so in the store itself. A provider's secret is the bare key, but for
 * Azure's service principal and the database, whose secrets are JSON objects.
 * @throws ConfigError when a provider is wrong, or a name is not one that the store takes
 */
export class LlmSecrets extends Construct implements IGatewayPart<"secrets"> {
  public readonly part = "secrets";
  /** The secrets whose values a node puts into its process: the providers' keys and the gateway's own. */
  public readonly secrets: readonly SecretSpec[];
  /** The secret that holds the database's password; undefined without a database. */
  public readonly databaseSecret?: SecretSpec;
  /** The secret that is the password of Redis; undefined without one. */
  public readonly redisSecret?: SecretSpec;
  /** The key that encrypts the secrets of the first store; undefined where the store has none of ours. */
  public readonly key?: SecretKey;
  /** The secret with which keys are minted; only the gateway's nodes and those who provision agents read it. */
  public readonly masterKey: SecretSpec;
  /** The store of all secrets that no other store is named for. */
  public readonly store: SecretStore;
  /** What must be there before the master key is used: the secrets, and with `mintSecrets: "runner"` the gateway's own values. */
  public readonly ready: readonly ITerraformDependable[];

  /** What the command must know of these secrets, as JSON; an expression of Terraform's. */
  public readonly document: string;

  private readonly gatewayName: string;
  private readonly removal: Removal;
  private readonly keys = new Map<SecretStore, SecretKey | undefined>();
  private readonly readers: IAccessRole[] = [];

  constructor(scope: Construct, id: string, props: LlmSecretsProps) {
    super(scope, id);
    ConfigError.throwIfAny(this, llmSecretsProblems(props));
    props.platform.bind(this);
    this.gatewayName = props.name;
    this.removal = props.removal ?? "retain";
    this.store = defaultStore(props);
    this.secrets = secretSpecs(props);
    this.databaseSecret = connectionSecret(props, "database", props.database);
    this.redisSecret = connectionSecret(props, "redis", props.redis);
    this.masterKey = this.secrets.find((secret) => secret.name === ownName(props, "master-key"))!;
    this.stores.forEach((store, index) => this.keys.set(store, this.keyOf(store, index, props)));
    this.key = this.keys.get(this.store);
    const declared = this.stores.flatMap((store, index) => [...this.declare(store, index).values()]);
    // Where the command finds it, in what is synthesized.
    const document = new TerraformLocal(this, "Document", terraformJson(secretsDocument(props.name, this.all)));
    this.document = document.asString;
    this.ready = props.mintSecrets === "none" ? declared : [this.mint(declared)];
  }

  /** All secrets that a node reads, each once. */
  public get all(): readonly SecretSpec[] {
    const specs = [...this.secrets, this.databaseSecret, this.redisSecret].filter((spec) => spec !== undefined);
    return specs.filter((spec, index) => specs.findIndex((other) => isSame(other, spec)) === index);
  }

  /** The names of all secrets that a node reads. */
  public get names(): readonly string[] {
    return [...new Set(this.all.map(({ name }) => name))];
  }

  /** The stores in use, the default one first. */
  public get stores(): readonly SecretStore[] {
    return [...new Set([this.store, ...this.all.map(({ store }) => store)])];
  }

  /** Declares secrets of the gateway that its nodes do not read, beside these: in the default store, encrypted by the same key. */
  public declareFurther(
    scope: Construct,
    id: string,
    further: Pick<DeclaredSecretsSpec, "secrets" | "readers">,
  ): ReadonlyMap<string, ITerraformDependable> {
    const { gatewayName: gateway, key, removal } = this;
    return further.secrets.length === 0 ? new Map() : this.store.declare(scope, id, { ...further, gateway, key, removal, isFurther: true });
  }

  /** Lets a role read secrets of the default store by their names, and no other. */
  public grantReadOf(scope: Construct, id: string, names: readonly string[], reader: IAccessRole): void {
    this.store.grantRead(scope, id, { gateway: this.gatewayName, names, key: this.key, reader });
  }

  /** Lets a role that reads these secrets write all those of the default store that lie below a name of the gateway's, and no other. */
  public grantWriteBelow(scope: Construct, id: string, folder: string, writer: IAccessRole): void {
    const { gatewayName: gateway, key } = this;
    this.store.grantWrite(scope, id, { gateway, below: `${gateway}/${folder}/`, key, writer });
  }

  /** Lets a role read all of these secrets, and no other. */
  public grantRead(reader: IAccessRole): void {
    this.readers.push(reader);
    this.stores.forEach((store, index) => {
      const names = this.all.filter((spec) => spec.store === store).map(({ name }) => name);
      store.grantRead(this, numbered(`Read-${reader.node.id}`, index), {
        gateway: this.gatewayName,
        names,
        key: this.keys.get(store),
        reader,
      });
    });
  }

  /** Values that are missing are told, and fail nothing: nodes wait for them, and so may be put after the apply. */
  private mint(declared: readonly ITerraformDependable[]): CommandRun {
    // With credentials of another account nothing is made there: the key is not that account's.
    const key = this.key === undefined ? [] : ["--encryption-key", this.key.id];
    return new CommandRun(this, "Minted", {
      words: ["secrets", "ensure", ...key, "--allow-missing"],
      environment: { AIGW_SECRETS: this.document },
      triggers: { document: Fn.sha256(this.document) },
      dependsOn: declared,
    });
  }

  private keyOf(store: SecretStore, index: number, props: LlmSecretsProps): SecretKey | undefined {
    if (store === this.store && props.encryptionKey !== undefined) return props.encryptionKey;
    return store.key(this, numbered("Key", index), { name: props.name, removal: props.removal ?? "retain" });
  }

  private declare(store: SecretStore, index: number): ReadonlyMap<string, ITerraformDependable> {
    const own = this.all.filter((spec) => spec.store === store && spec.name.startsWith(`${this.gatewayName}/`));
    return store.declare(this, numbered("Secrets", index), {
      gateway: this.gatewayName,
      secrets: own,
      key: this.keys.get(store),
      removal: this.removal,
      readers: () => this.readers,
    });
  }
}

/** All that is wrong with the secrets of a gateway. */
export function llmSecretsProblems(props: LlmSecretsProps): string[] {
  const values = handedOverValueProblems("", props);
  if (values.length > 0) return values;
  const names = props.platform.problems({ name: props.name });
  if (names.length > 0) return names;
  const problems = providersProblems(props.providers);
  if (problems.length > 0) return problems;
  const providers = providerModels(props.providers);
  const named: [string, SecretStore, string | undefined][] = [
    ...providers.map((provider): [string, SecretStore, string | undefined] => [
      `providers.${provider.name}.secretName`,
      storeOf(props, provider.name),
      provider.props.secretName,
    ]),
    ["database.secretName", defaultStore(props), props.database?.secretName],
    ["redis.secretName", defaultStore(props), props.redis?.secretName],
  ];
  const key = props.encryptionKey;
  return [
    ...storeNameProblems(props, providers),
    ...loginProblems(props),
    ...(key === undefined ? [] : defaultStore(props).keyProblems("encryptionKey", key.id)),
    ...named.flatMap(([prop, store, name]) => (name === undefined ? [] : store.nameProblems(prop, name))),
  ];
}

function storeNameProblems({ secretStores }: LlmSecretsProps, providers: readonly ProviderModel[]): string[] {
  const withSecret = providers.filter(({ credentialFields }) => credentialFields.length > 0).map(({ name }) => name);
  return Object.keys(secretStores ?? {})
    .filter((name) => !withSecret.includes(name))
    .map((name) => `secretStores.${name}: ${unknownName(name, "a provider with a key", withSecret)}`);
}

/** A node logs in to Vault with the role of its own cloud. */
function loginProblems({ secretStore, secretStores, platform, name }: LlmSecretsProps): string[] {
  const given: [string, SecretStore | undefined][] = [
    ["secretStore", secretStore],
    ...Object.entries(secretStores ?? {}).map(([provider, store]): [string, SecretStore] => [`secretStores.${provider}`, store]),
  ];
  return given.flatMap(([prop, store]) => {
    const settings = store?.settings(name);
    if (settings?.kind !== "vault" || settings.auth.method === platform.cloud) return [];
    return [`${prop}: VaultAuth.${settings.auth.method}() is not for a gateway on ${platform.cloud}; use VaultAuth.${platform.cloud}()`];
  });
}

/** The secrets that a gateway needs and that are not among these. */
export function missingSecretProblems(secrets: LlmSecrets, needs: LlmSecretsProps): string[] {
  const needed = [
    ...secretSpecs(needs),
    connectionSecret(needs, "database", needs.database),
    connectionSecret(needs, "redis", needs.redis),
  ];
  return needed
    .filter((spec) => spec !== undefined)
    .filter(({ name }) => !secrets.names.includes(name))
    .map(({ name }) => `secrets: ${JSON.stringify(name)} is not among them; give LlmSecrets the same name, providers, database and redis`);
}

function secretSpecs(props: LlmSecretsProps): SecretSpec[] {
  const own = (name: string, purpose: string, environment: string): SecretSpec => ({
    ...at(props, ownName(props, name), purpose, "gateway"),
    takenAtStart: true,
    fields: [{ environment }],
  });
  return [
    ...providerModels(props.providers)
      .filter((provider) => provider.credentialFields.length > 0)
      .map((provider) => providerSecret(props, provider)),
    own("master-key", "mints the agents' keys", "LITELLM_MASTER_KEY"),
    own("salt-key", "encrypts what LiteLLM stores; never to be changed", "LITELLM_SALT_KEY"),
  ];
}

function providerSecret(props: LlmSecretsProps, provider: ProviderModel): SecretSpec {
  const fields = provider.credentialFields;
  const isBare = fields.length === 1;
  return {
    ...at(props, provider.props.secretName ?? ownName(props, provider.name), `the key of provider ${provider.name}`, "user"),
    takenAtStart: false,
    store: storeOf(props, provider.name),
    fields: fields.map((field) => ({ field: isBare ? undefined : field, environment: credentialVariable(provider.name, field) })),
  };
}

function connectionSecret(
  props: LlmSecretsProps,
  service: keyof typeof CONNECTIONS,
  connection: { readonly secretName?: string; readonly secretField?: string } | undefined,
): SecretSpec | undefined {
  if (connection === undefined) return undefined;
  const { what, environment } = CONNECTIONS[service];
  return {
    ...at(props, connection.secretName ?? ownName(props, service), `the password of ${what}`, "user"),
    takenAtStart: true,
    fields: [{ field: connection.secretField || undefined, environment }],
  };
}

const CONNECTIONS = {
  database: { what: "the database", environment: "DATABASE_URL" },
  redis: { what: "Redis", environment: "REDIS_PASSWORD" },
} as const;

/** A secret in the default store. */
function at(props: LlmSecretsProps, name: string, purpose: string, owner: SecretOwner): Omit<SecretSpec, "fields" | "takenAtStart"> {
  return { name, purpose, owner, store: defaultStore(props) };
}

function defaultStore({ secretStore, platform }: LlmSecretsProps): SecretStore {
  return secretStore ?? platform.secretStore;
}

function storeOf(props: LlmSecretsProps, provider: string): SecretStore {
  return props.secretStores?.[provider] ?? defaultStore(props);
}

function ownName(props: LlmSecretsProps, what: string): string {
  return `${props.name}/${what}`;
}

function isSame(one: SecretSpec, other: SecretSpec): boolean {
  return one.store === other.store && one.name === other.name;
}

/** The first bears no number, so that a second store moves nothing. */
function numbered(id: string, index: number): string {
  return index === 0 ? id : `${id}${index + 1}`;
}
