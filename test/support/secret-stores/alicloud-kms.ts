import { AlicloudAccount } from "./alicloud-account";
import { Answer, Asked, Double, Refused } from "./server";

interface Version {
  readonly id: string;
  readonly text: string;
  readonly made: Date;
  readonly stages: Set<string>;
}

interface Secret {
  readonly versions: Version[];
  readonly key?: string;
  readonly instance?: string;
  leaves?: Date;
}

const CURRENT = "ACSCurrent";
const PREVIOUS = "ACSPrevious";
const SYSTEM_STAGES = [CURRENT, PREVIOUS];
const MOST_VERSIONS = 10;

/**
 * The secrets of Alibaba Cloud KMS, with every check on: signature (ACS3-HMAC-SHA256), skew, used nonces, names of stages,
 * version ids that are taken, keys of other instances, secrets that are about to be deleted.
 * @see https://www.alibabacloud.com/help/en/kms/key-management-service/developer-reference/api-kms-2016-01-20-updatesecretversionstage
 */
export class KmsDouble extends Double {
  public readonly secrets = new Map<string, Secret>();
  /** The id and the instance of each key, by id or alias. */
  public readonly keys = new Map<string, { readonly id: string; readonly instance?: string }>();
  /** Keys that are made by others than the test, asked for at each call. */
  public madeElsewhere: () => readonly { readonly id: string; readonly instance?: string }[] = () => [];
  /** Actions that the caller's policy does not allow. */
  public readonly denied = new Set<string>();
  /** So many calls are answered with Rejected.Throttling. */
  public throttled = 0;

  constructor(private readonly account = new AlicloudAccount()) {
    super();
  }

  public get accessKeyId(): string {
    return this.account.accessKeyId;
  }

  public get accessKeySecret(): string {
    return this.account.accessKeySecret;
  }

  /** What the caller's environment must be. */
  public get environment(): Record<string, string> {
    return this.account.environment;
  }

  /** The text of a stage. */
  public text(name: string, stage = CURRENT): string | undefined {
    return this.secrets.get(name)?.versions.find(({ stages }) => stages.has(stage))?.text;
  }

