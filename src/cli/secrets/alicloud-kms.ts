import { randomBytes } from "node:crypto";
import { CommandError } from "../command-error";
import { AlicloudApi } from "./alicloud-api";
import { notMadeHere, ofAnotherAccount } from "./secret-arn";
import { NewSecretOptions, SecretValue, SecretVersion, Stage, StoreClient, StoredSecret, versionAt } from "./store-client";
import { failureCode, StoreError } from "./store-error";

const LABELS = { current: "ACSCurrent", previous: "ACSPrevious" } as const;
const KMS_VERSION = "2016-01-20";
const PAGE = 100;

interface ListedVersion {
  readonly VersionId: string;
  readonly CreateTime?: string;
  readonly VersionStages?: { readonly VersionStage?: readonly string[] };
}

interface ReadVersion extends ListedVersion {
  readonly SecretData: string;
  readonly SecretDataType?: string;
}

/**
 * Secrets of Alibaba Cloud KMS, entered with the credentials that the vendor's CLI would find.
 * `AIGW_KMS_ENDPOINT` names another endpoint, such as `kms-vpc.<region>.aliyuncs.com` inside a VPC.
 */
export class AlicloudKms implements StoreClient {
  private readonly kms: AlicloudApi;

  constructor(
    private readonly region: string,
    private readonly options: NewSecretOptions,
  ) {
    this.kms = new AlicloudApi({ version: KMS_VERSION, endpoint: process.env.AIGW_KMS_ENDPOINT || `kms.${region}.aliyuncs.com` });
  }

  public async versions(secret: StoredSecret): Promise<readonly SecretVersion[] | undefined> {
    return this.asked(secret, "DescribeSecret", async () => {
      const described = await orAbsent(this.kms.call<{ PlannedDeleteTime?: string }>("DescribeSecret", { SecretName: secret.name }));
      if (described === undefined) return undefined;
      if (described.PlannedDeleteTime) throw this.deleted(secret, "PlannedDeleteTime");
      return (await this.listed(secret.name)).map(secretVersion);
    });
  }

  public async read(secret: StoredSecret, stage: Stage): Promise<SecretValue | undefined> {
    return this.asked(secret, "GetSecretValue", async () => {
      const reply = await orAbsent(
        this.kms.call<ReadVersion>("GetSecretValue", {
          SecretName: secret.name,
          VersionStage: LABELS[stage],
        }),
      );
      if (reply === undefined || stageOf(reply) !== stage) return undefined;
      if (reply.SecretDataType === "binary") throw new CommandError(`${secret.name}: the value is binary, a text is needed`);
      return { text: reply.SecretData, version: reply.VersionId };
    });
  }

  public async put(secret: StoredSecret, text: string): Promise<string> {
    const version = `${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}-${randomBytes(4).toString("hex")}`;
    return this.asked(secret, "PutSecretValue", () => this.write(secret, text, version));
  }

  public async putFirst(secret: StoredSecret, text: string): Promise<boolean> {
    if (versionAt(await this.versions(secret), "current") !== undefined) return false;
    return this.asked(secret, "PutSecretValue", async () => {
      try {
        // Two that mint at once name the same version with different values: the store takes the first and refuses the second.
        await this.write(secret, text, "first");
        return true;
      } catch (error) {
        if (EXISTS.test(failureCode(error))) return false;
        throw error;
      }
    });
  }

  /** Writes the previous value once more: moving the stages by hand would be two steps. */
  public async restorePrevious(secret: StoredSecret): Promise<string> {
    const previous = versionAt(await this.versions(secret), "previous");
    const value = previous === undefined ? undefined : await this.read(secret, "previous");
    if (value === undefined) throw new CommandError(`${secret.name}: there is no previous version`);
    return this.put(secret, value.text);
  }

  /** KMS never takes ACSPrevious away, it only moves it: to the current version, so that the previous one is of no stage. */
  public async dropPrevious(secret: StoredSecret): Promise<void> {
    const versions = await this.versions(secret);
    const [current, previous] = [versionAt(versions, "current"), versionAt(versions, "previous")];
    if (previous === undefined) return;
    await this.asked(secret, "UpdateSecretVersionStage", () =>
      this.kms.call("UpdateSecretVersionStage", {
        SecretName: secret.name,
        VersionStage: LABELS.previous,
        RemoveFromVersion: previous.id,
        MoveToVersion: current?.id,
      }),
    );
  }

  private async write(secret: StoredSecret, text: string, version: string): Promise<string> {
    const value = { SecretName: secret.name, SecretData: text, SecretDataType: "text", VersionId: version };
    const put = await orAbsent(this.kms.call("PutSecretValue", value));
    if (put !== undefined) return version;
    const foreign = notMadeHere(secret.name);
    if (foreign !== undefined) throw this.error(secret, "Forbidden.ResourceNotFound", foreign);
    const key = await this.key();
    await this.kms.call("CreateSecret", {
      ...value,
      Description: `LLM gateway ${this.options.gateway}: ${secret.purpose}`,
      EncryptionKeyId: key.id,
      DKMSInstanceId: key.instance,
    });
    return version;
  }

