import { Construct } from "constructs";
import { IAccessRole } from "./access";
import { IDatabase, IRedis } from "./backing-services";
import { ConfigError } from "./errors";
import { ProvidersProps } from "./litellm";
import { credentialVariable } from "./litellm/config-yaml";
import { ProviderModel, providerModels, providersProblems } from "./litellm/providers";
import { GatewayPlatform, IGatewayPart } from "./platform";
import { Removal } from "./removal";
import { SecretKey, SecretSpec } from "./secret-store";

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

/** Which secrets a gateway has. */
export interface LlmSecretsProps {
  readonly platform: GatewayPlatform;
  /** The gateway's name; every secret that is not named otherwise lies under `<name>/`. */
  readonly name: string;
  readonly providers: ProvidersProps;
  /** @default - no database: the secrets serve something else than nodes of a gateway */
  readonly database?: IDatabase;
  /** @default - no Redis */
  readonly redis?: IRedis;
  /** @default - a key of its own, rotated every year */
  readonly encryptionKey?: IEncryptionKey;
  /**
   * What becomes of the key when the stack is destroyed; without the key every secret is lost.
   * @default "retain"
   */
  readonly removal?: Removal;
}

/**
 * The secrets of a gateway, by name, and the key that encrypts them.
 *
 * Terraform never knows a value: who sets it does so in the store itself. A provider's secret is the bare key, but for
 * Azure's service principal and the database, whose secrets are JSON objects.
 * @throws ConfigError when a provider is wrong, or a name is not one that the store takes
 */
export class LlmSecrets extends Construct implements IGatewayPart<"secrets"> {
  public readonly part = "secrets";
  /** The secrets whose values a node puts into its process: the providers' keys and the gateway's own. */
  public readonly secrets: readonly SecretSpec[];
  /** The name of the secret that holds the database's password; undefined without a database. */
  public readonly databaseSecretName?: string;
  /** The name of the secret that is the password of Redis; undefined without one. */
  public readonly redisSecretName?: string;
  /** The key that encrypts them. */
  public readonly key: SecretKey;
  /** The secret with which keys are minted; only the gateway's nodes and those who provision agents read it. */
  public readonly masterKey: SecretSpec;

  private readonly platform: GatewayPlatform;

  constructor(scope: Construct, id: string, props: LlmSecretsProps) {
    super(scope, id);
    ConfigError.throwIfAny(this, llmSecretsProblems(props));
    props.platform.bind(this);
    this.platform = props.platform;
    this.secrets = secretSpecs(props);
    this.databaseSecretName = props.database && (props.database.secretName ?? ownName(props, "database"));
    this.redisSecretName = props.redis && (props.redis.secretName ?? ownName(props, "redis"));
    this.masterKey = this.secrets.find((secret) => secret.name === ownName(props, "master-key"))!;
    this.key = props.encryptionKey ?? props.platform.secretStore.key(this, "Key", { name: props.name, removal: props.removal ?? "retain" });
  }

  /** The names of all secrets that a node reads. */
  public get names(): readonly string[] {
    const connections = [this.databaseSecretName, this.redisSecretName].filter((name) => name !== undefined);
    return [...new Set([...this.secrets.map((secret) => secret.name), ...connections])];
  }

  /** Lets a role read all of these secrets, and no other. */
  public grantRead(reader: IAccessRole): void {
    this.platform.secretStore.readStatements(this, this.names, this.key).forEach((statement) => reader.allow(statement));
  }
}

/** All that is wrong with the secrets of a gateway. */
export function llmSecretsProblems(props: LlmSecretsProps): string[] {
  const names = props.platform.problems({ name: props.name });
  if (names.length > 0) return names;
  const problems = providersProblems(props.providers);
  if (problems.length > 0) return problems;
  const store = props.platform.secretStore;
  const named: [string, string | undefined][] = [
    ...providerModels(props.providers).map((provider): [string, string | undefined] => [
      `providers.${provider.name}.secretName`,
      provider.props.secretName,
    ]),
    ["database.secretName", props.database?.secretName],
    ["redis.secretName", props.redis?.secretName],
  ];
  const key = props.encryptionKey;
  return [
    ...(key === undefined ? [] : store.keyProblems("encryptionKey", key.id)),
    ...named.flatMap(([prop, name]) => (name === undefined ? [] : store.nameProblems(prop, name))),
  ];
}

/** The secrets that a gateway needs and that are not among these. */
export function missingSecretProblems(secrets: LlmSecrets, needs: LlmSecretsProps): string[] {
  const needed = [
    ...secretSpecs(needs).map(({ name }) => name),
    needs.database && (needs.database.secretName ?? ownName(needs, "database")),
    needs.redis && (needs.redis.secretName ?? ownName(needs, "redis")),
  ];
  return needed
    .filter((name) => name !== undefined)
    .filter((name) => !secrets.names.includes(name))
    .map((name) => `secrets: ${JSON.stringify(name)} is not among them; give LlmSecrets the same name, providers, database and redis`);
}

function secretSpecs(props: LlmSecretsProps): SecretSpec[] {
  return [
    ...providerModels(props.providers)
      .filter((provider) => provider.credentialFields.length > 0)
      .map((provider) => providerSecret(props, provider)),
    { name: ownName(props, "master-key"), purpose: "mints the agents' keys", fields: [{ environment: "LITELLM_MASTER_KEY" }] },
    {
      name: ownName(props, "salt-key"),
      purpose: "encrypts what LiteLLM stores; never to be changed",
      fields: [{ environment: "LITELLM_SALT_KEY" }],
    },
  ];
}

function providerSecret(props: LlmSecretsProps, provider: ProviderModel): SecretSpec {
  const fields = provider.credentialFields;
  const isBare = fields.length === 1;
  return {
    name: provider.props.secretName ?? ownName(props, provider.name),
    purpose: `the key of provider ${provider.name}`,
    fields: fields.map((field) => ({ field: isBare ? undefined : field, environment: credentialVariable(provider.name, field) })),
  };
}

function ownName(props: LlmSecretsProps, what: string): string {
  return `${props.name}/${what}`;
}
