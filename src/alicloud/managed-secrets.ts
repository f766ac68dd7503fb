import { AnnotationMetadataEntryType, ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { ConfigError } from "../errors";
import { shortName, unknownSecretProblems } from "../own-secrets";
import { DeclaredSecretsSpec } from "../secret-store";
import { secretVariable } from "../secret-variable";
import { AlicloudContext } from "./context";
import { KmsSecretsProps } from "./kms-secrets-props";

const RECOVERY_WINDOW_DAYS = 30;

/** Secrets that Terraform makes with their values, which are then in its state: only for who asks for it. */
export class ManagedSecrets extends Construct {
  /** By the secrets' names. */
  public readonly made: ReadonlyMap<string, ITerraformDependable>;

  constructor(
    scope: Construct,
    id: string,
    { resources, kmsInstanceId }: AlicloudContext,
    props: KmsSecretsProps,
    spec: DeclaredSecretsSpec,
  ) {
    super(scope, id);
    ConfigError.throwIfAny(this, unknownSecretProblems("secrets.versionIds", props.versionIds, spec));
    const gone = spec.removal === "destroy";
    const made = spec.secrets
      .filter(({ owner }) => owner === "user")
      .map(({ name }): [string, ITerraformDependable] => {
        const short = shortName(spec, name);
        const value = secretVariable(this, `${short}-Value`, { gateway: spec.gateway, secret: short, ephemeral: false });
        const secret = resources.make("secret", this, short, {
          secretName: name,
          secretData: value.stringValue,
          versionId: props.versionIds?.[short] ?? "v1",
          encryptionKeyId: spec.key?.id,
          dkmsInstanceId: kmsInstanceId,
          forceDeleteWithoutRecovery: gone,
          recoveryWindowInDays: gone ? undefined : (props.recoveryWindowDays ?? RECOVERY_WINDOW_DAYS),
        });
        return [name, secret];
      });
    this.made = new Map(made);
    // Annotations would add a stack trace, with paths of this machine, to what is synthesized.
    this.node.addMetadata(
      AnnotationMetadataEntryType.WARN,
      'secrets.management "terraform": the values of the gateway\'s secrets are in the Terraform state, readable for all who read it; "names" keeps them out',
    );
  }
}
