import { DataAwsSecretsmanagerSecrets } from "@cdktf/provider-aws/lib/data-aws-secretsmanager-secrets";
import { ITerraformDependable, Lazy } from "cdktf";
import { Construct } from "constructs";
import { IAccessRole } from "../access";
import { AdoptedResource } from "../adopted-resource";
import { ConfigError } from "../errors";
import { shortName, unknownSecretProblems } from "../own-secrets";
import { DeclaredSecretsSpec } from "../secret-store";
import { secretVariable } from "../secret-variable";
import { terraformJson } from "../text";
import { AwsContext } from "./context";
import { ResourceOf } from "./resource-kinds";
import { SecretsManagerProps } from "./secrets-manager-props";

/** AWS deletes a secret after 7 to 30 days; 0 is at once. */
const RECOVERY_WINDOW_DAYS = 30;

/**
 * The secrets of a gateway without their values: encrypted by its key, recoverable, and open to nobody but those who are
 * named, where administrators are. One whose value was put before the first apply is taken over.
 */
export class DeclaredSecrets extends Construct {
  /** What must be there before a value is put into a secret, by its name. */
  public readonly made: ReadonlyMap<string, ITerraformDependable>;

  constructor(scope: Construct, id: string, context: AwsContext, props: SecretsManagerProps, spec: DeclaredSecretsSpec) {
    super(scope, id);
    const writeOnly = spec.isFurther === true ? {} : (props.writeOnly ?? {});
    ConfigError.throwIfAny(this, unknownSecretProblems("secrets.writeOnly", writeOnly, spec));
    const existing = new DataAwsSecretsmanagerSecrets(this, "Existing", {
      provider: context.provider,
      filter: [{ name: "name", values: [`${spec.gateway}/`] }],
    });
    const made = spec.secrets.map(({ name, purpose }): [string, ITerraformDependable] => {
      const short = shortName(spec, name);
      const secret = context.resources.make("secret", this, short, {
        name,
        description: `LLM gateway ${spec.gateway}: ${purpose}`,
        kmsKeyId: spec.key?.id,
        recoveryWindowInDays: spec.removal === "destroy" ? 0 : (props.recoveryWindowDays ?? RECOVERY_WINDOW_DAYS),
        replica: props.replicaRegions?.map((region) => ({ region })),
        tags: context.resources.tags(name),
      });
      new AdoptedResource(this, `${short}-Adopted`, { resource: secret, existingIds: arnsOf(existing, name) });
      if (props.administrators !== undefined) this.restrict(context, short, secret, props.administrators, () => spec.readers(name));
      const version = writeOnly[short];
      return [name, version === undefined ? secret : this.write(context, short, secret, version, spec.gateway)];
    });
    this.made = new Map(made);
  }

  private write(context: AwsContext, id: string, secret: ResourceOf<"secret">, version: number, gateway: string): ITerraformDependable {
    const value = secretVariable(this, `${id}-Value`, { gateway, secret: id, ephemeral: true });
    return context.resources.make("secretVersion", this, `${id}-Version`, {
      secretId: secret.id,
      secretStringWo: value.stringValue,
      secretStringWoVersion: version,
    });
  }

  private restrict(
    { resources }: AwsContext,
    id: string,
    secret: ResourceOf<"secret">,
    administrators: readonly string[],
    readers: () => readonly IAccessRole[],
  ): void {
    resources.make("secretPolicy", this, `${id}-Policy`, {
      secretArn: secret.arn,
      policy: Lazy.stringValue({
        produce: () => valuesOnlyFor([...administrators, ...readers().map(({ roleArn }) => roleArn)]),
      }),
    });
  }
}

/** Of the secrets that the account lists, the ARN of the one with this very name. */
function arnsOf(existing: DataAwsSecretsmanagerSecrets, name: string): string {
  const arns = `data.${existing.terraformResourceType}.${existing.friendlyUniqueId}.arns`;
  // AWS ends a secret's ARN with a hyphen and six characters of its own.
  return `\${toset([for arn in ${arns} : arn if endswith(substr(arn, 0, length(arn) - 7), ":secret:${name}")])}`;
}

/** What touches a value; describing, tagging and the policy itself stay as IAM says, so that an apply can always mend them. */
const VALUE_ACTIONS = [
  "secretsmanager:GetSecretValue",
  "secretsmanager:BatchGetSecretValue",
  "secretsmanager:PutSecretValue",
  "secretsmanager:UpdateSecretVersionStage",
];

function valuesOnlyFor(roles: readonly string[]): string {
  return terraformJson({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "ValuesOnlyForThese",
        Effect: "Deny",
        Principal: "*",
        Action: VALUE_ACTIONS,
        Resource: "*",
        Condition: { ArnNotEquals: { "aws:PrincipalArn": roles } },
      },
    ],
  });
}