  /** The gateway's own key, once the stack has made it; a secret of a KMS instance needs a key of the same one. */
  private async key(): Promise<{ id?: string; instance?: string }> {
    const { gateway, encryptionKey, kmsInstance } = this.options;
    const asked = this.kms.call<{ KeyMetadata: { KeyId: string; DKMSInstanceId?: string } }>("DescribeKey", {
      KeyId: encryptionKey ?? `alias/${gateway}`,
    });
    const found = encryptionKey === undefined ? await orAbsent(asked) : await asked;
    return { id: found?.KeyMetadata.KeyId, instance: kmsInstance ?? (found?.KeyMetadata.DKMSInstanceId || undefined) };
  }

  private async listed(name: string): Promise<ListedVersion[]> {
    const versions: ListedVersion[] = [];
    for (let page = 1, total = 1; versions.length < total; page += 1) {
      const reply = await this.kms.call<{ TotalCount: number; VersionIds: { VersionId: ListedVersion[] } }>("ListSecretVersionIds", {
        SecretName: name,
        IncludeDeprecated: "true",
        PageNumber: String(page),
        PageSize: String(PAGE),
      });
      versions.push(...reply.VersionIds.VersionId);
      total = reply.VersionIds.VersionId.length < PAGE ? 0 : reply.TotalCount;
    }
    return versions;
  }

  /** Says what failed without the service's words, which may repeat what was sent. */
  private async asked<T>(secret: StoredSecret, action: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof StoreError || error instanceof CommandError) throw error;
      const code = failureCode(error);
      if (/DeleteWindow|PendingDeletion/i.test(code)) throw this.deleted(secret, code);
      const what = advice(code, action);
      throw this.error(secret, code, NO_PERMISSION.test(code) ? `${what}${ofAnotherAccount(secret.name)}` : what);
    }
  }

  private error(secret: StoredSecret, code: string, what?: string): StoreError {
    return new StoreError(secret.name, `KMS in ${this.region}`, code, what);
  }

  private deleted(secret: StoredSecret, code: string): StoreError {
    return this.error(
      secret,
      code,
      `it is scheduled for deletion; bring it back with: aliyun kms RestoreSecret --RegionId ${this.region} --SecretName ${secret.name}`,
    );
  }
}

const ABSENT = /^Forbidden\.(Resource|Secret|Alias|Key)NotFound$|^EntityNotExist/;
const EXISTS = /ResourceExist/;
const NO_PERMISSION = /^(Forbidden|NoPermission)(\.|$)/;

async function orAbsent<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (ABSENT.test(failureCode(error))) return undefined;
    throw error;
  }
}

function secretVersion(version: ListedVersion): SecretVersion {
  const { VersionId: id, CreateTime: made } = version;
  return { id, made: made === undefined ? undefined : new Date(made), stage: stageOf(version) };
}

/** Both are on the current version once the previous one is retired. */
function stageOf({ VersionStages }: ListedVersion): Stage | undefined {
  const labels = VersionStages?.VersionStage ?? [];
  return (["current", "previous"] as const).find((stage) => labels.includes(LABELS[stage]));
}

function advice(code: string, action: string): string | undefined {
  const known: readonly (readonly [RegExp, string])[] = [
    [/Instance|EncryptionKey|KeyNotFound|UnsupportedOperation/i, KEYS],
    [
      NO_PERMISSION,
      `no permission; the caller needs kms:${action} on the secret, and to create one kms:CreateSecret, and kms:DescribeKey and kms:GenerateDataKey on its key`,
    ],
    [/LimitExceeded/, "the account's quota of secrets is used up"],
    [/Throttling|QpsLimit/i, "throttled, also after three more tries; run it again later"],
    [
      /AccessKey|Signature|SecurityToken|InvalidToken|Credential/i,
      "the credentials are not good; they are looked for where the aliyun CLI looks (ALIBABA_CLOUD_ACCESS_KEY_ID, a profile, a role)",
    ],
    [/ENOTFOUND/, "there is no such host; is the region right?"],
    [/ECONNREFUSED/, "nothing answers there; is AIGW_KMS_ENDPOINT set?"],
    [/Timeout/i, "no answer in time"],
  ];
  return known.find(([pattern]) => pattern.test(code))?.[1];
}

const KEYS =
  "a secret and its key must be in the same KMS instance; name both with --kms-instance and --encryption-key, or apply the stack first, whose key is then found by its alias";
