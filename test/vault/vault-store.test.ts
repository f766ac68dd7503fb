import { generateKeyPairSync } from "node:crypto";
import { rootCertificates } from "node:tls";
import { DefaultTokenResolver, StringConcat, TerraformProvider, TerraformStack, Testing, Tokenization } from "cdktf";
import { Construct } from "constructs";
import { AccessStatement, IAccessRole } from "../../src/access";
import { VaultAuth, VaultStore, VaultStoreProps } from "../../src/vault";
import { minimalProps, newStack } from "../support/gateways";
import { ADDRESS, gatewayIn, resources, storeFor, synthesized, vaultStack } from "./support";
import { AiGateway, ConfigError, Duration, LlmSecrets } from "cdktf-ai-gateway";

const [AUTHORITY, OTHER_AUTHORITY] = rootCertificates as [string, string];

/** All that is said of these props. */
function problems(props: Partial<VaultStoreProps>): readonly string[] {
  try {
    new VaultStore({ address: ADDRESS, auth: VaultAuth.aws(), ...props });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** What the type system would stop in TypeScript still comes from JavaScript. */
const untyped = (props: object): Partial<VaultStoreProps> => props;

describe("what a node is told", () => {
  it("is where Vault is and how to log in, with Vault's own names by default", () => {
    expect(storeFor("aws").settings("gwy")).toEqual({
      kind: "vault",
      address: ADDRESS,
      mount: "secret",
      namespace: undefined,
      caCertificate: undefined,
      auth: { method: "aws", mount: "aws", role: "gwy", serverId: undefined },
    });
    expect(storeFor("alicloud").settings("gwy").auth).toEqual({ method: "alicloud", mount: "alicloud", role: "gwy", serverId: undefined });
  });

  it("is what the props say", () => {
    const store = storeFor("aws", {
      mount: "team/kv",
      namespace: "admin/team-a",
      caCertificate: AUTHORITY,
      auth: VaultAuth.aws({ mount: "aws/prod", serverId: "vault.corp.example", role: "gwy-eu" }),
    });
    expect(store.settings("gwy")).toEqual({
      kind: "vault",
      address: ADDRESS,
      mount: "team/kv",
      namespace: "admin/team-a",
      caCertificate: AUTHORITY,
      auth: { method: "aws", mount: "aws/prod", role: "gwy-eu", serverId: "vault.corp.example" },
    });
  });
});

describe("a secret's name", () => {
  const said = (name: string): string[] => storeFor("aws").nameProblems("secretName", name);

  it.each([["gwy/openai"], ["a"], ["gw-${terraform.workspace}/openai"], ["${var.name}"], ["a_b/c.d=e@f!g-h"], ["x".repeat(512)]])(
    "%j passes",
    (name) => expect(said(name)).toEqual([]),
  );

  it.each([
    [""],
    ["a*"],
    ["a/+/b"],
    ["+"],
    ["a b"],
    ["/a"],
    ["a/"],
    ["a//b"],
    ["../a"],
    ["a/./b"],
    ["a/.."],
    ['a"b'],
    ["a{{b}}"],
    ["${a b}"],
    ["x".repeat(513)],
  ])("%j is refused", (name) =>
    expect(said(name)).toEqual([expect.stringContaining(`secretName: ${JSON.stringify(name)} is not a path in Vault`)]),
  );
});

describe("a key", () => {
  it("is Vault's own: none is made, and none of the user's fits", () => {
    const stack = vaultStack("aws");
    const gateway = gatewayIn(stack, "aws");
    expect(gateway.secrets.key).toBeUndefined();
    expect(resources(stack, "aws_kms_key")).toEqual([]);
    expect(() => gatewayIn(vaultStack("aws"), "aws", { encryptionKey: { id: "arn:key" } })).toThrow(
      'encryptionKey: "arn:key" can not encrypt what lies in Vault, which has keys of its own; leave it out',
    );
  });
});

describe("what the nodes may read", () => {
  it("is exactly their secrets, on AWS with the role of the nodes and nobody else's", () => {
    const stack = vaultStack("aws");
    const gateway = gatewayIn(stack, "aws");
    expect(resources(stack, "vault_policy")).toEqual([
      {
        name: "gateway",
        policy: [
          'path "secret/data/gateway/openai" {\n  capabilities = ["read"]\n}\n',
          'path "secret/data/gateway/dashscope" {\n  capabilities = ["read"]\n}\n',
          'path "secret/data/gateway/master-key" {\n  capabilities = ["read"]\n}\n',
          'path "secret/data/gateway/salt-key" {\n  capabilities = ["read"]\n}\n',
          'path "secret/data/gateway/database" {\n  capabilities = ["read"]\n}\n',
          'path "secret/data/gateway/redis" {\n  capabilities = ["read"]\n}\n',
        ].join("\n"),
      },
    ]);
    expect(resources(stack, "vault_aws_auth_backend_role")).toEqual([
      {
        role: "gateway",
        backend: "aws",
        auth_type: "iam",
        bound_iam_principal_arns: [`\${replace(${nodesArn(gateway)}, "/:role/.+//", ":role/")}`],
        resolve_aws_unique_ids: false,
        token_policies: [expect.stringMatching(/^\$\{vault_policy\.[\w-]+\.name\}$/)],
        token_no_default_policy: true,
        token_ttl: 3600,
        token_max_ttl: 3600,
      },
    ]);
    expect(resources(stack, "vault_alicloud_auth_backend_role")).toEqual([]);
  });

  it("is exactly their secrets, on Alibaba Cloud with the role of the nodes and nobody else's", () => {
    const stack = vaultStack("alicloud");
    const store = storeFor("alicloud", { auth: VaultAuth.alicloud({ mount: "ali", tokenTtl: Duration.minutes(20) }) });
    const gateway = gatewayIn(stack, "alicloud", { secretStore: store });
    expect(resources(stack, "vault_alicloud_auth_backend_role")).toEqual([
      {
        role: "gateway",
        backend: "ali",
        arn: `\${${nodesArn(gateway)}}`,
        token_policies: [expect.stringMatching(/^\$\{vault_policy\.[\w-]+\.name\}$/)],
        token_no_default_policy: true,
        token_ttl: 1200,
        token_max_ttl: 1200,
      },
    ]);
    expect(resources(stack, "vault_aws_auth_backend_role")).toEqual([]);
    expect(resources(stack, "vault_policy")).toHaveLength(1);
  });

  it("leaves the cloud's own store out, and what lies there out of Vault", () => {
    const stack = vaultStack("alicloud");
    gatewayIn(stack, "alicloud", { secretStore: undefined, secretStores: { openai: storeFor("alicloud", { mount: "kv" }) } });
    expect(resources(stack, "vault_policy").map(({ policy }) => policy)).toEqual([
      'path "kv/data/gateway/openai" {\n  capabilities = ["read"]\n}\n',
    ]);
    const granted = JSON.stringify(resources(stack, "alicloud_ram_policy"));
    expect(granted).toContain("secret/gateway/dashscope");
    expect(granted).not.toContain("secret/gateway/openai");
  });

  it("comes from no data source, and no secret is a resource", () => {
    const stack = vaultStack("aws");
    gatewayIn(stack, "aws");
    const { resource, data = {} } = synthesized(stack);
    expect(Object.keys(data).filter((type) => type.startsWith("vault_"))).toEqual([]);
    expect(Object.keys(resource).filter((type) => type.startsWith("vault_"))).toEqual(["vault_aws_auth_backend_role", "vault_policy"]);
    expect(Object.keys(resource).filter((type) => type.startsWith("aws_secretsmanager_"))).toEqual([]);
  });
});

describe("another reader", () => {
  it("logs in with a role of its own", () => {
    const stack = vaultStack("aws");
    const { secrets } = gatewayIn(stack, "aws");
    secrets.grantRead(new Reader(stack, "Audit Job", "arn:aws:iam::123456789012:role/team/audit"));
    expect(names(stack)).toEqual(["gateway", "gateway-audit-job"]);
    expect(resources(stack, "vault_aws_auth_backend_role").find(({ role }) => role === "gateway-audit-job")).toMatchObject({
      bound_iam_principal_arns: ['${replace("arn:aws:iam::123456789012:role/team/audit", "/:role/.+//", ":role/")}'],
    });
  });

  it("that reads nothing of this store gets nothing", () => {
    const stack = vaultStack("aws");
    storeFor("aws").grantRead(stack, "Read", { gateway: "gwy", names: [], reader: new Reader(stack, "R", "arn") });
    expect(stack.node.tryFindChild("Read")).toBeUndefined();
  });
});

describe("two of one name in one Vault", () => {
  const twice = (one: Partial<VaultStoreProps>, other: Partial<VaultStoreProps>) => () => {
    const stack = vaultStack("aws");
    gatewayIn(stack, "aws", { secretStore: storeFor("aws", one), secretStores: { openai: storeFor("aws", other) } });
    return names(stack);
  };

  it("are an error, since one would overwrite the other", () => {
    expect(twice({}, { mount: "kv" })).toThrow(
      'role: "gateway" is in this Vault that of stack/gateway/Secrets/Read-Role already; give one VaultAuth a `role` of its own',
    );
  });

  it("are none in two Vaults, in two namespaces, or under two names", () => {
    expect(twice({}, { address: "https://other.corp.example" })()).toEqual(["gateway", "gateway"]);
    expect(twice({}, { namespace: "team-a" })()).toEqual(["gateway", "gateway"]);
    expect(twice({}, { mount: "kv", auth: VaultAuth.aws({ role: "gateway-kv" }) })()).toEqual(["gateway", "gateway-kv"]);
  });
});

describe("the provider of Vault", () => {
  it("is the user's, in the library's range of versions", () => {
    const stack = vaultStack("aws");
    gatewayIn(stack, "aws");
    expect(synthesized(stack).terraform.required_providers.vault?.version).toBe(">= 5, < 6");
  });

  it("is missed with the line to add", () => {
    expect(() => gatewayIn(newStack("aws"), "aws")).toThrow(`new VaultProvider(this, "vault", { address: "${ADDRESS}" })`);
  });

  it("may be one with an alias, which all resources then have", () => {
    expect(() => gatewayIn(vaultStack("aws", { alias: "prod" }), "aws")).toThrow("the stack has no provider of Vault without an alias");
    const stack = vaultStack("aws", { alias: "prod" });
    const provider = stack.node.findAll().find((child) => TerraformProvider.isTerraformProvider(child) && child.alias === "prod");
    gatewayIn(stack, "aws", { secretStore: storeFor("aws", { provider: provider as TerraformProvider }) });
    const made = [...resources(stack, "vault_policy"), ...resources(stack, "vault_aws_auth_backend_role")];
    expect(made.map((resource) => resource.provider)).toEqual(["vault.prod", "vault.prod"]);
  });

  it("has no token of its own in the stack", () => {
    const token = ["hvs", Math.random().toString(36).slice(2)].join(".");
    const refused = () => gatewayIn(vaultStack("aws", { token }), "aws");
    expect(refused).toThrow("has a token, which the synthesized stack would hold; leave it out and set VAULT_TOKEN instead");
    expect(refused).not.toThrow(token);
    expect(() => gatewayIn(vaultStack("aws", { token: "${var.vault_token}" }), "aws")).not.toThrow();
  });

  it.each([
    [undefined, undefined, undefined],
    [undefined, "admin/team-a", "admin/team-a"],
    ["admin", "admin", undefined],
    ["admin", "admin/team-a/llm", "team-a/llm"],
    ["${var.namespace}", "${var.namespace}", undefined],
    ["${var.namespace}", "${var.namespace}/llm", "llm"],
  ])("of namespace %s reaches the store's %s by %s", (ofProvider, ofStore, relative) => {
    const stack = vaultStack("aws", { namespace: ofProvider });
    gatewayIn(stack, "aws", { secretStore: storeFor("aws", { namespace: ofStore }) });
    expect(resources(stack, "vault_policy").map(({ namespace }) => namespace)).toEqual([relative]);
    expect(resources(stack, "vault_aws_auth_backend_role").map(({ namespace }) => namespace)).toEqual([relative]);
  });

  it.each([
    ["admin", undefined, 'namespace: none, which is the root, does not lie in that of the stack\'s VaultProvider, "admin"'],
    ["admin", "admin2", 'namespace: "admin2" does not lie in that of the stack\'s VaultProvider, "admin"'],
    ["admin/team-a", "admin", 'namespace: "admin" does not lie in'],
  ])("of namespace %s does not reach the store's %s", (ofProvider, ofStore, message) => {
    const stack = vaultStack("aws", { namespace: ofProvider });
    expect(() => gatewayIn(stack, "aws", { secretStore: storeFor("aws", { namespace: ofStore }) })).toThrow(message);
  });
});

describe("props", () => {
  it.each<[string, Partial<VaultStoreProps>]>([
    ["a port and IPv6", { address: "https://[fd00::1]:8200" }],
    ["plain http to a proxy on the node", { address: "http://127.0.0.1:8100" }],
    ["an address that only Terraform knows", { address: "${var.vault}" }],
    ["two authorities", { caCertificate: `${AUTHORITY}\n${OTHER_AUTHORITY}\n` }],
    ["an authority that only Terraform knows", { caCertificate: "${var.authority}" }],
    ["the shortest and the longest life of a token", { auth: VaultAuth.aws({ tokenTtl: Duration.minutes(2) }) }],
    ["a day", { auth: VaultAuth.alicloud({ tokenTtl: Duration.days(1) }) }],
  ])("%s pass", (_what, props) => expect(problems(props)).toEqual([]));

  it.each<[string, Partial<VaultStoreProps>, string]>([
    ["plain http", { address: "http://vault.corp.example:8200" }, 'address: "http://vault.corp.example:8200" is not an https:// address'],
    ["a slash at the end", { address: "https://vault.corp.example/" }, 'address: "https://vault.corp.example/" is not an https:// address'],
    ["a path", { address: "https://corp.example/v1" }, "address: "],
    ["a password in the address", { address: "https://me:you@vault.corp.example" }, "address: "],
    ["no address", untyped({ address: undefined }), "address: none is given"],
    ["no login", untyped({ auth: undefined }), "auth: none is given"],
    ["a login that is none", untyped({ auth: { method: "aws" } }), 'auth: {"method":"aws"} is not VaultAuth.aws() or VaultAuth.alicloud()'],
    ["an unknown prop", untyped({ path: "secret" }), 'path: "path" is not a prop'],
    ["a mount with slashes", { mount: "/secret/" }, 'mount: "/secret/" is not a path without / at its ends'],
    ["a mount with a wildcard", { mount: "kv*" }, 'mount: "kv*" is not'],
    ["a namespace with a slash", { namespace: "admin/" }, 'namespace: "admin/" is not a namespace without / at its ends'],
    ["a file's path", { caCertificate: "./vault-ca.pem" }, "caCertificate: it is not the text of one or more certificates in PEM"],
    ["half a certificate", { caCertificate: AUTHORITY.replace(/[A-Za-z0-9+/]{64}\n/, "") }, "caCertificate: it is not the text"],
    ["something beside a certificate", { caCertificate: `${AUTHORITY}\nand more` }, "caCertificate: it is not the text"],
    ["an auth mount with slashes", { auth: VaultAuth.aws({ mount: "aws/" }) }, 'auth.mount: "aws/" is not a path'],
    ["a role in capitals", { auth: VaultAuth.aws({ role: "Gateway" }) }, 'auth.role: "Gateway" is not a name of lower-case letters'],
    ["a server id with a line break", { auth: VaultAuth.aws({ serverId: "a\nb" }) }, 'auth.serverId: "a\\nb" is not a value of a header'],
    [
      "a token of a minute",
      { auth: VaultAuth.aws({ tokenTtl: Duration.minutes(1) }) },
      "auth.tokenTtl: 1m is not a whole number of seconds from 120 to 86400",
    ],
    ["a token of two days", { auth: VaultAuth.alicloud({ tokenTtl: Duration.days(2) }) }, "auth.tokenTtl: 2d is not"],
    ["a life that is a number", { auth: VaultAuth.aws({ tokenTtl: 60 } as object) }, "auth.tokenTtl: 60 is not a Duration"],
    ["a server id on Alibaba Cloud", { auth: VaultAuth.alicloud({ serverId: "x" } as object) }, 'auth.serverId: "serverId" is not a prop'],
  ])("%s is refused", (_what, props, message) => expect(problems(props)).toEqual([expect.stringContaining(message)]));

  it("that are wrong are told together", () => {
    expect(problems({ address: "vault", mount: "/", auth: VaultAuth.aws({ mount: "/" }) })).toHaveLength(3);
  });

  it("a private key is refused, and not told", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    const said = problems({ caCertificate: `${AUTHORITY}\n${pem}` });
    expect(said).toEqual([expect.stringMatching(/^caCertificate: /)]);
    expect(said.join()).not.toContain(pem.split("\n")[1]);
  });
});

it("a gateway's secrets alone make nothing in Vault, and need no provider", () => {
  const stack = newStack("aws");
  const secrets = new LlmSecrets(stack, "Secrets", { ...minimalProps("aws"), secretStore: storeFor("aws"), mintSecrets: "none" });
  expect(secrets.ready).toEqual([]);
  expect(Testing.synth(stack)).not.toContain("vault_policy");
});

/** The names of the policies. */
function names(stack: TerraformStack): unknown[] {
  return resources(stack, "vault_policy")
    .map(({ name }) => name)
    .sort();
}

/** A role that was made elsewhere. */
class Reader extends Construct implements IAccessRole {
  public readonly roleName = "reader";

  constructor(
    scope: Construct,
    id: string,
    public readonly roleArn: string,
  ) {
    super(scope, id);
  }

  public allow(statement: AccessStatement): void {
    throw new Error(`Vault needs no statement of the cloud's, such as ${statement.sid}`);
  }
}

/** The ARN of the nodes' role, as an expression without its braces. */
function nodesArn({ role }: AiGateway): string {
  return (
    Tokenization.resolve(role.roleArn, { scope: role, resolver: new DefaultTokenResolver(new StringConcat()), preparing: false }) as string
  ).slice(2, -1);
}