  protected answer(asked: Asked): Answer {
    try {
      this.account.checkAcs3(asked);
      return { status: 200, body: JSON.stringify({ RequestId: "r-1", ...this.act(asked) }) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { status, code } = error;
      return { status, body: JSON.stringify({ Code: code, Message: code, RequestId: "r-1", HttpStatus: status }) };
    }
  }

  private act({ headers, url }: Asked): object {
    const action = String(headers["x-acs-action"]);
    const given = Object.fromEntries(url.searchParams);
    const actions: Readonly<Record<string, (given: Readonly<Record<string, string | undefined>>) => object>> = {
      CreateSecret: (all) => this.create(all),
      DescribeKey: (all) => this.describeKey(all),
      DescribeSecret: (all) => this.describe(all),
      GetSecretValue: (all) => this.value(all),
      ListSecretVersionIds: (all) => this.list(all),
      PutSecretValue: (all) => this.put(all),
      UpdateSecretVersionStage: (all) => this.moveStage(all),
    };
    const run = actions[action];
    if (run === undefined || headers["x-acs-version"] !== "2016-01-20") throw new Refused(404, "InvalidAction.NotFound");
    if (this.denied.has(action)) throw new Refused(403, "Forbidden.NoPermission");
    if (this.throttled > 0) {
      this.throttled -= 1;
      throw new Refused(429, "Rejected.Throttling");
    }
    return run(given);
  }

  private create(given: Readonly<Record<string, string | undefined>>): object {
    const name = given.SecretName ?? "";
    if (!/^(?!acs\/)[A-Za-z0-9_/+=.@-]{1,192}$/.test(name) || !given.SecretData || !given.VersionId)
      throw new Refused(400, "InvalidParameter");
    if (this.secrets.has(name)) throw new Refused(409, "Rejected.ResourceExist");
    const key = given.EncryptionKeyId === undefined ? undefined : this.key(given.EncryptionKeyId);
    // The vendor's pages do not name this code.
    if (key?.instance !== given.DKMSInstanceId) throw new Refused(400, "Forbidden.DKMSInstanceNotMatch");
    this.secrets.set(name, { versions: [], key: key?.id, instance: given.DKMSInstanceId });
    return this.put(given);
  }

  private put(given: Readonly<Record<string, string | undefined>>): object {
    const { versions } = this.living(given.SecretName);
    const { VersionId: id, SecretData: text } = given;
    if (!id || !text || Buffer.byteLength(text) > 30_720) throw new Refused(400, "InvalidParameter");
    const same = versions.find((version) => version.id === id);
    if (same !== undefined && same.text !== text) throw new Refused(409, "Rejected.ResourceExist");
    if (same === undefined) {
      versions.push({ id, text, made: new Date(), stages: new Set() });
      this.move(versions, PREVIOUS, versions.find(({ stages }) => stages.has(CURRENT))?.id);
      this.move(versions, CURRENT, id);
      if (versions.length > MOST_VERSIONS) versions.shift();
    }
    return { SecretName: given.SecretName, VersionId: id };
  }

  private move(versions: readonly Version[], stage: string, to: string | undefined): void {
    if (to === undefined) return;
    for (const { id, stages } of versions) {
      if (id === to) stages.add(stage);
      else stages.delete(stage);
    }
  }

  private describe(given: Readonly<Record<string, string | undefined>>): object {
    const secret = this.secrets.get(given.SecretName ?? "");
    if (secret === undefined) throw new Refused(404, "Forbidden.ResourceNotFound");
    return { SecretName: given.SecretName, ...(secret.leaves === undefined ? {} : { PlannedDeleteTime: secret.leaves.toISOString() }) };
  }

  private value(given: Readonly<Record<string, string | undefined>>): object {
    const { versions } = this.living(given.SecretName);
    if (given.VersionStage === undefined) throw new Refused(400, "MissingParameter.VersionStage");
    const found = versions.find(({ stages }) => stages.has(given.VersionStage!));
    if (found === undefined) throw new Refused(404, "Forbidden.ResourceNotFound");
    return {
      SecretName: given.SecretName,
      VersionId: found.id,
      SecretData: found.text,
      SecretDataType: "text",
      VersionStages: { VersionStage: [...found.stages] },
    };
  }

  private list(given: Readonly<Record<string, string | undefined>>): object {
    const { versions } = this.living(given.SecretName);
    const [page, size] = [Number(given.PageNumber ?? 1), Number(given.PageSize ?? 20)];
    const shown = versions.filter(({ stages }) => given.IncludeDeprecated === "true" || stages.size > 0);
    return {
      TotalCount: shown.length,
      VersionIds: {
        VersionId: shown.slice((page - 1) * size, page * size).map(({ id, made, stages }) => ({
          VersionId: id,
          CreateTime: made.toISOString(),
          VersionStages: { VersionStage: [...stages] },
        })),
      },
    };
  }

  /** A stage of the system's own is moved, never taken away. */
  private moveStage(given: Readonly<Record<string, string | undefined>>): object {
    const { versions } = this.living(given.SecretName);
    const { VersionStage: stage, RemoveFromVersion: from, MoveToVersion: to } = given;
    if (!stage || (!from && !to) || (SYSTEM_STAGES.includes(stage) && !to)) throw new Refused(400, "InvalidParameter");
    const [source, target] = [from, to].map((id) => versions.find((version) => version.id === id));
    if ((from && !source?.stages.has(stage)) || (to && target === undefined)) throw new Refused(404, "Forbidden.ResourceNotFound");
    source?.stages.delete(stage);
    this.move(versions, stage, to);
    return { SecretName: given.SecretName };
  }

  private describeKey(given: Readonly<Record<string, string | undefined>>): object {
    const { id, instance } = this.key(given.KeyId);
    return { KeyMetadata: { KeyId: id, DKMSInstanceId: instance ?? "" } };
  }

  private key(id = ""): { readonly id: string; readonly instance?: string } {
    const found = this.keys.get(id) ?? [...this.keys.values(), ...this.madeElsewhere()].find((key) => key.id === id);
    if (found === undefined) throw new Refused(404, id.startsWith("alias/") ? "Forbidden.AliasNotFound" : "Forbidden.KeyNotFound");
    return found;
  }

  private living(name = ""): Secret {
    const secret = this.secrets.get(name);
    if (secret === undefined) throw new Refused(404, "Forbidden.ResourceNotFound");
    if (secret.leaves !== undefined) throw new Refused(409, "Rejected.ResourceInDeleteWindow");
    return secret;
  }
}
