import { Construct } from "constructs";
import { isExpression } from "../text";
import { AlicloudContext } from "./context";
import { ResourceOf } from "./resource-kinds";

/** Who may reach what over which port, in the words of a security group. */
export interface SecurityRule {
  readonly direction: "ingress" | "egress";
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly cidr: string;
  readonly description: string;
}

/** Makes rules that let something through; of equal ones the first. */
export function allow(
  context: AlicloudContext,
  scope: Construct,
  groupId: string,
  rules: readonly SecurityRule[],
): ResourceOf<"securityGroupRule">[] {
  return rulesById(rules).map(([id, rule]) =>
    context.resources.make("securityGroupRule", scope, id, {
      securityGroupId: groupId,
      type: rule.direction,
      ipProtocol: rule.protocol,
      portRange: `${rule.port}/${rule.port}`,
      cidrIp: rule.cidr,
      policy: "accept",
      priority: 1,
      nicType: "intranet",
      description: rule.description,
    }),
  );
}

/**
 * A rule's id is what it says: were it the rule's place in the list, another range would move rules, and what one of them
 * is granted anew would be revoked as the former content of the next. Ranges that only Terraform knows are counted, for
 * each port by itself.
 */
function rulesById(rules: readonly SecurityRule[]): [string, SecurityRule][] {
  const distinct = rules.filter((rule, index) => rules.findIndex((other) => isSame(rule, other)) === index);
  return distinct.map((rule) => {
    const references = distinct.filter((other) => portId(other) === portId(rule) && isExpression(other.cidr));
    const range = isExpression(rule.cidr) ? references.indexOf(rule) : rule.cidr.replace("/", "-");
    return [`${portId(rule)}-${range}`, rule];
  });
}

function isSame(rule: SecurityRule, other: SecurityRule): boolean {
  return portId(rule) === portId(other) && rule.cidr === other.cidr;
}

function portId({ direction, protocol, port }: SecurityRule): string {
  return `${direction}-${protocol}-${port}`;
}

/** Makes the rule that drops what no other lets through; the lowest priority there is. */
export function dropRest(
  context: AlicloudContext,
  scope: Construct,
  groupId: string,
  direction: SecurityRule["direction"],
  description: string,
): ResourceOf<"securityGroupRule"> {
  return context.resources.make("securityGroupRule", scope, direction === "ingress" ? "DropIngress" : "DropEgress", {
    securityGroupId: groupId,
    type: direction,
    ipProtocol: "all",
    portRange: "-1/-1",
    cidrIp: "0.0.0.0/0",
    policy: "drop",
    priority: 100,
    nicType: "intranet",
    description,
  });
}
