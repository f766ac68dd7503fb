// A production gateway on AWS: HTTPS under a private name, an admin listener, Azure and Bedrock beside the others, a drift check.
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { App, S3Backend, TerraformStack } from "cdktf";
import { AiGateway, AzureAuth, Certificate, Database, Duration, Network, Redis, Schedule } from "cdktf-ai-gateway";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

const REGION = "eu-central-1";

const app = new App();
const stack = new TerraformStack(app, "aws-production");
const backend = new S3Backend(stack, { bucket: "corp-terraform-state", key: "ai-gateway/prod.tfstate", region: REGION, encrypt: true });
backend.addOverride("use_lockfile", true);
new AwsProvider(stack, "aws", { region: REGION });

const gateway = new AiGateway(stack, "gateway", {
  name: "ai-gateway-${terraform.workspace}",
  platform: new AwsPlatform({
    region: REGION,
    tags: { Team: "platform", Service: "ai-gateway" },
    accessLogsBucket: "corp-access-logs",
    logKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
    transform: { launchTemplate: (config) => ({ ...config, ebsOptimized: "true" }) },
  }),
  network: Network.fromIds({
    vpcId: "vpc-0a1b2c3d4e5f60718",
    subnets: [
      { id: "subnet-0a1b2c3d4e5f60718", zone: "eu-central-1a" },
      { id: "subnet-0a1b2c3d4e5f60719", zone: "eu-central-1b" },
    ],
  }),
  database: Database.fromEndpoint({ host: "litellm.cluster-example.eu-central-1.rds.amazonaws.com", secretName: "ai-gateway/rds" }),
  redis: Redis.fromEndpoint({ host: "master.litellm.example.euc1.cache.amazonaws.com" }),
  providers: {
    azureOpenai: {
      endpoint: "https://corp.openai.azure.com",
      auth: AzureAuth.servicePrincipal(),
      models: [{ name: "gpt-4o", deployment: "gpt-4o-prod", baseModel: "azure/gpt-4o", order: 1 }],
    },
    openai: { models: [{ name: "gpt-4o", order: 2 }, "gpt-4o-mini"], rpmLimit: 500, tpmLimit: 2_000_000 },
    bedrock: { models: [{ name: "nova-pro", upstream: "eu.amazon.nova-pro-v1:0" }] },
    cohere: { models: ["rerank-v3.5"] },
  },
  aliases: { default: "gpt-4o" },
  routing: {
    strategy: "cost-optimized",
    defaultModel: "gpt-4o",
    fallbackModel: "gpt-4o-mini",
    contextWindowFallbacks: { "gpt-4o": ["nova-pro"] },
    timeout: Duration.seconds(300),
  },
  cache: { ttl: Duration.minutes(10) },
  rpmLimit: 3000,
  timezone: "Europe/Berlin",
  minNodes: 2,
  maxNodes: 6,
  instanceType: "c7g.large",
  imageId: "ami-0a1b2c3d4e5f60718",
  agentsFrom: ["10.0.0.0/16", "10.8.0.0/16"],
  adminFrom: ["10.0.9.0/24"],
  // Whoever applies this is not in that range.
  provisioning: "gateway",
  certificate: Certificate.fromId("arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"),
  domainName: "llm.corp.example",
  agents: {
    "research-agent": { qpm: 120, tpm: 200_000, dailyTokens: 2_000_000, dailyBudgetUsd: 110, models: ["gpt-4o", "nova-pro"] },
    "support-agent": { qpm: 300, dailyTokens: 3_000_000, dailyBudgetUsd: 80, models: ["gpt-4o-mini", "rerank-v3.5"] },
  },
  drift: { schedule: Schedule.every(Duration.hours(6)) },
});
gateway.registerOutputs();

app.synth();
