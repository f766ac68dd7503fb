import { Construct } from "constructs";
import { IAccessRole } from "./access";
import { IDatabase, IRedis } from "./backing-services";
import { ConfigError } from "./errors";
import { ProvidersProps } from "./litellm";
import { credentialVariable } from "./litellm/config-yaml";
import { ProviderModel, providerModels, providersProblems } from "./litellm/providers";
import { GatewayPlatform, IGatewayPart } from "./platform";
import { Removal, SecretKey, SecretSpec } from "./secret-store";

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
  /** All secrets that a node reads. */
  public readonly secrets: readonly SecretSpec[];
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
    this.masterKey = this.secrets.find((secret) => secret.name === ownName(props, "master-key"))!;
    this.key = props.encryptionKey ?? props.platform.secretStore.key(this, "Key", { name: props.name, removal: props.removal ?? "retain" });
  }

  /** Lets a role read all of these secrets, and no other. */
  public grantRead(reader: IAccessRole): void {
    const names = this.secrets.map((secret) => secret.name);
    this.platform.secretStore.readStatements(this, names, this.key).forEach((statement) => reader.allow(statement));
  }
}

/** All that is wrong with the secrets of a gateway. */
export function llmSecretsProblems(props: LlmSecretsProps): string[] {
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
  return named.flatMap(([prop, name]) => (name === undefined ? [] : store.nameProblems(prop, name)));
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
    ...(props.database === undefined ? [] : [databaseSecret(props, props.database)]),
    ...(props.redis === undefined ? [] : [redisSecret(props, props.redis)]),
  ];
}

function providerSecret(props: LlmSecretsProps, provider: ProviderModel): SecretSpec {
  const fields = provider.credentialFields;
  const isBare = fields.length === 1;
  return {
    name: provider.props.secretName ?? ownName(props, provider.name),
    purpose: `the key of provider ${provider.name}`,
    fields: fields.map((field) => ({ field: isBare ? undefined : field, environment: credentialVariable(provider.name, field) })),
    credential: provider.name,
  };
}

function databaseSecret(props: LlmSecretsProps, database: IDatabase): SecretSpec {
  return {
    name: database.secretName ?? ownName(props, "database"),
    purpose: "the database's user and password",
    fields: [
      { field: "username", environment: "AIGW_DATABASE_USERNAME" },
      { field: "password", environment: "AIGW_DATABASE_PASSWORD" },
    ],
  };
}

function redisSecret(props: LlmSecretsProps, redis: IRedis): SecretSpec {
  return {
    name: redis.secretName ?? ownName(props, "redis"),
    purpose: "the password of Redis",
    fields: [{ environment: "REDIS_PASSWORD" }],
  };
}

function ownName(props: LlmSecretsProps, what: string): string {
  return `${props.name}/${what}`;
}
