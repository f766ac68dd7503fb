import { TerraformVariable } from "cdktf";
import { Construct } from "constructs";

/** A variable of Terraform through which a secret's value comes in. */
export interface SecretVariableProps {
  /** The gateway's name. */
  readonly gateway: string;
  /** What the secret is called below the gateway's name. */
  readonly secret: string;
  /** Neither in the state nor in a plan; needs Terraform 1.10. */
  readonly ephemeral: boolean;
}

/**
 * Makes the variable `<gateway>_<secret>`, hyphens and slashes as `_`: its value is given as `TF_VAR_<gateway>_<secret>`.
 * References in the gateway's name are left out.
 */
export function secretVariable(scope: Construct, id: string, props: SecretVariableProps): TerraformVariable {
  const variable = new TerraformVariable(scope, id, {
    type: "string",
    sensitive: true,
    nullable: false,
    description: `The value of the secret ${props.secret} of the LLM gateway ${props.gateway}`,
  });
  variable.overrideLogicalId(`${identifier(props.gateway)}_${identifier(props.secret)}`);
  if (props.ephemeral) variable.addOverride("ephemeral", true);
  return variable;
}

function identifier(name: string): string {
  return name
    .replace(/\$\{[^}]*\}/g, "")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_|_$/g, "");
}
