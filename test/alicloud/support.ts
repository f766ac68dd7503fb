import { LocalBackend, TerraformOutput, TerraformStack, Testing } from "cdktf";
import { Construct } from "constructs";
import { AlicloudPlatform, AlicloudPlatformProps, AlicloudProvider } from "../../src/alicloud";
import { ADMIN_ROUTES, AGENT_ROUTES } from "../../src/litellm";
import { Network } from "../../src/network";
import { GatewayPartName, IGatewayPart, ListenerSpec, LoadBalancer, LoadBalancerSpec, NodeRole, NodesSpec } from "../../src/platform";

/** A stack with a provider, and nothing else. */
export function newStack(): TerraformStack {
  const stack = new TerraformStack(Testing.app(), "stack");
  new LocalBackend(stack, { path: "terraform.tfstate" });
  new AlicloudProvider(stack, "alicloud", { region: "cn-shanghai" });
  return stack;
}

/** A platform that reads nothing of the account. */
export function newPlatform(props: Partial<AlicloudPlatformProps> = {}): AlicloudPlatform {
  return new AlicloudPlatform({ region: "cn-shanghai", accountId: "1234567890123456", ...props });
}

export const NETWORK = Network.fromIds({
  vpcId: "vpc-1",
  cidr: "10.0.0.0/16",
  subnets: [
    { id: "vsw-1", zone: "cn-shanghai-l", cidr: "10.0.1.0/24" },
    { id: "vsw-2", zone: "cn-shanghai-m", cidr: "10.0.2.0/24" },
  ],
});

export const AGENTS: ListenerSpec = { id: "Agents", port: 443, nodePort: 4000, allowedCidrs: ["10.0.0.0/16"], routes: AGENT_ROUTES };
export const ADMIN: ListenerSpec = {
  id: "Admin",
  port: 8443,
  nodePort: 4001,
  allowedCidrs: ["10.9.0.0/24", "10.9.1.0/24"],
  routes: ADMIN_ROUTES,
};

export function balancerSpec(spec: Partial<LoadBalancerSpec> = {}): LoadBalancerSpec {
  return {
    name: "gateway",
    network: NETWORK,
    listeners: [AGENTS, ADMIN],
    healthCheckPath: "/health/readiness",
    idleTimeoutSeconds: 600,
    drainSeconds: 600,
    certificateId: "12345-cn-hangzhou",
    deletionProtection: false,
    ...spec,
  };
}

export function nodesSpec(role: NodeRole, balancer: LoadBalancer, spec: Partial<NodesSpec> = {}): NodesSpec {
  return {
    name: "gateway",
    network: NETWORK,
    imageId: "ubuntu_24_04_x64_20G_alibase_20250101.vhd",
    diskSizeGib: 40,
    size: { kind: "scaling", minimum: 2, maximum: 5, cpuTargetPercent: 60 },
    role,
    userData: "#!/bin/bash\necho hello\n",
    targets: balancer.targets,
    ingress: balancer.nodeIngress,
    egressPorts: [443, 5432],
    egressCidrs: ["0.0.0.0/0"],
    launchSeconds: 2700,
    warmUpSeconds: 60,
    drainSeconds: 600,
    deletionProtection: false,
    after: balancer.ready,
    ...spec,
  };
}

/** A part of a gateway, as the constructs have them. */
export class Part<Name extends GatewayPartName> extends Construct implements IGatewayPart<Name> {
  constructor(
    scope: Construct,
    id: string,
    public readonly part: Name,
  ) {
    super(scope, id);
  }
}

/** Any part of synthesized JSON. */
type Json = any;

/** The stack's resources of a type, in the order in which they were made. */
export function resources(stack: TerraformStack, type: string): Json[] {
  return Object.values(synthesized(stack).resource?.[type] ?? {});
}

/** The only resource of a type. */
export function only(stack: TerraformStack, type: string): Json {
  const all = resources(stack, type);
  expect(all).toHaveLength(1);
  return all[0];
}

export function synthesized(stack: TerraformStack): Json {
  return JSON.parse(Testing.synth(stack));
}

/** A value as Terraform gets it. */
export function rendered(stack: TerraformStack, value: unknown): Json {
  const output = new TerraformOutput(stack, `rendered-${stack.node.children.length}`, { value, staticId: true });
  const { value: text } = synthesized(stack).output[output.friendlyUniqueId];
  stack.node.tryRemoveChild(output.node.id);
  return text;
}
