import { Construct } from "constructs";
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

/** Rules by the id of the construct that each becomes. */
export type SecurityRules = Readonly<Record<string, SecurityRule>>;

/** Makes rules that let something through. */
export function allow(
  context: AlicloudContext,
  scope: Construct,
  groupId: string,
  rules: SecurityRules,
): ResourceOf<"securityGroupRule">[] {
  return Object.entries(rules).map(([id, rule]) =>
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
