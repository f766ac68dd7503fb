// A canary takes the place of every text that a construct is given, in turn: it is refused, and the refusal does not repeat it.
import { readable } from "../cli/scan/support";
import { CloudName, minimalProps, newStack } from "../support/gateways";
import { Canaries } from "../support/leaks/canaries";
import { AiGateway, AiGatewayProps, AzureAuth, Certificate, Database, EncryptionKey, Network, PrivateZone, Redis } from "cdktf-ai-gateway";
import { AlicloudPlatform } from "cdktf-ai-gateway/alicloud";
import { AwsPlatform } from "cdktf-ai-gateway/aws";
import { VaultAuth, VaultStore } from "cdktf-ai-gateway/vault";

type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

/** Every prop that holds texts; what is made by a method is in {@link MADE}. */
const PROPS = {
  name: "gateway",
  providers: {
    openai: { models: ["gpt-4o", { name: "mini", upstream: "gpt-4o-mini", baseModel: "gpt-4o-mini" }], secretName: "gateway/key" },
    own: { kind: "openai-compatible", baseUrl: "https://models.corp.example/v1", models: ["own"] },
  },
  routing: { strategy: "cost-optimized", defaultModel: "mini", fallbackModel: "gpt-4o", fallbacks: { "gpt-4o": ["mini"] } },
  aliases: { default: "gpt-4o" },
  agents: { research: { qpm: 1, models: ["gpt-4o"] } },
  timezone: "UTC",
  instanceType: "c7g.large",
  imageId: "ami-0a1b2c3d4e5f60718",
  agentsFrom: ["10.0.0.0/16"],
  adminFrom: ["10.0.9.0/24"],
  domainName: "llm.corp.example",
  mintSecrets: "runner",
  removal: "retain",
} satisfies Json;

/** What a method makes of a text, as the prop that takes it. */
const MADE: Readonly<Record<string, (cloud: CloudName, value: string) => Partial<AiGatewayProps>>> = {
  "Database.fromEndpoint host": (_, host) => ({ database: Database.fromEndpoint({ host }) }),
  "Database.fromEndpoint secretName": (_, secretName) => ({ database: Database.fromEndpoint({ host: "db.corp.example", secretName }) }),
  "Redis.fromEndpoint host": (_, host) => ({ redis: Redis.fromEndpoint({ host }) }),
  "Redis.fromEndpoint secretName": (_, secretName) => ({ redis: Redis.fromEndpoint({ host: "redis.corp.example", secretName }) }),
  "Certificate.fromId": (_, id) => ({ certificate: Certificate.fromId(id), domainName: "llm.corp.example" }),
  "EncryptionKey.fromId": (_, id) => ({ encryptionKey: EncryptionKey.fromId(id) }),
  "Network.fromIds vpcId": (_, vpcId) => ({ network: Network.fromIds({ vpcId, subnets: SUBNETS }) }),
  "Network.fromIds subnets": (_, id) => ({ network: Network.fromIds({ vpcId: "vpc-1", subnets: [{ id, zone: "a" }, SUBNETS[1]!] }) }),
  "PrivateZone.fromId": (_, zoneId) => ({
    privateZone: PrivateZone.fromId({ zoneId, zoneName: "corp.example" }),
    domainName: "llm.corp.example",
  }),
  "PrivateZone.fromId zoneName": (_, zoneName) => ({
    privateZone: PrivateZone.fromId({ zoneId: "Z1", zoneName }),
    domainName: "llm.corp.example",
  }),
  "AzureAuth endpoint": (_, endpoint) => ({ providers: { azureOpenai: { endpoint, auth: AzureAuth.servicePrincipal(), models: AZURE } } }),
  "platform region": (cloud, region) => ({ platform: cloud === "aws" ? new AwsPlatform({ region }) : new AlicloudPlatform({ region }) }),
  "platform tag": (cloud, team) => platformOf(cloud, { tags: { team } }),
  "platform tag's name": (cloud, name) => platformOf(cloud, { tags: { [name]: "platform" } }),
  "AwsPlatform administrators": (_, value) => ({
    platform: new AwsPlatform({ region: "eu-central-1", secrets: { administrators: [value] } }),
  }),
  "AwsPlatform writeOnly": (_, value) => ({
    platform: new AwsPlatform({ region: "eu-central-1", secrets: { writeOnly: { [value]: 1 } } }),
  }),
  "AwsPlatform replicaRegions": (_, value) => ({
    platform: new AwsPlatform({ region: "eu-central-1", secrets: { replicaRegions: [value] } }),
  }),
  "AlicloudPlatform accountId": (_, accountId) => ({ platform: new AlicloudPlatform({ region: "cn-shanghai", accountId }) }),
  "AlicloudPlatform kmsInstanceId": (_, kmsInstanceId) => ({ platform: new AlicloudPlatform({ region: "cn-shanghai", kmsInstanceId }) }),
  "AlicloudPlatform versionIds": (_, openai) => ({
    platform: new AlicloudPlatform({ region: "cn-shanghai", secrets: { management: "terraform", versionIds: { openai } } }),
  }),
  "VaultStore address": (cloud, address) => vaultOf(cloud, { address }),
  "VaultStore mount": (cloud, mount) => vaultOf(cloud, { mount }),
  "VaultStore namespace": (cloud, namespace) => vaultOf(cloud, { namespace }),
  "VaultStore caCertificate": (cloud, caCertificate) => vaultOf(cloud, { caCertificate }),
  "VaultAuth role": (cloud, role) => vaultOf(cloud, { auth: cloud === "aws" ? VaultAuth.aws({ role }) : VaultAuth.alicloud({ role }) }),
  "VaultAuth serverId": (cloud, serverId) => vaultOf(cloud, { auth: VaultAuth.aws({ serverId }) }),
  permissionsBoundary: (_, permissionsBoundary) => ({ permissionsBoundary }),
};

