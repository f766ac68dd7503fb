import { AnnotationMetadataEntryType } from "cdktf";
import { Construct } from "constructs";
import { minimalProps, newStack } from "./support/gateways";
import { AiGateway, GatewayRole, LlmSecrets, SecretStore } from "cdktf-ai-gateway";
import { AlicloudPlatform } from "cdktf-ai-gateway/alicloud";
import { AwsPlatform } from "cdktf-ai-gateway/aws";
import { resourcesOfType, SynthesizedStack, synthesized } from "cdktf-ai-gateway/testing";

const aws = (secrets = {}) => new AwsPlatform({ region: "eu-central-1", accountId: "123456789012", secrets });
const alicloud = (secrets = {}) => new AlicloudPlatform({ region: "cn-shanghai", accountId: "1234567890123456", secrets });
const { providers, database, redis } = minimalProps("aws");

function local(stack: SynthesizedStack, part: string): unknown {
  const [, text] = Object.entries(stack.locals ?? {}).find(([id]) => id.includes(part)) ?? [];
  return JSON.parse(text as string);
}

/** A store that notes who may read what. */
class OtherStore implements SecretStore {
  public readonly granted: string[] = [];
  public readonly declared: string[] = [];
  constructor(private readonly address = "https://vault.corp.example") {}
  public settings() {
    return { kind: "vault", address: this.address, mount: "secret", auth: { method: "aws", mount: "aws", role: "gateway" } } as const;
  }
  public nameProblems = (prop: string, name: string) => (name.startsWith("x") ? [`${prop}: no x`] : []);
  public keyProblems = (prop: string) => [`${prop}: no key`];
  public key = () => undefined;
  public declare(_scope: Construct, _id: string, { secrets }: Parameters<SecretStore["declare"]>[2]) {
    this.declared.push(...secrets.map(({ name }) => name));
    return new Map<string, never>();
  }
  public grantRead(_scope: Construct, _id: string, { names, reader, gateway }: Parameters<SecretStore["grantRead"]>[2]) {
    this.granted.push(...names.map((name) => `${reader.node.id} reads ${name} of ${gateway}`));
  }
  public grantWrite(_scope: Construct, _id: string, { below, writer }: Parameters<SecretStore["grantWrite"]>[2]) {
    this.granted.push(`${writer.node.id} writes ${below}`);
  }
}

describe("secrets in several stores", () => {
  const stack = newStack("aws");
  const vault = new OtherStore();
  const gateway = new AiGateway(stack, "gateway", { ...minimalProps("aws"), platform: aws(), secretStores: { openai: vault } });
  const json = synthesized(stack);

  test("a provider's key lies in the store that is named for it, and is granted there only", () => {
    expect(vault.granted).toEqual(["Role reads gateway/openai of gateway"]);
    expect(vault.declared).toEqual(["gateway/openai"]);
    const [policy] = resourcesOfType(json, "aws_iam_role_policy").filter(({ name }) => name === "gateway");
    expect(policy!.policy).toContain("secret:gateway/dashscope-");
    expect(policy!.policy).not.toContain("secret:gateway/openai-");
    expect(resourcesOfType(json, "aws_secretsmanager_secret").map(({ name }) => name)).not.toContain("gateway/openai");
  });

  test("a node is told of both, and where each secret lies", () => {
    const settings = local(json, "Cluster_Settings") as { store: unknown; stores: unknown; secrets: { name: string; store?: string }[] };
    expect(settings.store).toEqual({ kind: "aws-secrets-manager", region: "eu-central-1" });
    expect(settings.stores).toEqual({ vault: vault.settings() });
    expect(Object.fromEntries(settings.secrets.map(({ name, store }) => [name, store]))).toEqual({
      "gateway/openai": "vault",
      "gateway/dashscope": undefined,
      "gateway/master-key": undefined,
      "gateway/salt-key": undefined,
    });
  });

  test("the command is told of all secrets, whose they are, and of no value", () => {
    expect(local(json, "Secrets_Document")).toEqual({
      version: 1,
      gateway: "gateway",
      stores: { vault: vault.settings(), "aws-secrets-manager": { kind: "aws-secrets-manager", region: "eu-central-1" } },
      secrets: [
        { name: "gateway/openai", purpose: "the key of provider openai", owner: "user", takenAtStart: false, store: "vault", fields: [] },
        {
          name: "gateway/dashscope",
          purpose: "the key of provider dashscope",
          owner: "user",
          takenAtStart: false,
          store: "aws-secrets-manager",
          fields: [],
        },
        {
          name: "gateway/master-key",
          purpose: "mints the agents' keys",
          owner: "gateway",
          takenAtStart: true,
          store: "aws-secrets-manager",
          fields: [],
        },
        expect.objectContaining({ name: "gateway/salt-key", owner: "gateway" }),
        expect.objectContaining({ name: "gateway/database", owner: "user", takenAtStart: true, fields: ["password"] }),
        expect.objectContaining({ name: "gateway/redis", owner: "user", fields: [] }),
      ],
    });
    expect(gateway.secrets.names).toHaveLength(6);
  });

  test("two stores of a kind are told apart by a number", () => {
    const other = newStack("aws");
    const secretStores = { openai: new OtherStore("https://one.example"), dashscope: new OtherStore("https://two.example") };
    new LlmSecrets(other, "secrets", { platform: aws(), name: "gateway", providers, secretStores });
    expect(local(synthesized(other), "Document")).toMatchObject({
      stores: { vault: { address: "https://one.example" }, "vault-2": { address: "https://two.example" } },
    });
  });

  test("all in another store: no key, and nothing of the cloud's own store", () => {
    const other = newStack("aws");
    const secretStore = new OtherStore();
    const secrets = new LlmSecrets(other, "secrets", { platform: aws(), name: "gateway", providers, database, redis, secretStore });
    new GatewayRole(other, "role", { platform: aws(), name: "gateway", secrets });
    expect(secrets.key).toBeUndefined();
    expect(secretStore.granted).toHaveLength(6);
    expect(JSON.stringify(synthesized(other).resource)).not.toMatch(/secretsmanager|aws_kms/);
  });

  test.each([
    [{ secretStores: { opnai: new OtherStore() } }, /secretStores\.opnai: .*openai/],
    [{ secretStore: new OtherStore(), encryptionKey: { id: "k" } }, /encryptionKey: no key/],
    [{ secretStore: new OtherStore(), database: { ...database, secretName: "x" } }, /database\.secretName: no x/],
  ])("%# is refused", (props, message) => {
    const make = () => new LlmSecrets(newStack("aws"), "secrets", { platform: aws(), name: "gateway", providers, ...props });
    expect(make).toThrow(message);
  });
});

