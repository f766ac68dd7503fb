import { Construct } from "constructs";
import { AccessStatement, IAccessRole } from "./access";
import { GatewayPlatform } from "./platform";

/** A role that somebody else made. */
export interface ReaderRoleProps {
  readonly platform: GatewayPlatform;
  /** Its name, without a path. */
  readonly roleName: string;
  /**
   * AWS: its path. It is part of the role's ARN, which the secrets' own policies name where there are `administrators`.
   * @default "/"
   */
  readonly rolePath?: string;
}

/**
 * An existing role that is to read secrets, such as that of the machine that an agent runs on: what is granted to it is
 * allowed by a policy of its own, which is made with the first grant.
 * @example gateway.agents.grantKeyRead("research-agent", ReaderRole.fromRoleName(this, "box", { platform, roleName: "research-box" }))
 */
export class ReaderRole extends Construct implements IAccessRole {
  /** @throws ConfigError when the name is not one that the cloud takes */
  public static fromRoleName(scope: Construct, id: string, props: ReaderRoleProps): ReaderRole {
    return new ReaderRole(scope, id, props);
  }

  public readonly roleName: string;
  public readonly roleArn: string;

  private readonly granted: AccessStatement[] = [];

  private constructor(
    scope: Construct,
    id: string,
    private readonly props: ReaderRoleProps,
  ) {
    super(scope, id);
    this.roleName = props.roleName;
    this.roleArn = props.platform.role(this, "Role", {
      name: "reader",
      description: "reads secrets of an LLM gateway",
      existing: { roleName: props.roleName, rolePath: props.rolePath },
      statements: () => this.granted,
    }).roleArn;
  }

  public allow(statement: AccessStatement): void {
    this.granted.push(statement);
    if (this.granted.length > 1) return;
    this.props.platform.allow(this, "Policy", {
      roleName: this.roleName,
      // Names of policies are an account's on Alibaba Cloud, and a role's on AWS.
      name: `llm-gateway-${this.node.addr.slice(2, 14)}`,
      statements: () => this.granted,
    });
  }
}