const SUBNETS = [
  { id: "subnet-1", zone: "eu-central-1a" },
  { id: "subnet-2", zone: "eu-central-1b" },
];
const AZURE = [{ name: "gpt-4o", deployment: "gpt-4o-prod", baseModel: "azure/gpt-4o" }];

function platformOf(cloud: CloudName, props: { readonly tags: Readonly<Record<string, string>> }): Partial<AiGatewayProps> {
  return {
    platform:
      cloud === "aws" ? new AwsPlatform({ region: "eu-central-1", ...props }) : new AlicloudPlatform({ region: "cn-shanghai", ...props }),
  };
}

function vaultOf(cloud: CloudName, props: Partial<ConstructorParameters<typeof VaultStore>[0]>): Partial<AiGatewayProps> {
  const auth = cloud === "aws" ? VaultAuth.aws() : VaultAuth.alicloud();
  return { secretStore: new VaultStore({ address: "https://vault.corp.example:8200", auth, ...props }) };
}

/** Each place of a text, names included, as what the whole is with another text there. */
function places(json: Json, path = ""): [string, (value: string) => Json][] {
  if (typeof json === "string") return [[path, (value) => value]];
  if (typeof json !== "object") return [];
  if (Array.isArray(json)) {
    const list = json as readonly Json[];
    return list.flatMap((item, index) =>
      places(item, `${path}[${index}]`).map(([place, put]): [string, (value: string) => Json] => [
        place,
        (value) => list.with(index, put(value)),
      ]),
    );
  }
  const object = json as Readonly<Record<string, Json>>;
  return Object.entries(object).flatMap(([name, content]): [string, (value: string) => Json][] => {
    const below = places(content, path === "" ? name : `${path}.${name}`);
    return [
      [`the name ${path}.${name}`, (value) => ({ ...object, [value]: content })],
      ...below.map(([place, put]): [string, (value: string) => Json] => [place, (value) => ({ ...object, [name]: put(value) })]),
    ];
  });
}

describe.each(["aws", "alicloud"] as const)("on %s", (cloud) => {
  const canaries = new Canaries();
  const entrances: [string, (value: string) => Partial<AiGatewayProps>][] = [
    ...places(PROPS).map(([place, put]): [string, (value: string) => Partial<AiGatewayProps>] => [
      place,
      (value) => put(value) as unknown as Partial<AiGatewayProps>,
    ]),
    ...Object.entries(MADE)
      .filter(([name]) => !name.startsWith(cloud === "aws" ? "Alicloud" : "Aws"))
      .map(([name, make]): [string, (value: string) => Partial<AiGatewayProps>] => [name, (value) => make(cloud, value)]),
  ];

  /** What becomes of a value: its refusal, or undefined when it was taken. */
  function refusal(make: (value: string) => Partial<AiGatewayProps>, value: string): string | undefined {
    try {
      new AiGateway(newStack(cloud), "gateway", { ...minimalProps(cloud), ...make(value) });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  it("no text of a construct takes a value, and no refusal repeats one", () => {
    expect(entrances.length).toBeGreaterThan(60);
    const heard = entrances.map(([place, make]) => {
      const value = canaries.into(place);
      return { place, value, said: refusal(make, value) };
    });
    const taken = heard.filter(({ said }) => said === undefined).map(({ place }) => place);
    const repeated = heard.filter(({ value, said = "" }) => readable([value], said).length > 0).map(({ place }) => place);
    expect({ taken, repeated }).toEqual({ taken: [], repeated: [] });
  });
});
