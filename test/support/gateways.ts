import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { App, LocalBackend, TerraformStack, Testing } from "cdktf";
import { AiGateway, AiGatewayProps, Database, GatewayPlatform, Network, Redis } from "cdktf-ai-gateway";
import { AlicloudPlatform, AlicloudProvider } from "cdktf-ai-gateway/alicloud";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

/** The clouds, each with a stack that has its provider, a platform and a network. */
export const CLOUDS = {
  aws: {
    provider: (stack: TerraformStack) => new AwsProvider(stack, "aws", { region: "eu-central-1" }),
    platform: (): GatewayPlatform => new AwsPlatform({ region: "eu-central-1" }),
    network: Network.fromIds({
      vpcId: "vpc-1",
      cidr: "10.0.0.0/16",
      subnets: [
        { id: "subnet-1", zone: "eu-central-1a" },
        { id: "subnet-2", zone: "eu-central-1b" },
      ],
    }),
  },
  alicloud: {
    provider: (stack: TerraformStack) => new AlicloudProvider(stack, "alicloud", { region: "cn-shanghai" }),
    platform: (): GatewayPlatform => new AlicloudPlatform({ region: "cn-shanghai", accountId: "1234567890123456" }),
    network: Network.fromIds({
      vpcId: "vpc-1",
      cidr: "10.0.0.0/16",
      subnets: [
        { id: "vsw-1", zone: "cn-shanghai-l" },
        { id: "vsw-2", zone: "cn-shanghai-m" },
      ],
    }),
  },
} as const;

export type CloudName = keyof typeof CLOUDS;

/** A stack with the cloud's provider and a backend that names no path of this machine. */
export function newStack(cloud: CloudName, app: App = Testing.app(), name = "stack"): TerraformStack {
  const stack = new TerraformStack(app, name);
  new LocalBackend(stack, { path: "terraform.tfstate" });
  CLOUDS[cloud].provider(stack);
  return stack;
}

/** The least that a gateway needs. */
export function minimalProps(cloud: CloudName): AiGatewayProps {
  return {
    name: "gateway",
    platform: CLOUDS[cloud].platform(),
    network: CLOUDS[cloud].network,
    database: Database.fromEndpoint({ host: "postgres.corp.example" }),
    redis: Redis.fromEndpoint({ host: "redis.corp.example" }),
    providers: { openai: { models: ["gpt-4o", "gpt-4o-mini"] }, dashscope: { models: ["qwen-max"] } },
  };
}

/** A gateway in a stack of its own. */
export function gatewayIn(cloud: CloudName, props: Partial<AiGatewayProps> = {}): { stack: TerraformStack; gateway: AiGateway } {
  const stack = newStack(cloud);
  return { stack, gateway: new AiGateway(stack, "gateway", { ...minimalProps(cloud), ...props }) };
}