test("a login of the other cloud's is refused", () => {
  const make = (props: object) => () =>
    new LlmSecrets(newStack("alicloud"), "secrets", { platform: alicloud(), name: "gateway", providers, ...props });
  expect(make({ secretStore: new OtherStore() })).toThrow(
    "secretStore: VaultAuth.aws() is not for a gateway on alicloud; use VaultAuth.alicloud()",
  );
  expect(make({ secretStores: { openai: new OtherStore() } })).toThrow("secretStores.openai: VaultAuth.aws() is not for");
});

describe("on AWS", () => {
  const made = (secrets: object, props: object = {}) => {
    const stack = newStack("aws");
    const platform = aws(secrets);
    const made_ = new LlmSecrets(stack, "secrets", { platform, name: "gateway", providers, ...props });
    return { stack, platform, secrets: made_ };
  };

  test("each of its own is made empty, with its key, and can be brought back for 30 days", () => {
    const secrets = resourcesOfType(synthesized(made({}).stack), "aws_secretsmanager_secret");
    expect(secrets.map(({ name }) => name).sort()).toEqual([
      "gateway/dashscope",
      "gateway/master-key",
      "gateway/openai",
      "gateway/salt-key",
    ]);
    for (const secret of secrets) {
      expect(secret).toMatchObject({ recovery_window_in_days: 30, kms_key_id: expect.stringMatching(/aws_kms_key\..*\.arn/) as unknown });
    }
    expect(synthesized(made({}).stack).resource.aws_secretsmanager_secret_version).toBeUndefined();
  });

  test("what is named otherwise is somebody else's, and is not made", () => {
    const named = { openai: { models: ["gpt-4o"], secretName: "team/openai" } };
    const secrets = resourcesOfType(synthesized(made({}, { providers: named }).stack), "aws_secretsmanager_secret");
    expect(secrets.map(({ name }) => name).sort()).toEqual(["gateway/master-key", "gateway/salt-key"]);
  });

  test("one whose value was put before the first apply is taken over, by its very name", () => {
    const { import: blocks } = synthesized(made({}).stack) as unknown as { import: { for_each: string; to: string; id: string }[] };
    expect(blocks).toHaveLength(4);
    expect(blocks[0]).toEqual({
      for_each: expect.stringMatching(
        /^\$\{toset\(\[for arn in data\.aws_secretsmanager_secrets\.\w+\.arns .*":secret:gateway\/openai"\)\]\)\}$/,
      ) as unknown,
      to: expect.stringMatching(/^aws_secretsmanager_secret\.\w*openai\w*$/) as unknown,
      id: "${each.value}",
    });
  });

  test("administrators and readers, and nobody else, may touch the values; all others may still mend the secret", () => {
    const { stack, secrets, platform } = made({ administrators: ["arn:aws:iam::123456789012:role/apply"] });
    new GatewayRole(stack, "role", { platform, name: "gateway", secrets });
    const [policy] = resourcesOfType(synthesized(stack), "aws_secretsmanager_secret_policy");
    expect((JSON.parse(policy!.policy as string) as { Statement: unknown }).Statement).toEqual([
      {
        Sid: "ValuesOnlyForThese",
        Effect: "Deny",
        Principal: "*",
        Action: [
          "secretsmanager:GetSecretValue",
          "secretsmanager:BatchGetSecretValue",
          "secretsmanager:PutSecretValue",
          "secretsmanager:UpdateSecretVersionStage",
        ],
        Resource: "*",
        Condition: {
          ArnNotEquals: {
            "aws:PrincipalArn": ["arn:aws:iam::123456789012:role/apply", expect.stringMatching(/^\$\{aws_iam_role\..*\.arn\}$/)],
          },
        },
      },
    ]);
    expect(synthesized(made({}).stack).resource.aws_secretsmanager_secret_policy).toBeUndefined();
  });

  test("a value that Terraform writes comes in by an ephemeral variable", () => {
    const json = synthesized(made({ writeOnly: { openai: 3 } }).stack) as unknown as { variable: Record<string, object> };
    expect(json.variable).toMatchObject({ gateway_openai: { ephemeral: true, sensitive: true, type: "string", nullable: false } });
    expect(resourcesOfType(json as never, "aws_secretsmanager_secret_version")).toMatchObject([
      { secret_string_wo: "${var.gateway_openai}", secret_string_wo_version: 3 },
    ]);
  });

  test.each([
    [{ recoveryWindowDays: 3 }, "secrets.recoveryWindowDays: 3 is not a whole number from 7 to 30"],
    [{ administrators: ["arn:aws:iam::123456789012:user/me"] }, "secrets.administrators[0]: "],
    [{ replicaRegions: ["eu-central-1"] }, 'secrets.replicaRegions[0]: "eu-central-1" is the secrets\' own region'],
    [{ replicaRegions: ["europe"] }, "secrets.replicaRegions[0]: "],
    [{ writeOnly: { openai: 0 } }, "secrets.writeOnly.openai: "],
  ])("%j is refused", (secrets, message) => {
    expect(() => aws(secrets)).toThrow(message);
  });

  test("a value of no secret of the gateway's is refused", () => {
    expect(() => made({ writeOnly: { opnai: 1 } })).toThrow(/secrets\.writeOnly\.opnai: .*openai/);
  });
});

