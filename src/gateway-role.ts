import { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { AccessStatement, IAccessRole } from "./access";
import { Duration, secondsProblems } from "./duration";
import { ConfigError } from "./errors";
import { LlmSecrets } from "./llm-secrets";
import { ExistingRole, GatewayPlatform, IGatewayPart, NodeRole } from "./platform";

/** What every identity of a gateway's nodes is made with. */
export interface RoleProps {
  readonly platform: GatewayPlatform;
  /** The gateway's name; the role's is made from it. */
  readonly name: string;
  /** The secrets that the nodes read: exactly these. */
  readonly secrets: LlmSecrets;
  /**
   * Whether people may open a shell on a node by the cloud's own service, without SSH: Session Manager on AWS. On Alibaba
   * Cloud the Cloud Assistant asks nothing of a node's role: whoever is allowed `ecs:StartTerminalSession` or
   * `ecs:RunCommand` may do so whatever this says.
   * @default false
   */
  readonly shellAccess?: boolean;
}

/** What bounds a role that is made. */
export interface RoleBounds {
  /**
   * The ARN of the managed policy that bounds what the role may do at most. AWS only: roles of RAM have no boundary.
   * @default - none
   * @example "arn:aws:iam::123456789012:policy/boundary"
   */
  readonly permissionsBoundary?: string;
  /**
   * How long a session of who assumes the role may be at most, from 1 to 12 hours. Nodes are given keys by the cloud, for
   * as long as it likes.
   * @default Duration.hours(1)
   */
  readonly maxSessionDuration?: Duration;
}

/** What the identity of a gateway's nodes may do. */
export interface GatewayRoleProps extends RoleProps, RoleBounds {}

/** An identity that somebody else made, such as a team that alone may make roles. */
export interface ExistingRoleProps extends RoleProps, ExistingRole {}

/**
 * The identity of the gateway's nodes: only instances can take it, and it may do what was granted and nothing else.
 * @throws ConfigError when `name` is not one that the cloud takes, `maxSessionDuration` is not between 1 and 12 hours, or the
 * cloud has no such `permissionsBoundary`
 */
export class GatewayRole extends Construct implements IAccessRole, NodeRole, IGatewayPart<"role"> {
  /**
   * An existing role as the identity of the gateway's nodes. Nothing is made: what is granted to it is gathered, and
   * {@link requiredPolicy} says what whoever owns the role must allow it. Instances must be able to take it: on AWS it trusts
   * `ec2.amazonaws.com` and lies in an instance profile, on Alibaba Cloud it trusts `ecs.aliyuncs.com`.
   * @throws ConfigError when a name is not one that the cloud takes
   */
  public static fromRoleName(scope: Construct, id: string, props: ExistingRoleProps): GatewayRole {
    return new GatewayRole(scope, id, props, props);
  }

  public readonly part = "role";
  public readonly roleName: string;
  public readonly roleArn: string;
  public readonly instanceIdentity: string;
  public readonly ready: readonly ITerraformDependable[];
  public readonly access: NodeRole["access"];

  private readonly granted: AccessStatement[] = [];

  /** @param existing for {@link fromRoleName} only */
  constructor(scope: Construct, id: string, props: GatewayRoleProps, existing?: ExistingRole) {
    super(scope, id);
    const { name, platform, maxSessionDuration, permissionsBoundary, shellAccess } = props;
    ConfigError.throwIfAny(this, [
      ...platform.problems({ name }),
      ...secondsProblems("maxSessionDuration", maxSessionDuration, SHORTEST_SESSION_SECONDS, LONGEST_SESSION_SECONDS),
    ]);
    platform.bind(this);
    const role = platform.role(this, "Role", {
      name,
      description: `nodes of the LLM gateway ${name}`,
      existing,
      permissionsBoundary,
      maxSessionSeconds: maxSessionDuration?.toSeconds(),
      shellAccess,
      statements: () => this.granted,
    });
    this.roleName = role.roleName;
    this.roleArn = role.roleArn;
    this.instanceIdentity = role.instanceIdentity;
    this.ready = role.ready;
    this.access = role.access;
    props.secrets.grantRead(this);
  }

  public allow(statement: AccessStatement): void {
    this.granted.push(statement);
  }

  /**
   * All that the role must be allowed, as the JSON of one policy of the cloud: for an output, or for a file. Bucket, key and
   * log are in it as what Terraform knows of them, so that it can be read once they are applied; `cdktf-ai-gateway role
   * check` compares a live role with it.
   */
  public requiredPolicy(): string {
    return this.access!.document();
  }
}

/** The same on both clouds. */
const SHORTEST_SESSION_SECONDS = 3600;
const LONGEST_SESSION_SECONDS = 43_200;
