import { createHash } from "node:crypto";
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  SecretVersionsListEntry,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { CommandError } from "../command-error";
import { awsClientConfig } from "./aws-client-config";
import { notMadeHere, ofAnotherAccount } from "./secret-arn";
import { NewSecretOptions, SecretValue, SecretVersion, Stage, StoreClient, StoredSecret, versionAt } from "./store-client";
import { failureCode, StoreError } from "./store-error";

const LABELS = { current: "AWSCURRENT", previous: "AWSPREVIOUS" } as const;

/** AWS Secrets Manager, entered with the credentials that the AWS CLI would find. */
export class AwsSecretsManager implements StoreClient {
  private readonly client: SecretsManagerClient;

  constructor(
    private readonly region: string,
    private readonly options: NewSecretOptions,
  ) {
    this.client = new SecretsManagerClient(awsClientConfig(region));
  }

  public async versions(secret: StoredSecret): Promise<readonly SecretVersion[] | undefined> {
    return this.asked(secret, "DescribeSecret", async () => {
      const described = await orAbsent(this.client.send(new DescribeSecretCommand({ SecretId: secret.name })));
      if (described === undefined) return undefined;
      if (described.DeletedDate !== undefined) throw this.deleted(secret, "DeletedDate");
      return (await this.listed(secret.name)).map(secretVersion);
    });
  }

  public async read(secret: StoredSecret, stage: Stage): Promise<SecretValue | undefined> {
    return this.asked(secret, "GetSecretValue", async () => {
      const reply = await orAbsent(this.client.send(new GetSecretValueCommand({ SecretId: secret.name, VersionStage: LABELS[stage] })));
      if (reply === undefined) return undefined;
      if (reply.SecretString === undefined) throw new CommandError(`${secret.name}: the value is binary, a text is needed`);
      return { text: reply.SecretString, version: reply.VersionId! };
    });
  }

  public async put(secret: StoredSecret, text: string): Promise<string> {
    return this.asked(secret, "PutSecretValue", async () => {
      const put = await orAbsent(this.client.send(new PutSecretValueCommand({ SecretId: secret.name, SecretString: text })));
      return put?.VersionId ?? (await this.create(secret, text));
    });
  }

  public async putFirst(secret: StoredSecret, text: string): Promise<boolean> {
    if (versionAt(await this.versions(secret), "current") !== undefined) return false;
    return this.asked(secret, "PutSecretValue", async () => {
      // Two that mint at once send the same token with different values: the store takes the first and refuses the second.
      const token = createHash("sha256").update(`first value of ${secret.name}`).digest("hex");
      try {
        const put = await orAbsent(
          this.client.send(new PutSecretValueCommand({ SecretId: secret.name, SecretString: text, ClientRequestToken: token })),
        );
        if (put === undefined) await this.create(secret, text, token);
        return true;
      } catch (error) {
        if (failureCode(error) === "ResourceExistsException") return false;
        throw error;
      }
    });
  }

  public async restorePrevious(secret: StoredSecret): Promise<string> {
    const versions = await this.versions(secret);
    const [current, previous] = [versionAt(versions, "current"), versionAt(versions, "previous")];
    if (previous === undefined) throw new CommandError(`${secret.name}: there is no previous version`);
    return this.asked(secret, "UpdateSecretVersionStage", async () => {
      // The store moves AWSPREVIOUS along.
      await this.client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: secret.name,
          VersionStage: LABELS.current,
          RemoveFromVersionId: current?.id,
          MoveToVersionId: previous.id,
        }),
      );
      return previous.id;
    });
  }

  public async dropPrevious(secret: StoredSecret): Promise<void> {
    const previous = versionAt(await this.versions(secret), "previous");
    if (previous === undefined) return;
    await this.asked(secret, "UpdateSecretVersionStage", () =>
      this.client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: secret.name,
          VersionStage: LABELS.previous,
          RemoveFromVersionId: previous.id,
        }),
      ),
    );
  }

  private async create(secret: StoredSecret, text: string, token?: string): Promise<string> {
    const foreign = notMadeHere(secret.name);
    if (foreign !== undefined) throw this.error(secret, "ResourceNotFoundException", foreign);
    const made = await this.client.send(
      new CreateSecretCommand({
        Name: secret.name,
        Description: `LLM gateway ${this.options.gateway}: ${secret.purpose}`,
        KmsKeyId: this.options.encryptionKey,
        SecretString: text,
        ClientRequestToken: token,
      }),
    );
    return made.VersionId!;
  }

  private async listed(name: string): Promise<SecretVersionsListEntry[]> {
    const versions: SecretVersionsListEntry[] = [];
    let next: string | undefined;
    do {
      const page = await this.client.send(new ListSecretVersionIdsCommand({ SecretId: name, IncludeDeprecated: true, NextToken: next }));
      versions.push(...(page.Versions ?? []));
      next = page.NextToken === "" ? undefined : page.NextToken;
    } while (next !== undefined);
    return versions;
  }

  /** Says what failed without the SDK's words, which may repeat what was sent. */
  private async asked<T>(secret: StoredSecret, action: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof StoreError || error instanceof CommandError) throw error;
      const code = failureCode(error);
      const message = error instanceof Error ? error.message : "";
      if (code === "InvalidRequestException" && /delet/i.test(message)) throw this.deleted(secret, code);
      const what = advice(code, action);
      throw this.error(secret, code, code === "AccessDeniedException" ? `${what}${ofAnotherAccount(secret.name)}` : what);
    }
  }

  private error(secret: StoredSecret, code: string, what?: string): StoreError {
    return new StoreError(secret.name, `Secrets Manager in ${this.region}`, code, what);
  }

  private deleted(secret: StoredSecret, code: string): StoreError {
    return this.error(
      secret,
      code,
      `it is scheduled for deletion; bring it back with: aws secretsmanager restore-secret --region ${this.region} --secret-id ${secret.name}`,
    );
  }
}

async function orAbsent<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (failureCode(error) === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

function secretVersion({ VersionId, CreatedDate, VersionStages = [] }: SecretVersionsListEntry): SecretVersion {
  const stage = (["current", "previous"] as const).find((name) => VersionStages.includes(LABELS[name]));
  return { id: VersionId!, made: CreatedDate, stage };
}

function advice(code: string, action: string): string | undefined {
  const known: Readonly<Record<string, string>> = {
    AccessDeniedException: `no permission; the caller needs secretsmanager:${action} on the secret, and its key where it has one of its own`,
    ThrottlingException: "throttled, also after three more tries; run it again later",
    ResourceNotFoundException: "no such secret, or no such key",
    DecryptionFailure: "its key can not be used; is the key disabled, or of another account or region?",
    EncryptionFailure: "its key can not be used; is the key disabled, or of another account or region?",
    LimitExceededException: "it has too many versions within the last day, or the account too many secrets",
    UnrecognizedClientException: NO_CREDENTIALS,
    InvalidSignatureException: NO_CREDENTIALS,
    InvalidClientTokenId: NO_CREDENTIALS,
    SignatureDoesNotMatch: NO_CREDENTIALS,
    ExpiredTokenException: "the credentials have ended; log in again",
    CredentialsProviderError:
      "no credentials were found; they are looked for where the AWS CLI looks (AWS_PROFILE, AWS_ACCESS_KEY_ID, ...)",
    ENOTFOUND: "there is no such host; is the region right?",
    ECONNREFUSED: "nothing answers there; is AWS_ENDPOINT_URL set?",
    TimeoutError: "no answer in time",
  };
  return known[code];
}

const NO_CREDENTIALS = "the credentials are not good for this account and region";
