import { Construct } from "constructs";
import { FleetSize, NodesSpec } from "../platform";
import { albTargets, AlbTarget } from "./alb-target";
import { AlicloudContext } from "./context";
import { fixedInstances } from "./fixed-instances";
import { nodeTemplate } from "./node-template";
import { ResourceOf } from "./resource-kinds";
import { scalingGroups } from "./scaling-groups";
import { allow, dropRest, SecurityRule } from "./security-rules";

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
    ...allow(context, scope, group.id, [...fromBalancer(spec), ...TO_THE_CLOUD, ...toOutside(spec)]),
    dropRest(context, scope, group.id, "ingress", "Nobody but the load balancer reaches a node"),
    dropRest(context, scope, group.id, "egress", "A node goes nowhere else"),
  ];
  return { group, rules };
}

function fromBalancer({ targets, ingress }: NodesSpec): SecurityRule[] {
  const description = "The load balancer, from its addresses in the vSwitches";
  return targets.flatMap(({ nodePort: port }) =>
    (ingress.cidrs ?? []).map((cidr): SecurityRule => ({ direction: "ingress", protocol: "tcp", port, cidr, description })),
  );
}

function toOutside({ egressPorts, egressCidrs }: NodesSpec): SecurityRule[] {
  const description = "Providers, database and cache";
  return egressPorts.flatMap((port) =>
    egressCidrs.map((cidr): SecurityRule => ({ direction: "egress", protocol: "tcp", port, cidr, description })),
  );
}

/** The range in which every VPC finds the cloud's own services. */
function inCloud(protocol: SecurityRule["protocol"], port: number, description: string): SecurityRule {
  return { direction: "egress", protocol, port, cidr: "100.64.0.0/10", description };
}

const TO_THE_CLOUD: readonly SecurityRule[] = [
  inCloud("udp", 53, "The cloud's name servers"),
  inCloud("tcp", 53, "The cloud's name servers, for long answers"),
  inCloud("udp", 123, "The cloud's clocks"),
  inCloud("tcp", 80, "Instance metadata and package mirrors"),
  inCloud("tcp", 443, "KMS, OSS, SLS and Auto Scaling inside the cloud"),
];
