import { dependable, Lazy } from "cdktf";
import { Construct } from "constructs";
import { AccessStatement, policyStatements } from "../access";
import { atSynthesis } from "../at-synthesis";
import { ConfigError } from "../errors";
import { ExistingRole, NodeRole, RoleSpec } from "../platform";
import { RoleAccess } from "../role-access";
import { accountIdOf } from "./account";
import { AlicloudContext } from "./context";
import { policyDocument, trustDocument } from "./role-policy-document";
import { ramPolicyParts } from "./role-policy-parts";
import { ramRoleProblems } from "./role-problems";

/** A RAM role of ECS instances, which may do what its statements say; or one that is there already, for which nothing is made. */
export class EcsRole extends Construct implements NodeRole {
  public readonly roleName: string;
  public readonly roleArn: string;
  public readonly instanceIdentity: string;
  public readonly ready: NodeRole["ready"];
  public readonly access: RoleAccess;

  constructor(scope: Construct, id: string, context: AlicloudContext, spec: RoleSpec) {
    super(scope, id);
    ConfigError.throwIfAny(this, ramRoleProblems(spec));
    const { roleName, roleArn, ready } =
      spec.existing === undefined ? madeRole(this, context, spec) : existingRole(this, context, spec.existing);
    this.roleName = roleName;
    this.roleArn = roleArn;
    this.instanceIdentity = roleName;
    this.ready = ready;
    this.access = new RoleAccess(spec.existing !== undefined, () => spec.statements(), policyDocument);
  }
}

type Identity = Pick<NodeRole, "roleName" | "roleArn" | "ready">;

function existingRole(scope: Construct, context: AlicloudContext, { roleName }: ExistingRole): Identity {
  return { roleName, roleArn: `acs:ram::${accountIdOf(scope, context)}:role/${roleName}`, ready: [] };
}

function madeRole(scope: Construct, context: AlicloudContext, spec: RoleSpec): Identity {
  const parts = (): readonly (readonly AccessStatement[])[] => ramPolicyParts(scope, spec.statements());
  const named = { name: regionalName(context, `${spec.name}-nodes`), description: spec.description };
  const { role, attachment } = serviceRole(scope, context, {
    ...named,
    trustedService: "ecs.aliyuncs.com",
    maxSessionDuration: spec.maxSessionSeconds,
    policyDocument: Lazy.stringValue({ produce: () => policyDocument(policyStatements(parts()[0])) }),
  });
  atSynthesis(scope, () =>
    parts()
      .slice(1)
      .forEach((part, index) => {
        const further = rolePolicy(scope, context, `Policy${index + 2}`, {
          roleName: role.roleName,
          name: `${named.name}-${index + 2}`,
          description: spec.description,
          policyDocument: policyDocument(part),
        });
        // Nodes wait for the first attachment, which is how they wait for all.
        attachment.dependsOn = [...(attachment.dependsOn ?? []), dependable(further.attachment)];
      }),
  );
  return { roleName: role.roleName, roleArn: role.arn, ready: [attachment] };
}

export { policyDocument } from "./role-policy-document";

/** A name of RAM, which is one for all regions of an account: gateways of one name in two regions have two roles. */
export function regionalName({ region }: AlicloudContext, name: string): string {
  return `${name}-${region}`;
}

/** A role, what may assume it, and its one policy. */
export interface ServiceRoleSpec {
  readonly name: string;
  readonly description: string;
  readonly trustedService: string;
  /** Absent: an hour. */
  readonly maxSessionDuration?: number;
  readonly policyDocument: string;
}

/** Makes a role that one service of the cloud may assume, and nobody else. */
export function serviceRole(scope: Construct, context: AlicloudContext, spec: ServiceRoleSpec) {
  const role = context.resources.make("role", scope, "Role", {
    roleName: spec.name,
    description: spec.description,
    assumeRolePolicyDocument: trustDocument(spec.trustedService),
    maxSessionDuration: spec.maxSessionDuration,
  });
  return { role, ...rolePolicy(scope, context, "Policy", { ...spec, roleName: role.roleName }) };
}

/** A policy of one role. */
export interface RolePolicySpec {
  readonly roleName: string;
  readonly name: string;
  readonly description: string;
  readonly policyDocument: string;
}

/** Makes a policy and attaches it to its role. */
export function rolePolicy(scope: Construct, { resources }: AlicloudContext, id: string, spec: RolePolicySpec) {
  const policy = resources.make("policy", scope, id, {
    policyName: spec.name,
    description: spec.description,
    policyDocument: spec.policyDocument,
    // RAM keeps five versions of a policy and refuses a sixth.
    rotateStrategy: "DeleteOldestNonDefaultVersionWhenLimitExceeded",
  });
  const attachment = resources.make("policyAttachment", scope, `${id}Attachment`, {
    roleName: spec.roleName,
    policyName: policy.policyName,
    policyType: "Custom",
  });
  return { policy, attachment };
}
