import { Construct } from "constructs";
import { FleetSize, NodesSpec } from "../platform";
import { albTargets, AlbTarget } from "./alb-target";
import { AlicloudContext } from "./context";
import { fixedInstances } from "./fixed-instances";
import { nodeTemplate } from "./node-template";
import { ResourceOf } from "./resource-kinds";
import { scalingGroups } from "./scaling-groups";
import { allow, dropRest, SecurityRule, SecurityRules } from "./security-rules";

/** The nodes: their security group, their launch template, and a fleet that scales or is of fixed size. */
export class EcsNodes extends Construct {
  constructor(scope: Construct, id: string, context: AlicloudContext, spec: NodesSpec) {
    super(scope, id);
    const { group, rules } = nodeSecurityGroup(this, context, spec);
    const template = nodeTemplate(this, context, spec, group.id);
    const fleet: Fleet<FleetSize> = {
      scope: this,
      context,
      spec,
      template,
      targets: albTargets(spec.targets),
      after: [...rules, ...spec.role.ready, ...spec.after],
    };
    FLEETS[spec.size.kind](fleet as never);
  }
}

/** What a fleet is made of. */
export interface Fleet<Size extends FleetSize> {
  readonly scope: Construct;
  readonly context: AlicloudContext;
  readonly spec: NodesSpec & { readonly size: Size };
  readonly template: ResourceOf<"launchTemplate">;
  readonly targets: readonly AlbTarget[];
  readonly after: NodesSpec["after"];
}

const FLEETS: { readonly [Kind in FleetSize["kind"]]: (fleet: Fleet<Extract<FleetSize, { kind: Kind }>>) => void } = {
  scaling: scalingGroups,
  fixed: fixedInstances,
};

/** Lets the balancer in, and the nodes out to where they must go; a security group lets out everything unless told otherwise. */
function nodeSecurityGroup(scope: Construct, context: AlicloudContext, spec: NodesSpec) {
  const group = context.resources.make("nodeSecurityGroup", scope, "SecurityGroup", {
    securityGroupName: `${spec.name}-nodes`,
    description: `The nodes of the gateway ${spec.name}`,
    vpcId: spec.network.vpcId,
    innerAccessPolicy: "Drop",
  });
  const rules = [
    ...allow(context, scope, group.id, { ...fromBalancer(spec), ...toOutside(spec), ...TO_THE_CLOUD }),
    dropRest(context, scope, group.id, "ingress", "Nobody but the load balancer reaches a node"),
    dropRest(context, scope, group.id, "egress", "A node goes nowhere else"),
  ];
  return { group, rules };
}

function fromBalancer({ targets, ingress }: NodesSpec): SecurityRules {
  return Object.fromEntries(
    targets.flatMap(({ nodePort: port }) =>
      (ingress.cidrs ?? []).map((cidr, index) => [
        `Port${port}From${index}`,
        {
          direction: "ingress",
          protocol: "tcp",
          port,
          cidr,
          description: "The load balancer, from its addresses in the vSwitches",
        } as const,
      ]),
    ),
  );
}

function toOutside({ egressPorts, egressCidrs }: NodesSpec): SecurityRules {
  return Object.fromEntries(
    egressPorts.flatMap((port) =>
      [...new Set(egressCidrs)].map((cidr, index) => [
        `Port${port}To${index}`,
        { direction: "egress", protocol: "tcp", port, cidr, description: "Providers, database and cache" } as const,
      ]),
    ),
  );
}

/** The range in which every VPC finds the cloud's own services. */
function inCloud(protocol: SecurityRule["protocol"], port: number, description: string): SecurityRule {
  return { direction: "egress", protocol, port, cidr: "100.64.0.0/10", description };
}

const TO_THE_CLOUD: SecurityRules = {
  CloudDns: inCloud("udp", 53, "The cloud's name servers"),
  CloudDnsLong: inCloud("tcp", 53, "The cloud's name servers, for long answers"),
  CloudNtp: inCloud("udp", 123, "The cloud's clocks"),
  CloudHttp: inCloud("tcp", 80, "Instance metadata and package mirrors"),
  CloudHttps: inCloud("tcp", 443, "KMS, OSS and SLS inside the cloud"),
};
