import { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { BalancerTarget, ListenerSpec, LoadBalancer, LoadBalancerSpec, NodeIngress, PrivateNameSpec } from "../platform";
import { subnetRanges } from "./address-ranges";
import { AlbTarget } from "./alb-target";
import { AlicloudContext } from "./context";
import { ruleMatches } from "./listener-rules";
import { PrivateName } from "./private-name";
import { ConfigOf, ResourceOf } from "./resource-kinds";
import { allow, dropRest, SecurityRule } from "./security-rules";
import { zonesOf } from "./zones";

/** An internal application load balancer (ALB, Standard edition) with one listener and one server group for each port. */
export class AlbLoadBalancer extends Construct implements LoadBalancer {
  public readonly dnsName: string;
  public readonly targets: readonly BalancerTarget[];
  public readonly nodeIngress: NodeIngress;
  public readonly ready: readonly ITerraformDependable[];

  constructor(
    scope: Construct,
    id: string,
    private readonly context: AlicloudContext,
    spec: LoadBalancerSpec,
  ) {
    super(scope, id);
    const balancer = context.resources.make("loadBalancer", this, "LoadBalancer", {
      loadBalancerName: spec.name,
      loadBalancerEdition: "Standard",
      addressType: "Intranet",
      vpcId: spec.network.vpcId,
      // One vSwitch stands for a zone.
      zoneMappings: zonesOf(spec.network.subnets).map(({ name, subnets }) => ({ zoneId: name, vswitchId: subnets[0].id })),
      loadBalancerBillingConfig: { payType: "PayAsYouGo" },
      deletionProtectionConfig: { enabled: spec.deletionProtection },
    });
    const guards = guard(this, context, spec, balancer.id);
    const serverGroups = spec.listeners.map((listener) => serverGroup(this, context, spec, listener));
    const nowhere = emptyServerGroup(this, context, spec);
    const doors = spec.listeners.flatMap((listener, index) =>
      door(this, context, {
        spec,
        listener,
        balancerId: balancer.id,
        serverGroupId: serverGroups[index]!.id,
        nowhereId: nowhere.id,
        guards,
      }),
    );

    this.dnsName = balancer.dnsName;
    this.ready = [...guards, ...doors];
    this.targets = spec.listeners.map(({ nodePort }, index) => new AlbTarget(serverGroups[index]!, nodePort, this.ready));
    // ALB has no security group of its own on the way to the nodes: it comes from addresses in its vSwitches.
    this.nodeIngress = { cidrs: subnetRanges(this, context, spec.network) };
  }

  public privateName(scope: Construct, id: string, spec: PrivateNameSpec): void {
    new PrivateName(scope, id, this.context, { ...spec, target: this.dnsName });
  }
}

/**
 * Lets in who may reach each listener. An ALB in a security group that only allows still lets in everybody:
 * the rule that drops the rest is what shuts it.
 * @see https://www.alibabacloud.com/help/en/slb/application-load-balancer/use-alb-security-groups-to-implement-blacklist-and-whitelist-access-policies
 */
function guard(scope: Construct, context: AlicloudContext, spec: LoadBalancerSpec, balancerId: string): ITerraformDependable[] {
  const group = context.resources.make("loadBalancerSecurityGroup", scope, "SecurityGroup", {
    securityGroupName: `${spec.name}-alb`,
    description: `Who may reach the load balancer of the gateway ${spec.name}`,
    vpcId: spec.network.vpcId,
    innerAccessPolicy: "Drop",
  });
  const rules = [
    dropRest(context, scope, group.id, "ingress", "Nobody else reaches a listener"),
    ...allow(context, scope, group.id, spec.listeners.flatMap(callersOf)),
  ];
  const attachment = context.resources.make("loadBalancerSecurityGroupAttachment", scope, "SecurityGroupAttachment", {
    loadBalancerId: balancerId,
    securityGroupId: group.id,
    dependsOn: rules,
  });
  return [attachment];
}

function callersOf({ id, port, allowedCidrs }: ListenerSpec): SecurityRule[] {
  return allowedCidrs.map((cidr) => ({ direction: "ingress", protocol: "tcp", port, cidr, description: `Callers of the listener ${id}` }));
}

function serverGroup(scope: Construct, { resources }: AlicloudContext, spec: LoadBalancerSpec, { id }: ListenerSpec) {
  return resources.make("serverGroup", scope, `${id}Servers`, {
    ...serverGroupBase(spec, id.toLowerCase()),
    healthCheckConfig: {
      healthCheckEnabled: true,
      healthCheckProtocol: "HTTP",
      healthCheckMethod: "GET",
      healthCheckPath: spec.healthCheckPath,
      healthCheckCodes: ["http_2xx"],
      healthCheckInterval: 10,
      healthCheckTimeout: 5,
      healthyThreshold: 2,
      unhealthyThreshold: 3,
    },
    connectionDrainConfig: {
      connectionDrainEnabled: true,
      connectionDrainTimeout: Math.min(spec.drainSeconds, LONGEST_DRAIN_SECONDS),
    },
  });
}

/** A listener's default can only be a server group: one without servers, so that nothing gets past the rules. */
function emptyServerGroup(scope: Construct, { resources }: AlicloudContext, spec: LoadBalancerSpec) {
  return resources.make("serverGroup", scope, "Nowhere", {
    ...serverGroupBase(spec, "nowhere"),
    healthCheckConfig: { healthCheckEnabled: false },
  });
}

function serverGroupBase(spec: LoadBalancerSpec, suffix: string) {
  return {
    serverGroupName: `${spec.name}-${suffix}`,
    serverGroupType: "Instance",
    vpcId: spec.network.vpcId,
    protocol: "HTTP",
    // Streams last long: the node with the fewest connections takes the next.
    scheduler: "Wlc",
  };
}

interface DoorSpec {
  readonly spec: LoadBalancerSpec;
  readonly listener: ListenerSpec;
  readonly balancerId: string;
  readonly serverGroupId: string;
  readonly nowhereId: string;
  readonly guards: readonly ITerraformDependable[];
}

/** A listener, and the rules that let through its routes and answer 404 to all else. */
function door(scope: Construct, { resources }: AlicloudContext, { spec, listener, ...parts }: DoorSpec): ITerraformDependable[] {
  const seconds = Math.min(spec.idleTimeoutSeconds, LONGEST_TIMEOUT_SECONDS);
  const made = resources.make("listener", scope, listener.id, {
    loadBalancerId: parts.balancerId,
    listenerDescription: `${spec.name}-${listener.id.toLowerCase()}`,
    listenerPort: listener.port,
    ...protocolOf(spec.certificateId),
    idleTimeout: seconds,
    requestTimeout: seconds,
    // Compression would hold back the small pieces of a stream.
    gzipEnabled: false,
    defaultActions: [{ type: "ForwardGroup", ...forwardTo(parts.nowhereId) }],
    // Never open before the security group stands in front of it.
    dependsOn: [...parts.guards],
  });
  const base = { listenerId: made.id };
  const matches = ruleMatches(listener.routes);
  const routes = matches.map(({ method, paths }, index) =>
    resources.make("listenerRule", scope, `${listener.id}Routes${index}`, {
      ...base,
      ruleName: `${spec.name}-${listener.id.toLowerCase()}-${index}`,
      priority: index + 1,
      ruleConditions: [
        { type: "Method", methodConfig: { values: [method] } },
        { type: "Path", pathConfig: { values: [...paths] } },
      ],
      ruleActions: [{ order: 1, type: "ForwardGroup", ...forwardTo(parts.serverGroupId) }],
    }),
  );
  const rest = resources.make("listenerRule", scope, `${listener.id}Rest`, {
    ...base,
    ruleName: `${spec.name}-${listener.id.toLowerCase()}-rest`,
    priority: LOWEST_PRIORITY,
    ruleConditions: [{ type: "Path", pathConfig: { values: ["/*"] } }],
    ruleActions: [
      { order: 1, type: "FixedResponse", fixedResponseConfig: { content: "not found", contentType: "text/plain", httpCode: "404" } },
    ],
  });
  return [made, ...routes, rest];
}

function protocolOf(certificateId: string | undefined): Pick<ConfigOf<"listener">, "certificates" | "securityPolicyId" | "http2Enabled"> & {
  readonly listenerProtocol: string;
} {
  return certificateId === undefined
    ? { listenerProtocol: "HTTP" }
    : {
        listenerProtocol: "HTTPS",
        certificates: [{ certificateId }],
        securityPolicyId: "tls_cipher_policy_1_2_strict_with_1_3",
        http2Enabled: true,
      };
}

function forwardTo(serverGroupId: ResourceOf<"serverGroup">["id"]) {
  return { forwardGroupConfig: { serverGroupTuples: [{ serverGroupId }] } };
}

/** @see https://www.alibabacloud.com/help/en/slb/application-load-balancer/developer-reference/api-alb-2020-06-16-createlistener */
const LONGEST_TIMEOUT_SECONDS = 600;
/** @see https://www.alibabacloud.com/help/en/slb/application-load-balancer/developer-reference/api-alb-2020-06-16-createservergroup */
const LONGEST_DRAIN_SECONDS = 900;
const LOWEST_PRIORITY = 10_000;
