// A production gateway on Alibaba Cloud: a scaling group, HTTPS under a private name, an admin listener, a fine-tuned model on PAI-EAS, a drift check.
import { App, OssBackend, TerraformStack } from "cdktf";
import { AiGateway, Certificate, Database, Duration, Network, PrivateZone, Redis, Schedule } from "cdktf-ai-gateway";
import { AlicloudPlatform, AlicloudProvider } from "cdktf-ai-gateway/alicloud";

const REGION = "cn-shanghai";

const app = new App();
const stack = new TerraformStack(app, "alicloud-production");
new OssBackend(stack, {
  bucket: "corp-terraform-state",
  prefix: "ai-gateway",
  key: "prod.tfstate",
  region: REGION,
  encrypt: true,
  tablestoreEndpoint: "https://corp-tf-lock.cn-shanghai.ots.aliyuncs.com",
  tablestoreTable: "terraform_lock",
});
new AlicloudProvider(stack, "alicloud", { region: REGION, accountType: "Domestic" });

const gateway = new AiGateway(stack, "gateway", {
  name: "ai-gateway-${terraform.workspace}",
  platform: new AlicloudPlatform({ region: REGION, accountId: "1234567890123456", tags: { team: "platform", service: "ai-gateway" } }),
  network: Network.fromIds({
    vpcId: "vpc-uf6example",
    cidr: "10.0.0.0/16",
    subnets: [
      { id: "vsw-uf6example1", zone: "cn-shanghai-l", cidr: "10.0.1.0/24" },
      { id: "vsw-uf6example2", zone: "cn-shanghai-m", cidr: "10.0.2.0/24" },
    ],
  }),
  database: Database.fromEndpoint({ host: "pgm-uf6example.pg.rds.aliyuncs.com" }),
  redis: Redis.fromEndpoint({ host: "r-uf6example.redis.rds.aliyuncs.com" }),
  providers: {
    dashscope: {
      models: [{ name: "qwen-max", upstream: "qwen-max-2026-01-15", baseModel: "dashscope/qwen-max" }, "qwen-plus"],
      default: true,
    },
    "pai-finetune": {
      kind: "openai-compatible",
      baseUrl: "http://1234567890123456.vpc.cn-shanghai.pai-eas.aliyuncs.com/api/predict/support/v1",
      models: [{ name: "support-qwen", price: { inputUsdPerMillionTokens: 0.2, outputUsdPerMillionTokens: 0.6 } }],
    },
    deepseek: { rpmLimit: 300 },
    moonshot: { site: "mainland" },
    zhipu: { site: "mainland", models: ["glm-4.6"] },
  },
  routing: { fallbackModel: "qwen-plus", contentPolicyFallbacks: { "qwen-max": ["deepseek-chat"] } },
  cache: { ttl: Duration.minutes(10) },
  rpmLimit: 1000,
  timezone: "Asia/Shanghai",
  instanceType: "ecs.c7.xlarge",
  imageId: "ubuntu_24_04_x64_20G_alibase_20250101.vhd",
  agentsFrom: ["10.0.0.0/16"],
  adminFrom: ["10.0.9.0/24"],
  // Whoever applies this is not in that range.
  provisioning: "gateway",
  certificate: Certificate.fromId("12345678-cn-shanghai"),
  domainName: "llm.corp.example",
  privateZone: PrivateZone.fromId({ zoneId: "c0example", zoneName: "corp.example" }),
  agents: {
    "research-agent": { qpm: 120, dailyTokens: 2_000_000, dailyBudgetUsd: 110, models: ["qwen-max"] },
    "support-agent": { qpm: 300, dailyTokens: 3_000_000, dailyBudgetUsd: 80, models: ["support-qwen", "qwen-plus"] },
  },
  drift: { schedule: Schedule.every(Duration.hours(6)) },
});
gateway.registerOutputs();

app.synth();
