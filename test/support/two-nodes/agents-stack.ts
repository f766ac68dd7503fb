import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { App, LocalBackend, TerraformStack } from "cdktf";
import type { MotoNetwork } from "../moto";
import { AgentsProps, AiGateway, Database, Network, Redis, usd } from "cdktf-ai-gateway";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

export const AGENTS_STACK = "agents";
export const GATEWAY = "prod-gateway";

const REGION = "eu-central-1";
const YUAN = { perUsd: 7.2 };

/** The agents of examples/quickstart. */
export const SEED_AGENTS: AgentsProps = {
  "research-agent": { qpm: 120, dailyTokens: 2_000_000, dailyBudgetUsd: usd(800, YUAN) },
  "code-agent": { qpm: 60, dailyTokens: 1_000_000, dailyBudgetUsd: usd(500, YUAN) },
  "support-agent": { qpm: 300, dailyTokens: 3_000_000, dailyBudgetUsd: usd(600, YUAN), models: ["qwen-max", "qwen-plus", "claude-opus"] },
  "schedule-agent": { qpm: 10, dailyTokens: 100_000, dailyBudgetUsd: usd(40, YUAN), models: ["qwen-plus"] },
};

/** The gateway of examples/quickstart on AWS, in a network that exists, with keys that the computer makes which applies it. */
export function synthesizeAgents(output: string, { vpcId, subnets }: MotoNetwork, agents: AgentsProps): void {
  const app = new App({ outdir: output });
  const stack = new TerraformStack(app, AGENTS_STACK);
  new LocalBackend(stack, { path: "terraform.tfstate" });
  new AwsProvider(stack, "aws", { region: REGION });
  new AiGateway(stack, "gateway", {
    name: GATEWAY,
    platform: new AwsPlatform({ region: REGION }),
    network: Network.fromIds({ vpcId, subnets: [...subnets] }),
    database: Database.fromEndpoint({ host: "postgres.corp.example" }),
    redis: Redis.fromEndpoint({ host: "redis.corp.example" }),
    providers: {
      dashscope: {
        models: [{ name: "qwen-max", upstream: "qwen-max-2026-01-15", baseModel: "dashscope/qwen-max" }, "qwen-plus"],
        rpmLimit: 500,
        default: true,
      },
      anthropic: { models: [{ name: "claude-opus", upstream: "claude-opus-4-7" }] },
      openai: { models: [{ name: "gpt-4o", upstream: "gpt-4o-2024-11-20" }] },
      deepseek: {},
    },
    routing: { fallbackModel: "qwen-plus", fallbacks: { "qwen-max": ["claude-opus"] } },
    rpmLimit: 1000,
    adminFrom: ["10.0.9.0/24"],
    provisioning: "runner",
    agents,
  });
  app.synth();
}
