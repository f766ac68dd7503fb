import { VaultProvider } from "@cdktf/provider-vault/lib/provider";
import { TerraformOutput } from "cdktf";
import { CLOUDS, CloudName, gatewayIn, minimalProps, newStack } from "./support/gateways";
import { AgentQuotaKeys, AiGateway, AiGatewayProps, Duration, EncryptionKey } from "cdktf-ai-gateway";
import { AlicloudPlatform } from "cdktf-ai-gateway/alicloud";
import { AwsPlatform } from "cdktf-ai-gateway/aws";
import { resourcesOfType, synthesized, SynthesizedStack } from "cdktf-ai-gateway/testing";
import { VaultAuth, VaultStore } from "cdktf-ai-gateway/vault";

const NAMES = Object.keys(CLOUDS) as CloudName[];
const AGENTS = { "research-agent": { qpm: 120 }, "code-agent": { qpm: 60 } };
const GATEWAY = { agents: AGENTS, provisioning: "gateway" } as const;

function settings({ locals = {} }: SynthesizedStack): Record<string, unknown> {
  const [, text] = Object.entries(locals).find(([id]) => id.includes("Cluster_Settings"))!;
  return JSON.parse(text as string) as Record<string, unknown>;
}

interface Statement {
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: object;
}

/** What the nodes may do, of the agents' secrets, of the key and of the bucket. */
function statements(cloud: CloudName, stack: SynthesizedStack): Statement[] {
  const policies = resourcesOfType(stack, cloud === "aws" ? "aws_iam_role_policy" : "alicloud_ram_policy");
  const texts = policies.map(({ policy, policy_document: document }) => String(policy ?? document));
  return texts.flatMap((text) => (JSON.parse(text) as { Statement: Statement[] }).Statement);
}

function about(cloud: CloudName, stack: SynthesizedStack, what: string): Statement[] {
  return statements(cloud, stack).filter(({ Resource }) => Resource.some((resource) => resource.includes(what)));
}

