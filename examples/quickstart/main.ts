// The gateway of the two documents that this project started from: four providers, four agents, two nodes; on either cloud.
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { App, LocalBackend, TerraformStack } from "cdktf";
import { AiGateway, AiGatewayProps, Database, Network, Redis, usd } from "cdktf-ai-gateway";
import { AlicloudPlatform, AlicloudProvider } from "cdktf-ai-gateway/alicloud";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

/** LiteLLM counts in US dollars; the budgets are given in yuan. */
const YUAN = { perUsd: 7.2 };

const gateway: Omit<AiGatewayProps, "platform" | "network"> = {
  name: "prod-gateway",
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
  agents: {
    "research-agent": { qpm: 120, dailyTokens: 2_000_000, dailyBudgetUsd: usd(800, YUAN) },
    "code-agent": { qpm: 60, dailyTokens: 1_000_000, dailyBudgetUsd: usd(500, YUAN) },
    "support-agent": { qpm: 300, dailyTokens: 3_000_000, dailyBudgetUsd: usd(600, YUAN), models: ["qwen-max", "qwen-plus", "claude-opus"] },
    "schedule-agent": { qpm: 10, dailyTokens: 100_000, dailyBudgetUsd: usd(40, YUAN), models: ["qwen-plus"] },
  },
};

const app = new App();

const alicloud = new TerraformStack(app, "quickstart-alicloud");
new LocalBackend(alicloud, { path: "terraform.tfstate" });
new AlicloudProvider(alicloud, "alicloud", { region: "cn-shanghai" });
new AiGateway(alicloud, "gateway", {
  ...gateway,
  platform: new AlicloudPlatform({ region: "cn-shanghai" }),
  network: Network.fromIds({
    vpcId: "vpc-uf6example",
    subnets: [
      { id: "vsw-uf6example1", zone: "cn-shanghai-l" },
      { id: "vsw-uf6example2", zone: "cn-shanghai-m" },
    ],
  }),
  fixedNodes: 2,
}).registerOutputs();

const aws = new TerraformStack(app, "quickstart-aws");
new LocalBackend(aws, { path: "terraform.tfstate" });
new AwsProvider(aws, "aws", { region: "eu-central-1" });
new AiGateway(aws, "gateway", {
  ...gateway,
  platform: new AwsPlatform({ region: "eu-central-1" }),
  network: Network.fromIds({
    vpcId: "vpc-0example",
    subnets: [
      { id: "subnet-0example1", zone: "eu-central-1a" },
      { id: "subnet-0example2", zone: "eu-central-1b" },
    ],
  }),
}).registerOutputs();

app.synth();
