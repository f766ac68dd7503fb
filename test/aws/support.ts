import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { TerraformStack, Testing } from "cdktf";
import { Construct } from "constructs";
import { AwsPlatform, AwsPlatformProps } from "../../src/aws";
import { Duration } from "../../src/duration";
import { ADMIN_ROUTES, AGENT_ROUTES, READINESS_PATH } from "../../src/litellm/routes";
import { INetwork } from "../../src/network";
import { DriftCheckSpec, FleetSize, GatewayPartName, IGatewayPart, ListenerSpec, LoadBalancerSpec, NodesSpec } from "../../src/platform";
import { Schedule } from "../../src/schedule";

export const REGION = "eu-central-1";
export const ACCOUNT = "123456789012";
export const CERTIFICATE = `arn:aws:acm:${REGION}:${ACCOUNT}:certificate/0a1b2c3d-0000-1111-2222-333344445555`;

export const NETWORK: INetwork = {
  vpcId: "vpc-0abc",
  subnets: [
    { id: "subnet-0a", zone: "eu-central-1a" },
    { id: "subnet-0b", zone: "eu-central-1b" },
  ],
  cidr: "10.0.0.0/16",
};

/** What a resource of the synthesized stack holds; tests know its shape. */
export type Json = any;

/** A stack with the provider, a platform, and a place to make things in. */
export class Sample {
  public readonly stack: TerraformStack;
  public readonly platform: AwsPlatform;

  constructor(props: Partial<AwsPlatformProps> = {}) {
    this.stack = new TerraformStack(Testing.app(), "test");
    new AwsProvider(this.stack, "aws", { region: REGION });
    this.platform = new AwsPlatform({ region: REGION, ...props });
  }

  public synth(): Json {
    return JSON.parse(Testing.synth(this.stack));
  }

  /** The resources of a type, by the construct ids that their logical ids are made from. */
  public resources(type: string): Json[] {
    return Object.values(this.synth().resource?.[type] ?? {});
  }

  public only(type: string): Json {
    const found = this.resources(type);
    expect(found).toHaveLength(1);
    return found[0];
  }

  public part<Part extends GatewayPartName>(part: Part, id = part as string): IGatewayPart<Part> & Construct {
    return Object.assign(new Construct(this.stack, id), { part });
  }
}

export function agents(change: Partial<ListenerSpec> = {}): ListenerSpec {
  return { id: "Agents", port: 80, nodePort: 4000, allowedCidrs: ["10.0.0.0/16"], routes: AGENT_ROUTES, ...change };
}

export function admin(change: Partial<ListenerSpec> = {}): ListenerSpec {
  return { id: "Admin", port: 8080, nodePort: 4001, allowedCidrs: ["10.9.0.0/24"], routes: ADMIN_ROUTES, ...change };
}

export function balancer(change: Partial<LoadBalancerSpec> = {}): LoadBalancerSpec {
  return {
    name: "gw",
    network: NETWORK,
    listeners: [agents(), admin()],
    healthCheckPath: READINESS_PATH,
    idleTimeoutSeconds: 600,
    drainSeconds: 600,
    deletionProtection: true,
    ...change,
  };
}

export const SCALING: FleetSize = { kind: "scaling", minimum: 2, maximum: 4, cpuTargetPercent: 60 };

export function nodes(change: Partial<NodesSpec> = {}): NodesSpec {
  return {
    name: "gw",
    network: NETWORK,
    diskSizeGib: 40,
    size: SCALING,
    role: { roleName: "r", roleArn: "arn", instanceIdentity: "profile", ready: [] },
    userData: "${local.script}",
    targets: [
      { id: "arn:agents", nodePort: 4000 },
      { id: "arn:admin", nodePort: 4001 },
    ],
    ingress: { securityGroupId: "sg-balancer" },
    egressPorts: [443, 5432],
    egressCidrs: ["0.0.0.0/0"],
    launchSeconds: 2700,
    warmUpSeconds: 60,
    drainSeconds: 600,
    deletionProtection: true,
    after: [],
    ...change,
  };
}

export const DRIFT: DriftCheckSpec = { name: "gw", schedule: Schedule.every(Duration.hours(6)), message: '{"check":"drift"}' };
