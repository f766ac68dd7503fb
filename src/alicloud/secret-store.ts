import { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { removalLifecycle } from "../removal";
import { DeclaredSecretsSpec, ReadGrant, SecretKey, SecretKeySpec, SecretStore, SecretStoreSettings, WriteGrant } from "../secret-store";
import { nameProblems } from "../text";
import { AlicloudContext, arn } from "./context";
import { KmsSecretsProps } from "./kms-secrets-props";
import { ManagedSecrets } from "./managed-secrets";

/**
 * Alibaba Cloud KMS Secrets Manager. Unless it is asked for, secrets are known by name only: an `alicloud_kms_secret`
 * reads its value into the state at every refresh.
 */
export class KmsSecretStore implements SecretStore {
  constructor(
    private readonly context: AlicloudContext,
    private readonly props: KmsSecretsProps,
  ) {}

  public settings(): SecretStoreSettings {
    return { kind: "alicloud-kms", region: this.context.region, kmsInstance: this.context.kmsInstanceId };
  }

  public nameProblems(prop: string, name: string): string[] {
    return nameProblems(prop, name, SECRET_NAME, "a name of 1 to 192 letters, digits and _ / + = . @ ! - that does not start with acs/");
  }

  public keyProblems(prop: string, id: string): string[] {
    return nameProblems(prop, id, /^[A-Za-z0-9-]{1,64}$/, "the id of a KMS key");
  }

  public key(scope: Construct, id: string, spec: SecretKeySpec): SecretKey {
    return new SecretsKey(scope, id, this.context, spec);
  }

  public declare(scope: Construct, id: string, spec: DeclaredSecretsSpec): ReadonlyMap<string, ITerraformDependable> {
    const isManaged = this.props.management === "terraform" && spec.isFurther !== true;
    return isManaged ? new ManagedSecrets(scope, id, this.context, this.props, spec).made : new Map();
  }

  public grantRead(scope: Construct, _id: string, { names, key, reader }: ReadGrant): void {
    if (names.length === 0) return;
    reader.allow({
      sid: "ReadSecrets",
      actions: ["kms:GetSecretValue"],
      resources: names.map((name) => arn(this.context, scope, "kms", `secret/${name}`)),
    });
    if (key === undefined) return;
    reader.allow({ sid: "DecryptSecrets", actions: ["kms:Decrypt"], resources: [arn(this.context, scope, "kms", `key/${key.id}`)] });
  }

  /** Terraform makes none of them: it would read their values into its state. */
  public grantWrite(scope: Construct, _id: string, { below, key, writer }: WriteGrant): void {
    writer.allow({
      sid: "WriteSecrets",
      actions: ["kms:GetSecretValue", "kms:ListSecretVersionIds", "kms:PutSecretValue", "kms:CreateSecret"],
      resources: [arn(this.context, scope, "kms", `secret/${below}*`)],
    });
    if (key === undefined) return;
    const actions = ["kms:Decrypt", "kms:GenerateDataKey"];
    writer.allow({ sid: "EncryptSecrets", actions, resources: [arn(this.context, scope, "kms", `key/${key.id}`)] });
  }
}

/**
 * What can be created, and "!" of the secrets that other services make, such as `aigw!x` of the AI gateway's.
 * @see https://www.alibabacloud.com/help/en/kms/key-management-service/developer-reference/api-createsecret
 */
const SECRET_NAME = /^(?!acs\/)[A-Za-z0-9_/+=.@!-]{1,192}$/;

/** A symmetric key that rotates every year, and its alias. */
class SecretsKey extends Construct implements SecretKey {
  public readonly id: string;

  constructor(scope: Construct, id: string, { resources, kmsInstanceId }: AlicloudContext, { name, removal }: SecretKeySpec) {
    super(scope, id);
    const key = resources.make("key", this, "Key", {
      description: `Encrypts the secrets of the gateway ${name}`,
      keySpec: "Aliyun_AES_256",
      dkmsInstanceId: kmsInstanceId,
      automaticRotation: "Enabled",
      rotationInterval: "365d",
      pendingWindowInDays: 30,
      deletionProtection: removal === "retain" ? "Enabled" : "Disabled",
      lifecycle: removalLifecycle(removal),
    });
    resources.make("keyAlias", this, "Alias", { aliasName: `alias/${name}`, keyId: key.id });
    this.id = key.id;
  }
}
