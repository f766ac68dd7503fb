import { Lazy } from "cdktf";
import { Construct } from "constructs";
import { NodeRole, RoleSpec } from "../platform";
import { AwsContext } from "./context";
import { policyDocument, trustDocument } from "./policy";

/**
 * An IAM role of EC2 instances, which may do what its statements say.
 *
 * Its policy is inline: it belongs to no other role, and holds 10,240 characters where a managed one holds 6,144.
 */
export class Ec2Role extends Construct implements NodeRole {
  public readonly roleName: string;
  public readonly roleArn: string;
  public readonly instanceIdentity: string;
  public readonly ready: NodeRole["ready"];

  constructor(scope: Construct, id: string, { resources, region }: AwsContext, spec: RoleSpec) {
    super(scope, id);
    // IAM's names hold for all regions of an account.
    const name = `${spec.name}-nodes-${region}`;
    const role = resources.make("role", this, "Role", {
      name,
      description: spec.description,
      assumeRolePolicy: trustDocument("ec2.amazonaws.com"),
      tags: resources.tags(name),
    });
    const policy = resources.make("rolePolicy", this, "Policy", {
      name: "gateway",
      role: role.name,
      policy: Lazy.stringValue({ produce: () => policyDocument(spec.statements()) }),
    });
    const profile = resources.make("instanceProfile", this, "InstanceProfile", { name, role: role.name, tags: resources.tags(name) });

    this.roleName = role.name;
    this.roleArn = role.arn;
    this.instanceIdentity = profile.name;
    this.ready = [policy, profile];
  }
}
