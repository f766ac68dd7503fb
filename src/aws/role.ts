import { dependable, Lazy } from "cdktf";
import { Construct } from "constructs";
import { AccessStatement, policyStatements } from "../access";
import { atSynthesis } from "../at-synthesis";
import { ConfigError } from "../errors";
import { ExistingRole, NodeRole, RoleSpec } from "../platform";
import { RoleAccess } from "../role-access";
import { accountIdOf, partitionOf } from "./account";
import { AwsContext } from "./context";
import { policyDocument, trustDocument } from "./policy";
import { attachManagedPolicy } from "./role-managed-policy";
import { iamPolicyParts } from "./role-policy-parts";
import { iamRoleProblems } from "./role-problems";
import { SHELL_ACCESS } from "./role-shell-access";

/**
 * An IAM role of EC2 instances, which may do what its statements say; or one that is there already, for which nothing is made.
 *
 * Its policy is inline: it belongs to no other role, and holds 10,240 characters where a managed one holds 6,144. What
 * does not fit is in managed policies.
 */
export class Ec2Role extends Construct implements NodeRole {
  public readonly roleName: string;
  public readonly roleArn: string;
  public readonly instanceIdentity: string;
  public readonly ready: NodeRole["ready"];
  public readonly access: RoleAccess;

  constructor(scope: Construct, id: string, context: AwsContext, spec: RoleSpec) {
    super(scope, id);
    ConfigError.throwIfAny(this, iamRoleProblems(spec));
    const statements = () => [...spec.statements(), ...(spec.shellAccess === true ? [SHELL_ACCESS] : [])];
    const identity = spec.existing === undefined ? madeRole(this, context, spec, statements) : existingRole(this, context, spec.existing);
    this.roleName = identity.roleName;
    this.roleArn = identity.roleArn;
    this.instanceIdentity = identity.instanceIdentity;
    this.ready = identity.ready;
    this.access = new RoleAccess(spec.existing !== undefined, statements, policyDocument);
  }
}

function existingRole(scope: Construct, context: AwsContext, { roleName, rolePath, instanceProfileName }: ExistingRole): NodeRole {
  return {
    roleName,
    roleArn: `arn:${partitionOf(scope, context)}:iam::${accountIdOf(scope, context)}:role${rolePath ?? "/"}${roleName}`,
    instanceIdentity: instanceProfileName ?? roleName,
    ready: [],
  };
}

function madeRole(scope: Construct, context: AwsContext, spec: RoleSpec, statements: () => readonly AccessStatement[]): NodeRole {
  const { resources, region } = context;
  const parts = () => iamPolicyParts(scope, statements());
  // IAM's names hold for all regions of an account.
  const name = `${spec.name}-nodes-${region}`;
  const role = resources.make("role", scope, "Role", {
    name,
    description: spec.description,
    assumeRolePolicy: trustDocument("ec2.amazonaws.com"),
    permissionsBoundary: spec.permissionsBoundary,
    maxSessionDuration: spec.maxSessionSeconds,
    tags: resources.tags(name),
  });
  const policy = resources.make("rolePolicy", scope, "Policy", {
    name: "gateway",
    role: role.name,
    policy: Lazy.stringValue({ produce: () => policyDocument(policyStatements(parts()[0])) }),
  });
  const profile = resources.make("instanceProfile", scope, "InstanceProfile", { name, role: role.name, tags: resources.tags(name) });
  atSynthesis(scope, () =>
    parts()
      .slice(1)
      .forEach((part, index) => {
        const attachment = attachManagedPolicy(scope, context, { roleName: role.name, name, number: index + 2, statements: part });
        // Nodes wait for the profile, which is how they wait for all policies.
        profile.dependsOn = [...(profile.dependsOn ?? []), dependable(attachment)];
      }),
  );
  return { roleName: role.name, roleArn: role.arn, instanceIdentity: profile.name, ready: [policy, profile] };
}
