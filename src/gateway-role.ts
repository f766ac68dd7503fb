import { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { AccessStatement, IAccessRole } from "./access";
import { ConfigError } from "./errors";
import { LlmSecrets } from "./llm-secrets";
import { GatewayPlatform, IGatewayPart, NodeRole } from "./platform";

/** What the identity of a gateway's nodes may do. */
export interface GatewayRoleProps {
  readonly platform: GatewayPlatform;
  /** The gateway's name; the role's is made from it. */
  readonly name: string;
  /** The secrets that the nodes read: exactly these. */
  readonly secrets: LlmSecrets;
}

/**
 * The identity of the gateway's nodes: only instances can take it, and it may do what was granted and nothing else.
 * @throws ConfigError when `name` is not one that the cloud takes
 */
export class GatewayRole extends Construct implements IAccessRole, NodeRole, IGatewayPart<"role"> {
  public readonly part = "role";
  public readonly roleName: string;
  public readonly roleArn: string;
  public readonly instanceIdentity: string;
  public readonly ready: readonly ITerraformDependable[];

  private readonly granted: AccessStatement[] = [];

  constructor(scope: Construct, id: string, props: GatewayRoleProps) {
    super(scope, id);
    ConfigError.throwIfAny(this, props.platform.problems({ name: props.name }));
    props.platform.bind(this);
    const role = props.platform.role(this, "Role", {
      name: props.name,
      description: `nodes of the LLM gateway ${props.name}`,
      statements: () => this.granted,
    });
    this.roleName = role.roleName;
    this.roleArn = role.roleArn;
    this.instanceIdentity = role.instanceIdentity;
    this.ready = role.ready;
    props.secrets.grantRead(this);
  }

  public allow(statement: AccessStatement): void {
    this.granted.push(statement);
  }
}
