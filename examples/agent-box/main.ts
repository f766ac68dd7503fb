// An agent from end to end on AWS: its quota, its key's secret, a machine whose role reads that key, and nothing else of the gateway.
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { App, LocalBackend, TerraformStack } from "cdktf";
import { AgentBox } from "./agent-box";
import { AiGateway, Database, Network, Redis } from "cdktf-ai-gateway";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

const app = new App();
const stack = new TerraformStack(app, "agent-box-aws");
new LocalBackend(stack, { path: "terraform.tfstate" });
new AwsProvider(stack, "aws", { region: "eu-central-1" });

const platform = new AwsPlatform({ region: "eu-central-1" });
const gateway = new AiGateway(stack, "gateway", {
  name: "box-gateway",
  platform,
  network: Network.fromIds({
    vpcId: "vpc-0example",
    subnets: [
      { id: "subnet-0example1", zone: "eu-central-1a" },
      { id: "subnet-0example2", zone: "eu-central-1b" },
    ],
  }),
  database: Database.fromEndpoint({ host: "postgres.corp.example" }),
  redis: Redis.fromEndpoint({ host: "redis.corp.example" }),
  providers: { openai: { models: ["gpt-4o"], default: true } },
  agentDefaults: { qpm: 60, labels: { team: "research" } },
  agents: { "research-agent": { dailyTokens: 2_000_000, dailyBudgetUsd: 110 }, "code-agent": { dailyTokens: 1_000_000 } },
});

new AgentBox(stack, "research", {
  gateway,
  platform,
  agent: "research-agent",
  subnetId: "subnet-0example1",
  program: "/opt/research-agent/run",
});
gateway.registerOutputs();

app.synth();
