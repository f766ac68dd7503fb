import { Construct } from "constructs";
import { isExpression } from "../text";
import { AwsContext } from "./context";

/** TCP to one port, from or to a range of addresses or a security group. */
export interface SecurityRule {
  readonly port: number;
  readonly peer: { readonly cidrIpv4: string } | { readonly referencedSecurityGroupId: string };
  readonly description: string;
}

/** Rules by the id of the construct that each becomes. */
export type SecurityRules = Readonly<Record<string, SecurityRule>>;

/** Lets into the group what the rules say. */
export function letIn({ resources }: AwsContext, scope: Construct, securityGroupId: string, rules: SecurityRules): void {
  Object.entries(rules).forEach(([id, rule]) =>
    resources.make("ingressRule", scope, id, { ...ruleConfig(rule), securityGroupId, tags: resources.tags(rule.description) }),
  );
}

/** Lets out of the group what the rules say. */
export function letOut({ resources }: AwsContext, scope: Construct, securityGroupId: string, rules: SecurityRules): void {
  Object.entries(rules).forEach(([id, rule]) =>
    resources.make("egressRule", scope, id, { ...ruleConfig(rule), securityGroupId, tags: resources.tags(rule.description) }),
  );
}

/** A rule for each range; its id holds the range where it is known, so that another range moves no rule. */
export function rulesByCidr(id: string, cidrs: readonly string[], port: number, description: string): SecurityRules {
  return Object.fromEntries(
    [...new Set(cidrs)].map((cidr, index) => [
      `${id}-${isExpression(cidr) ? index : cidr.replace("/", "-")}`,
      { port, peer: { cidrIpv4: cidr }, description },
    ]),
  );
}

function ruleConfig({ port, peer, description }: SecurityRule) {
  return { ipProtocol: "tcp", fromPort: port, toPort: port, description, ...peer };
}