describe("on Alibaba Cloud", () => {
  const made = (secrets: object, removal?: "destroy") => {
    const stack = newStack("alicloud");
    const secrets_ = new LlmSecrets(stack, "secrets", { platform: alicloud(secrets), name: "gateway", providers, removal });
    return {
      stack,
      warnings: secrets_.node
        .findAll()
        .flatMap(({ node }) => node.metadata)
        .filter(({ type }) => type === (AnnotationMetadataEntryType.WARN as string))
        .map(({ data }) => String(data)),
    };
  };

  test("names are all that Terraform knows", () => {
    const { stack, warnings } = made({});
    expect(synthesized(stack).resource.alicloud_kms_secret).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  test("with management by Terraform the providers' secrets are made with their values, and synthesis warns", () => {
    const { stack, warnings } = made({ management: "terraform", versionIds: { openai: "v7" } });
    const json = synthesized(stack) as SynthesizedStack & { variable: object };
    expect(resourcesOfType(json, "alicloud_kms_secret")).toMatchObject([
      { secret_name: "gateway/dashscope", secret_data: "${var.gateway_dashscope}", version_id: "v1", recovery_window_in_days: 30 },
      { secret_name: "gateway/openai", secret_data: "${var.gateway_openai}", version_id: "v7", recovery_window_in_days: 30 },
    ]);
    expect(json.variable).toMatchObject({ gateway_openai: { sensitive: true }, gateway_dashscope: { sensitive: true } });
    expect(warnings).toEqual([expect.stringContaining("are in the Terraform state")]);
    const [gone] = resourcesOfType(synthesized(made({ management: "terraform" }, "destroy").stack), "alicloud_kms_secret");
    expect(gone).toMatchObject({ force_delete_without_recovery: true });
  });

  test.each([
    [{ management: "vault" }, 'secrets.management: "vault" is not "names" or "terraform"'],
    [{ versionIds: { openai: "v2" } }, 'secrets.versionIds.openai: has no use without management: "terraform"'],
    [{ recoveryWindowDays: 30 }, "secrets.recoveryWindowDays: has no use"],
    [{ management: "terraform", recoveryWindowDays: 31 }, "secrets.recoveryWindowDays: 31 is not"],
    [{ management: "terraform", versionIds: { openai: "a b" } }, "secrets.versionIds.openai: "],
  ])("%j is refused", (secrets, message) => {
    expect(() => alicloud(secrets)).toThrow(message);
  });
});