describe.each(NAMES)('provisioning: "gateway" on %s', (cloud) => {
  const made = (props: Partial<AiGatewayProps> = {}): SynthesizedStack => synthesized(gatewayIn(cloud, { ...GATEWAY, ...props }).stack);

  it("tells the nodes which object says what is desired, and how often to look", () => {
    expect(settings(made()).provisioning).toMatchObject({
      bucket: expect.stringMatching(/^\$\{/) as string,
      key: "agents/desired.json",
      secrets: "gateway/agents/",
      intervalSeconds: 300,
      encryptionKeyId: expect.stringMatching(/^\$\{/) as string,
    });
    const often = { provisioningInterval: Duration.minutes(1), encryptionKey: EncryptionKey.fromId(KEYS[cloud]) };
    expect(settings(made(often)).provisioning).toMatchObject({ intervalSeconds: 60, encryptionKeyId: KEYS[cloud] });
  });

  it("lets the nodes read that object, and no other beside their own", () => {
    const key = (props: Partial<AiGatewayProps>): string[] =>
      about(cloud, made(props), "/agents/desired.json").flatMap(({ Action }) => Action);
    expect(key({})).toEqual([cloud === "aws" ? "s3:GetObject" : "oss:GetObject"]);
    expect(about(cloud, made(), "agents/desired.json")[0]!.Resource).toHaveLength(1);
    expect(key({ provisioning: "none" })).toEqual([]);
    expect(key({ provisioning: "runner", adminFrom: ["10.0.9.0/24"] })).toEqual([]);
  });

  it("lets the nodes write the agents' secrets and no others", () => {
    const [write, ...others] = about(cloud, made(), "gateway/agents/");
    expect(others).toEqual([]);
    expect(write!.Action).toEqual(
      cloud === "aws"
        ? ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"]
        : ["kms:GetSecretValue", "kms:ListSecretVersionIds", "kms:PutSecretValue", "kms:CreateSecret"],
    );
    expect(write!.Resource).toEqual([
      expect.stringMatching(cloud === "aws" ? /:secret:gateway\/agents\/\*-\?{6}$/ : /:secret\/gateway\/agents\/\*$/),
    ]);
    const writing = statements(cloud, made()).filter(({ Action }) => Action.some((action) => /Put|Create|Update|Delete/.test(action)));
    expect(writing.filter(({ Resource }) => JSON.stringify(Resource).includes("secret"))).toEqual([write]);
    const encrypting = (stack: SynthesizedStack): Statement[] =>
      statements(cloud, stack).filter(({ Action }) => Action.includes("kms:GenerateDataKey"));
    expect(encrypting(made()).map(({ Action }) => Action)).toEqual([["kms:Decrypt", "kms:GenerateDataKey"]]);
    expect(encrypting(made({ provisioning: "none" }))).toEqual([]);
  });

  it("a change of a quota changes the object and nothing else", () => {
    const changed = made({ agents: { ...AGENTS, "code-agent": { qpm: 61 } } });
    const type = cloud === "aws" ? "aws_s3_object" : "alicloud_oss_bucket_object";
    const object = (stack: SynthesizedStack) => resourcesOfType(stack, type).filter(({ key }) => key === "agents/desired.json");
    const others = (stack: SynthesizedStack): string =>
      JSON.stringify(stack, (_, value: unknown) =>
        (value as { key?: unknown } | null)?.key === "agents/desired.json" && (value as { content?: unknown }).content ? "" : value,
      ).replace(/assets\/[^"]*agents\.json/g, "");
    expect(object(changed)).toHaveLength(1);
    expect(JSON.parse(String(object(changed)[0]!.content))).toMatchObject({
      agents: [{ name: "code-agent", qpm: 61 }, { name: "research-agent" }],
    });
    expect(others(changed)).toBe(others(made()));
  });

  it("a label that looks like an expression of Terraform is none", () => {
    const stack = made({ agents: { a: { qpm: 1, labels: { team: "${path.root}" } } } });
    expect(JSON.stringify(stack.resource)).toContain("$${path.root}");
  });

  it("says what an existing role must be allowed", () => {
    const existingRole = { roleName: "corp-nodes" };
    const { stack, gateway } = gatewayIn(cloud, { ...GATEWAY, existingRole });
    new TerraformOutput(stack, "required", { value: gateway.role.requiredPolicy() });
    expect(JSON.stringify(synthesized(stack).output)).toMatch(/gateway\/agents\/\*/);
  });

  it("an interval that is none is refused, and a cluster takes one set of agents", () => {
    expect(() => gatewayIn(cloud, { agents: AGENTS, adminFrom: ["10.0.9.0/24"], provisioningInterval: Duration.minutes(1) })).toThrow(
      'provisioningInterval: with provisioning: "runner" no node makes keys; leave it out, or say provisioning: "gateway"',
    );
    expect(() => gatewayIn(cloud, { ...GATEWAY, provisioningInterval: Duration.seconds(1) })).toThrow(
      "provisioningInterval: 1s is not a whole number of seconds from 60 to 86400",
    );
    const { stack, gateway } = gatewayIn(cloud, GATEWAY);
    expect(() => new AgentQuotaKeys(stack, "more", { cluster: gateway.cluster, secrets: gateway.secrets, agents: AGENTS })).toThrow(
      'cluster: "gateway" has the agents of stack/gateway/Agents already; give them all to one AgentQuotaKeys',
    );
  });
});

const KEYS: Readonly<Record<CloudName, string>> = { aws: "arn:aws:kms:eu-central-1:123456789012:key/k-1", alicloud: "k-1" };

describe('provisioning: "gateway" with secrets', () => {
  it("on AWS, that only named ones may touch: the nodes are among them for the agents' own", () => {
    const administrators = ["arn:aws:iam::123456789012:role/apply"];
    const platform = new AwsPlatform({ region: "eu-central-1", secrets: { administrators } });
    const open = (provisioning: AiGatewayProps["provisioning"]): number[] =>
      resourcesOfType(synthesized(gatewayIn("aws", { ...GATEWAY, platform, provisioning }).stack), "aws_secretsmanager_secret_policy")
        .filter(({ secret_arn: arn }) => String(arn).includes("Agents_Secrets"))
        .map(
          ({ policy }) =>
            (JSON.parse(String(policy)) as { Statement: { Condition: { ArnNotEquals: { "aws:PrincipalArn": string[] } } }[] })
              .Statement[0]!,
        )
        .map(({ Condition }) => Condition.ArnNotEquals["aws:PrincipalArn"].length);
    expect(open("gateway")).toEqual([2, 2]);
    expect(open("none")).toEqual([1, 1]);
  });

  it("in an instance of KMS: the nodes make them there", () => {
    const platform = new AlicloudPlatform({ region: "cn-shanghai", accountId: "1234567890123456", kmsInstanceId: "kst-1example" });
    const { stack } = gatewayIn("alicloud", { ...GATEWAY, platform });
    expect(settings(synthesized(stack)).store).toEqual({ kind: "alicloud-kms", region: "cn-shanghai", kmsInstance: "kst-1example" });
  });

  it.each(NAMES)("in Vault, from %s: by one more policy of the nodes' role there", (cloud) => {
    const stack = newStack(cloud);
    new VaultProvider(stack, "vault", { address: "https://vault.corp.example" });
    const auth = cloud === "aws" ? VaultAuth.aws() : VaultAuth.alicloud();
    const secretStore = new VaultStore({ address: "https://vault.corp.example", auth });
    new AiGateway(stack, "gateway", { ...minimalProps(cloud), ...GATEWAY, secretStore });
    const json = synthesized(stack);
    const policies = resourcesOfType(json, "vault_policy");
    expect(policies.map(({ name }) => name)).toEqual(["gateway", "gateway-write"]);
    expect(policies[1]!.policy).toBe(
      'path "secret/data/gateway/agents/+" {\n  capabilities = ["create", "read", "update"]\n}\n\n' +
        'path "secret/metadata/gateway/agents/+" {\n  capabilities = ["read"]\n}\n',
    );
    const [role] = resourcesOfType(json, cloud === "aws" ? "vault_aws_auth_backend_role" : "vault_alicloud_auth_backend_role");
    expect(role!.token_policies).toHaveLength(2);
    expect(settings(json).provisioning).not.toHaveProperty("encryptionKeyId");
    expect(JSON.stringify(statements(cloud, json))).not.toContain("gateway/agents/*");
  });
});
