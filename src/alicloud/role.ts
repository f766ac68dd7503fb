import { Lazy } from "cdktf";
import { Construct } from "constructs";
import { AccessStatement } from "../access";
import { NodeRole, RoleSpec } from "../platform";
import { terraformJson } from "../text";
import { AlicloudContext } from "./context";

/** A RAM role of ECS instances, which may do what its statements say. */
export class EcsRole extends Construct implements NodeRole {
  public readonly roleName: string;
  public readonly roleArn: string;
  public readonly instanceIdentity: string;
  public readonly ready: NodeRole["ready"];

  constructor(scope: Construct, id: string, context: AlicloudContext, spec: RoleSpec) {
    super(scope, id);
    const { role, attachment } = serviceRole(this, context, {
      name: regionalName(context, `${spec.name}-nodes`),
      description: spec.description,
      trustedService: "ecs.aliyuncs.com",
      policyDocument: Lazy.stringValue({ produce: () => policyDocument(spec.statements()) }),
    });
    this.roleName = role.roleName;
    this.roleArn = role.arn;
    this.instanceIdentity = role.roleName;
    this.ready = [attachment];
  }
}

/** A name of RAM, which is one for all regions of an account: gateways of one name in two regions have two roles. */
export function regionalName({ region }: AlicloudContext, name: string): string {
  return `${name}-${region}`;
}

/** A role, what may assume it, and its one policy. */
export interface ServiceRoleSpec {
  readonly name: string;
  readonly description: string;
  readonly trustedService: string;
  readonly policyDocument: string;
}

/** Makes a role that one service of the cloud may assume, and nobody else. */
export function serviceRole(scope: Construct, context: AlicloudContext, spec: ServiceRoleSpec) {
  const role = context.resources.make("role", scope, "Role", {
    roleName: spec.name,
    description: spec.description,
    assumeRolePolicyDocument: trustDocument(spec.trustedService),
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

/**
 * A RAM policy that allows the statements and, where given, denies the last ones.
 * @see https://www.alibabacloud.com/help/en/ram/policy-structure-and-syntax: a statement has no id
 */
export function policyDocument(allowed: readonly AccessStatement[], denied: readonly AccessStatement[] = []): string {
  return terraformJson({
    Version: "1",
    Statement: [...allowed.map((statement) => rendered("Allow", statement)), ...denied.map((statement) => rendered("Deny", statement))],
  });
}

function rendered(effect: "Allow" | "Deny", { actions, resources, conditions }: AccessStatement) {
  return { Effect: effect, Action: actions, Resource: resources, ...(conditions && { Condition: conditions }) };
}

function trustDocument(service: string): string {
  return terraformJson({
    Version: "1",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: [service] } }],
  });
}
