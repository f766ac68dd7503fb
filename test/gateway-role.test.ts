import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { TerraformOutput, TerraformStack } from "cdktf";
import { CLOUDS, CloudName, gatewayIn, minimalProps, newStack } from "./support/gateways";
import { Duration, ExistingRole, GatewayRole, GatewayRoleProps, LiteLlmCluster, LlmSecrets, ProvidersProps } from "cdktf-ai-gateway";
import { resourcesOfType, synthesized } from "cdktf-ai-gateway/testing";

interface Document {
  readonly Statement: readonly { readonly Action: string[]; readonly Resource: string[] }[];
}

/** What IAM and RAM call the same things. */
const WORDS = {
  aws: {
    role: "aws_iam_role",
    session: "max_session_duration",
    roleTypes: ["aws_iam_role", "aws_iam_role_policy", "aws_iam_policy", "aws_iam_instance_profile"],
    read: "secretsmanager:GetSecretValue",
    complete: "autoscaling:CompleteLifecycleAction",
  },
  alicloud: {
    role: "alicloud_ram_role",
    session: "max_session_duration",
    roleTypes: ["alicloud_ram_role", "alicloud_ram_policy", "alicloud_ram_role_policy_attachment"],
    read: "kms:GetSecretValue",
    complete: "ess:CompleteLifecycleAction",
  },
} as const;

const NAMES = Object.keys(CLOUDS) as CloudName[];

/** As many providers with a key of their own. */
function providers(count: number): ProvidersProps {
  const one = { kind: "openai-compatible", baseUrl: "https://llm.corp.example/v1", models: ["m"] } as const;
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`provider-of-a-long-name-${index}`, one]));
}

function secretsIn(stack: TerraformStack, cloud: CloudName, count = 1): LlmSecrets {
  return new LlmSecrets(stack, "secrets", { ...minimalProps(cloud), providers: providers(count) });
}

function made(cloud: CloudName, props: Partial<GatewayRoleProps> = {}, count = 1): { stack: TerraformStack; role: GatewayRole } {
  const stack = newStack(cloud);
  const { platform, name } = minimalProps(cloud);
  return { stack, role: new GatewayRole(stack, "role", { platform, name, secrets: secretsIn(stack, cloud, count), ...props }) };
}

function imported(cloud: CloudName, existing: ExistingRole = { roleName: "corp-llm-nodes" }) {
  const stack = newStack(cloud);
  new NullProvider(stack, "null");
  const { database, redis, ...props } = minimalProps(cloud);
  const secrets = new LlmSecrets(stack, "secrets", { ...props, database, redis });
  const role = GatewayRole.fromRoleName(stack, "role", { platform: props.platform, name: props.name, secrets, ...existing });
  new LiteLlmCluster(stack, "cluster", { ...props, database, redis, secrets, role });
  new TerraformOutput(stack, "required", { value: role.requiredPolicy() });
  return { stack, role };
}

function required(stack: TerraformStack): Document {
  const { output } = synthesized(stack) as unknown as { output: { required: { value: string } } };
  return JSON.parse(output.required.value) as Document;
}

/** The texts of all policies of the nodes' role, in the order in which they were made. */
function policies(stack: TerraformStack): string[] {
  const inline = resourcesOfType(synthesized(stack), "aws_iam_role_policy").map(({ policy }) => policy as string);
  const managed = resourcesOfType(synthesized(stack), "aws_iam_policy").map(({ policy }) => policy as string);
  const ram = resourcesOfType(synthesized(stack), "alicloud_ram_policy").map(({ policy_document: text }) => text as string);
  return [...inline, ...managed, ...ram];
}

function applied(text: string): string {
  return text
    .replaceAll(/\$\{data\.aws_partition[^}]*\}/g, "aws-us-gov")
    .replaceAll(/\$\{data\.aws_caller_identity[^}]*\}/g, "123456789012")
    .replaceAll(/\$\{[^}]*\}/g, "x".repeat(90));
}

