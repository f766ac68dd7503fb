// Secrets in HashiCorp Vault: on AWS all of them, on Alibaba Cloud one provider's key, with the rest in KMS.
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { VaultProvider } from "@cdktf/provider-vault/lib/provider";
import { App, LocalBackend, TerraformStack } from "cdktf";
import { AiGateway, AzureAuth, Database, Duration, Network, Redis } from "cdktf-ai-gateway";
import { AlicloudPlatform, AlicloudProvider } from "cdktf-ai-gateway/alicloud";
import { AwsPlatform } from "cdktf-ai-gateway/aws";
import { VaultAuth, VaultStore } from "cdktf-ai-gateway/vault";

const VAULT = "https://vault.corp.example:8200";

const app = new App();

const aws = new TerraformStack(app, "vault-aws");
new LocalBackend(aws, { path: "terraform.tfstate" });
new AwsProvider(aws, "aws", { region: "eu-central-1" });
// Whoever applies gives VAULT_TOKEN, or the runner logs in by itself (authLoginAws): a token here would lie in the synthesized stack.
new VaultProvider(aws, "vault", { address: VAULT, namespace: "platform" });
new AiGateway(aws, "gateway", {
  name: "vault-gateway",
  platform: new AwsPlatform({ region: "eu-central-1" }),
  secretStore: new VaultStore({
    address: VAULT,
    mount: "ai-gateway",
    namespace: "platform/llm",
    auth: VaultAuth.aws({ serverId: "vault.corp.example", tokenTtl: Duration.minutes(30) }),
  }),
  network: Network.fromIds({
    vpcId: "vpc-0example",
    subnets: [
      { id: "subnet-0example1", zone: "eu-central-1a" },
      { id: "subnet-0example2", zone: "eu-central-1b" },
    ],
  }),
  database: Database.fromEndpoint({ host: "postgres.corp.example" }),
  redis: Redis.fromEndpoint({ host: "redis.corp.example" }),
  providers: {
    openai: { models: ["gpt-4o"], default: true },
    azureOpenai: {
      endpoint: "https://corp.openai.azure.com",
      auth: AzureAuth.servicePrincipal(),
      models: [{ name: "gpt-4o-azure", deployment: "gpt-4o-prod", baseModel: "azure/gpt-4o" }],
    },
  },
}).registerOutputs();

const alicloud = new TerraformStack(app, "vault-alicloud");
new LocalBackend(alicloud, { path: "terraform.tfstate" });
new AlicloudProvider(alicloud, "alicloud", { region: "cn-shanghai" });
new VaultProvider(alicloud, "vault", { address: VAULT });
new AiGateway(alicloud, "gateway", {
  name: "mixed-gateway",
  platform: new AlicloudPlatform({ region: "cn-shanghai" }),
  secretStores: { anthropic: new VaultStore({ address: VAULT, auth: VaultAuth.alicloud() }) },
  network: Network.fromIds({
    vpcId: "vpc-uf6example",
    subnets: [
      { id: "vsw-uf6example1", zone: "cn-shanghai-l" },
      { id: "vsw-uf6example2", zone: "cn-shanghai-m" },
    ],
  }),
  database: Database.fromEndpoint({ host: "postgres.corp.example" }),
  redis: Redis.fromEndpoint({ host: "redis.corp.example" }),
  providers: {
    dashscope: { models: ["qwen-plus"], default: true },
    anthropic: { models: [{ name: "claude-opus", upstream: "claude-opus-4-7" }] },
  },
}).registerOutputs();

app.synth();
