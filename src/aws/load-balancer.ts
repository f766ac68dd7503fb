import { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { onePerZone } from "../network";
import { BalancerTarget, ListenerSpec, LoadBalancer, LoadBalancerSpec, NodeIngress, PrivateNameSpec } from "../platform";
import { AwsContext } from "./context";
import { listenerRules } from "./listener-rules";
import { ConfigOf, ResourceOf } from "./resource-kinds";
import { letIn, rulesByCidr } from "./security-rules";

/** An internal application load balancer: each listener lets its routes through to a port of the nodes, and answers 404 to the rest. */
export class ApplicationLoadBalancer extends Construct implements LoadBalancer {
  public readonly dnsName: string;
  public readonly targets: readonly BalancerTarget[];
  public readonly nodeIngress: NodeIngress;
  public readonly ready: readonly ITerraformDependable[];

  private readonly balancer: ResourceOf<"loadBalancer">;

  constructor(
    scope: Construct,
    id: string,
    private readonly context: AwsContext,
    spec: LoadBalancerSpec,
  ) {
    super(scope, id);
    const { accessLogsBucket } = context;
    const securityGroup = this.securityGroup(spec);
    this.balancer = context.resources.make("loadBalancer", this, "Balancer", {
      name: spec.name,
      internal: true,
      loadBalancerType: "application",
      subnets: onePerZone(spec.network.subnets).map((subnet) => subnet.id),
      securityGroups: [securityGroup.id],
      idleTimeout: spec.idleTimeoutSeconds,
      dropInvalidHeaderFields: true,
      enableHttp2: true,
      enableDeletionProtection: spec.deletionProtection,
      accessLogs: accessLogsBucket === undefined ? undefined : { bucket: accessLogsBucket, prefix: `${spec.name}/balancer`, enabled: true },
      tags: context.resources.tags(spec.name),
    });
    const listeners = spec.listeners.map((listener) => this.listen(spec, listener));
    this.dnsName = this.balancer.dnsName;
    this.targets = listeners.map(({ target }) => target);
    this.ready = listeners.map(({ listener }) => listener);
    this.nodeIngress = { securityGroupId: securityGroup.id };
  }

  public privateName(scope: Construct, id: string, { domainName, zone, network }: PrivateNameSpec): void {
    const { resources, region } = this.context;
    const name = new Construct(scope, id);
    const zoneId =
      zone?.zoneId ??
      resources.make("privateZone", name, "Zone", {
        name: domainName,
        comment: "The gateway's own name, seen from its network only",
        vpc: [{ vpcId: network.vpcId, vpcRegion: region }],
        tags: resources.tags(domainName),
      }).zoneId;
    resources.make("privateRecord", name, "Record", {
      zoneId,
      name: domainName,
      type: "A",
      alias: { name: this.balancer.dnsName, zoneId: this.balancer.zoneId, evaluateTargetHealth: false },
    });
  }

  /** Nothing leaves it until nodes let themselves be reached. */
  private securityGroup({ name, network, listeners }: LoadBalancerSpec): ResourceOf<"loadBalancerSecurityGroup"> {
    const { resources } = this.context;
    const group = resources.make("loadBalancerSecurityGroup", this, "SecurityGroup", {
      name: `${name}-balancer`,
      description: `The balancer of the gateway ${name}`,
      vpcId: network.vpcId,
      tags: resources.tags(`${name}-balancer`),
    });
    listeners.forEach(({ id, port, allowedCidrs }) =>
      letIn(this.context, this, group.id, rulesByCidr(`${id}From`, allowedCidrs, port, `${id} to the gateway ${name}`)),
    );
    return group;
  }

  private listen(
    spec: LoadBalancerSpec,
    { id, port, nodePort, routes }: ListenerSpec,
  ): { target: BalancerTarget; listener: ResourceOf<"listener"> } {
    const { resources } = this.context;
    const name = `${spec.name}-${id.toLowerCase()}`;
    const group = resources.make("targetGroup", this, `${id}Targets`, { ...targetGroup(spec, nodePort), name, tags: resources.tags(name) });
    const listener = resources.make("listener", this, `${id}Listener`, {
      ...protocol(spec.certificateId),
      loadBalancerArn: this.balancer.arn,
      port,
      defaultAction: [{ type: "fixed-response", fixedResponse: NOT_FOUND }],
      tags: resources.tags(name),
    });
    listenerRules(routes).forEach((rule) =>
      resources.make("listenerRule", this, `${id}Rule-${rule.id}`, {
        listenerArn: listener.arn,
        priority: rule.priority,
        condition: [{ httpRequestMethod: { values: [rule.method] } }, { pathPattern: { values: [...rule.paths] } }],
        action: [{ type: "forward", targetGroupArn: group.arn }],
        tags: resources.tags(name),
      }),
    );
    return { target: { id: group.arn, nodePort }, listener };
  }
}

const NOT_FOUND = {
  contentType: "application/json",
  messageBody: '{"error":{"message":"not found","type":"not_found_error","code":"404"}}',
  statusCode: "404",
};

/** The longest that AWS lets a leaving target finish, in seconds. */
const LONGEST_DRAIN_SECONDS = 3600;

/** LiteLLM answers its readiness in up to 2 seconds, and 503 while its database is away: such a node gets no requests, and is not replaced. */
function targetGroup({ network, drainSeconds, healthCheckPath }: LoadBalancerSpec, nodePort: number): ConfigOf<"targetGroup"> {
  return {
    vpcId: network.vpcId,
    targetType: "instance",
    protocol: "HTTP",
    port: nodePort,
    // Calls take from milliseconds to minutes: by turns, one node would get the long ones.
    loadBalancingAlgorithmType: "least_outstanding_requests",
    deregistrationDelay: String(Math.min(drainSeconds, LONGEST_DRAIN_SECONDS)),
    healthCheck: {
      enabled: true,
      protocol: "HTTP",
      port: "traffic-port",
      path: healthCheckPath,
      matcher: "200",
      timeout: 5,
      interval: 10,
      healthyThreshold: 2,
      unhealthyThreshold: 3,
    },
  };
}

function protocol(certificateArn: string | undefined): Pick<ConfigOf<"listener">, "protocol" | "certificateArn" | "sslPolicy"> {
  return certificateArn === undefined
    ? { protocol: "HTTP" }
    : { protocol: "HTTPS", certificateArn, sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06" };
}