describe.each(NAMES)("on %s", (cloud) => {
  const words = WORDS[cloud];

  it("a session may be as long as is said, and no longer than the cloud allows", () => {
    const [role] = resourcesOfType(synthesized(made(cloud, { maxSessionDuration: Duration.hours(2) }).stack), words.role);
    expect(role![words.session]).toBe(7200);
    expect(() => made(cloud, { maxSessionDuration: Duration.minutes(59) })).toThrow(
      "maxSessionDuration: 59m is not a whole number of seconds",
    );
    expect(() => made(cloud, { maxSessionDuration: Duration.hours(13) })).toThrow("from 3600 to 43200");
  });

  it("an existing role is given nothing, and told all that the nodes need", () => {
    const { stack, role } = imported(cloud);
    expect(words.roleTypes.flatMap((type) => resourcesOfType(synthesized(stack), type))).toEqual([]);
    expect(role).toMatchObject({ roleName: "corp-llm-nodes", instanceIdentity: "corp-llm-nodes", ready: [] });
    const actions = required(stack).Statement.flatMap(({ Action }) => Action);
    expect(actions).toEqual(expect.arrayContaining([words.read, words.complete, "kms:Decrypt"]));
  });

  it("a role without any grant has a policy that the cloud takes, which allows what everybody may", () => {
    const stack = newStack(cloud);
    const { platform, name } = minimalProps(cloud);
    platform.role(stack, "role", { name, description: "a role", statements: () => [] });
    const [document] = policies(stack).map((text) => JSON.parse(text) as Document);
    expect(document!.Statement).toEqual([expect.objectContaining({ Action: ["sts:GetCallerIdentity"], Resource: ["*"] })]);
  });

  it("what a made role must be allowed is what it is allowed", () => {
    const { stack, role } = made(cloud);
    new TerraformOutput(stack, "required", { value: role.requiredPolicy() });
    expect(policies(stack).map((text) => JSON.parse(text) as Document)).toEqual([required(stack)]);
  });

  it.each([1, 100, 300])("%i secrets are all read, by policies of a length that the cloud takes", (count) => {
    const { stack } = made(cloud, {}, count);
    const texts = policies(stack);
    const longest = (index: number): number => (cloud === "aws" && index === 0 ? 10_240 - 512 : 6144);
    expect(texts.map((text, index) => applied(text).length <= longest(index))).toEqual(texts.map(() => true));
    const read = texts
      .flatMap((text) => (JSON.parse(text) as Document).Statement)
      .filter(({ Action }) => Action.includes(words.read))
      .flatMap(({ Resource }) => Resource);
    expect(new Set(read).size).toBe(count + ["master-key", "salt-key", "database", "redis"].length);
    expect(read).toHaveLength(new Set(read).size);
  });

  it("nodes wait for every policy", () => {
    const { stack } = made(cloud, {}, 300);
    const json = synthesized(stack);
    const type = cloud === "aws" ? "aws_iam_role_policy_attachment" : "alicloud_ram_role_policy_attachment";
    const waiting = resourcesOfType(json, cloud === "aws" ? "aws_iam_instance_profile" : type) as { depends_on?: string[] }[];
    const others = resourcesOfType(json, type).length - (cloud === "aws" ? 0 : 1);
    expect(others).toBeGreaterThan(0);
    const awaited = waiting.flatMap(({ depends_on: first = [] }) => first);
    // Terraform takes an address there, and no expression.
    expect(awaited.filter((address) => address.startsWith(`${type}.`))).toHaveLength(others);
  });

  it("a whole gateway hands its role's props on, or takes a role that is there", () => {
    const existingRole = { roleName: "corp-llm-nodes" };
    const [role] = resourcesOfType(synthesized(gatewayIn(cloud, { maxSessionDuration: Duration.hours(2) }).stack), words.role);
    expect(role![words.session]).toBe(7200);
    const { stack, gateway } = gatewayIn(cloud, { existingRole, provisioning: "none" });
    expect(resourcesOfType(synthesized(stack), words.role)).toEqual([]);
    expect(gateway.role.roleName).toBe("corp-llm-nodes");
    expect(() => gatewayIn(cloud, { existingRole, maxSessionDuration: Duration.hours(2) })).toThrow(
      'maxSessionDuration: it is set where the existing role "corp-llm-nodes" is made; leave it out here',
    );
  });

  it("too many secrets for any role are refused at synthesis", () => {
    expect(() => synthesized(made(cloud, {}, 1500).stack)).toThrow("secrets: what the role must read takes");
  });
});

describe("on AWS only", () => {
  const BOUNDARY = "arn:aws:iam::123456789012:policy/corp/boundary";

  it("a boundary bounds the role", () => {
    const [role] = resourcesOfType(synthesized(made("aws", { permissionsBoundary: BOUNDARY }).stack), "aws_iam_role");
    expect(role!.permissions_boundary).toBe(BOUNDARY);
    expect(() => made("aws", { permissionsBoundary: "boundary" })).toThrow(
      'permissionsBoundary: "boundary" is not the ARN of a managed policy',
    );
  });

  it("a shell is for who asks for it, by the least that Session Manager needs", () => {
    const shell = (shellAccess?: boolean) => policies(made("aws", { shellAccess }).stack).join().includes("ssmmessages:OpenDataChannel");
    expect([shell(), shell(false), shell(true)]).toEqual([false, false, true]);
    expect(policies(made("aws", { shellAccess: true }).stack).join()).not.toContain("ssm:GetParameter");
  });

  it("an existing role has the path that is named in its ARN", () => {
    const arn = (rolePath?: string) => imported("aws", { roleName: "corp-llm-nodes", rolePath }).role.roleArn;
    expect([arn(), arn("/"), arn("/corp/llm/")].map((text) => text.slice(text.indexOf(":role")))).toEqual([
      ":role/corp-llm-nodes",
      ":role/corp-llm-nodes",
      ":role/corp/llm/corp-llm-nodes",
    ]);
    expect(() => arn("corp")).toThrow('rolePath: "corp" is not the path of a role');
  });

  it("an existing role lies in the instance profile that is named", () => {
    const { role } = imported("aws", { roleName: "corp-llm-nodes", instanceProfileName: "corp-llm-profile" });
    expect(role.instanceIdentity).toBe("corp-llm-profile");
    expect(() => imported("aws", { roleName: "arn:aws:iam::123456789012:role/x" })).toThrow("is not the name of a role (no ARN, no path)");
    expect(() => imported("aws", { roleName: "x", instanceProfileName: "a b" })).toThrow('instanceProfileName: "a b" is not');
  });
});

describe("on Alibaba Cloud only", () => {
  it("a boundary is refused, and says what bounds a role there", () => {
    expect(() => made("alicloud", { permissionsBoundary: "arn" })).toThrow(
      'permissionsBoundary: "arn" can not be set: roles of RAM have no boundary',
    );
  });

  it("a shell asks nothing of the role", () => {
    expect(policies(made("alicloud", { shellAccess: true }).stack)).toEqual(policies(made("alicloud").stack));
  });

  it("an instance takes the role itself", () => {
    expect(() => imported("alicloud", { roleName: "x", instanceProfileName: "y" })).toThrow('instanceProfileName: "y" can not be used');
    expect(() => imported("alicloud", { roleName: "x", rolePath: "/y/" })).toThrow("roles of RAM have no path");
    expect(() => imported("alicloud", { roleName: "acs:ram::1:role/x" })).toThrow("is not the name of a role (no ARN)");
  });
});
