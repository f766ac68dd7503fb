import { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { removalLifecycle } from "../removal";
import { DeclaredSecretsSpec, ReadGrant, SecretKey, SecretKeySpec, SecretStore, SecretStoreSettings, WriteGrant } from "../secret-store";
import { nameProblems, terraformJson } from "../text";
import { accountIdOf, partitionOf } from "./account";
import { arn, AwsContext } from "./context";
import { DeclaredSecrets } from "./declared-secrets";
import { KEY_ARN } from "./problems";
import { SecretsManagerProps } from "./secrets-manager-props";

/** AWS Secrets Manager: Terraform makes the secrets empty, and whoever has a value puts it there. */
export class SecretsManagerStore implements SecretStore {
  constructor(
    private readonly context: AwsContext,
    private readonly props: SecretsManagerProps,
  ) {}

  public settings(): SecretStoreSettings {
    return { kind: "aws-secrets-manager", region: this.context.region };
  }

  public nameProblems(prop: string, name: string): string[] {
    return nameProblems(prop, name, SECRET_NAME, "a name of 1 to 512 letters, digits and / _ + = . @ ! -");
  }

  public keyProblems(prop: string, id: string): string[] {
    return nameProblems(prop, id, KEY_ARN, "the ARN of a KMS key");
  }

  public key(scope: Construct, id: string, spec: SecretKeySpec): SecretKey {
    return new SecretsKey(scope, id, this.context, spec);
  }

  public declare(scope: Construct, id: string, spec: DeclaredSecretsSpec): ReadonlyMap<string, ITerraformDependable> {
    return new DeclaredSecrets(scope, id, this.context, this.props, spec).made;
  }

  public grantRead(scope: Construct, _id: string, { names, key, reader }: ReadGrant): void {
    if (names.length === 0) return;
    reader.allow({
      sid: "ReadSecrets",
      actions: ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
      // AWS ends a secret's ARN with a hyphen and six characters of its own; each ? is exactly one.
      resources: names.map((name) => arn(this.context, scope, "secretsmanager", `secret:${name}-??????`)),
    });
    if (key === undefined) return;
    reader.allow({ sid: "DecryptSecrets", actions: ["kms:Decrypt"], resources: [key.id], conditions: this.byTheStore });
  }

  /** They are there: Terraform makes them empty. */
  public grantWrite(scope: Construct, _id: string, { below, key, writer }: WriteGrant): void {
    writer.allow({
      sid: "WriteSecrets",
      actions: ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"],
      resources: [arn(this.context, scope, "secretsmanager", `secret:${below}*-??????`)],
    });
    if (key === undefined) return;
    const actions = ["kms:Decrypt", "kms:GenerateDataKey"];
    writer.allow({ sid: "EncryptSecrets", actions, resources: [key.id], conditions: this.byTheStore });
  }

  /** The key opens nothing but what the store asks it to. */
  private get byTheStore(): AccessStatement["conditions"] {
    return { StringEquals: { "kms:ViaService": `secretsmanager.${this.context.region}.amazonaws.com` } };
  }
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
const SECRET_NAME = /^[A-Za-z0-9/_+=.@!-]{1,512}$/;

/** A symmetric key that rotates every year, and its alias. */
class SecretsKey extends Construct implements SecretKey {
  public readonly id: string;

  constructor(scope: Construct, id: string, context: AwsContext, { name, removal }: SecretKeySpec) {
    super(scope, id);
    const { resources } = context;
    const key = resources.make("key", this, "Key", {
      description: `Encrypts the secrets of the gateway ${name}`,
      enableKeyRotation: true,
      deletionWindowInDays: 30,
      policy: keyPolicy(`arn:${partitionOf(this, context)}:iam::${accountIdOf(this, context)}:root`),
      lifecycle: removalLifecycle(removal),
      tags: resources.tags(name),
    });
    resources.make("keyAlias", this, "Alias", { name: `alias/${name}`, targetKeyId: key.keyId });
    this.id = key.arn;
  }
}

/** Only the account itself: who may use the key is then said by roles' policies alone. */
function keyPolicy(account: string): string {
  return terraformJson({
    Version: "2012-10-17",
    Statement: [{ Sid: "AccountAdministers", Effect: "Allow", Principal: { AWS: account }, Action: "kms:*", Resource: "*" }],
  });
}
