// Canaries go in at every entrance of every example's life, on all three stores; what is left behind is searched for them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { EXAMPLES, SynthesizedExample, synthesizeExample, ExampleName } from "../support/examples";
import { CloudName, minimalProps, newStack } from "../support/gateways";
import { Canaries } from "../support/leaks/canaries";
import { drive, StackToDrive, Traces } from "../support/leaks/driven-stack";
import { environmentOf, variableOf } from "../support/leaks/environment";
import { ProcessWatch } from "../support/leaks/process-watch";
import { canariesIn, leaksIn, placesOf } from "../support/leaks/search";
import { alicloudKms, LeakStore, secretsManager, vaultKv } from "../support/leaks/stores";
import { MotoCloud, StackJson, startMoto, targetMoto } from "../support/moto";
import { runnerOnKms } from "../support/runner";
import { KmsDouble } from "../support/secret-stores/alicloud-kms";
import { VaultDouble } from "../support/secret-stores/vault";
import { SimulatedProviders, startSimulatedProviders } from "../support/simulated-provider";
import { awsPluginDir } from "../support/toolchain";
import { GatewayPlatform, GatewayRole, LlmSecrets } from "cdktf-ai-gateway";
import { AlicloudPlatform } from "cdktf-ai-gateway/alicloud";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

const ROOT = join(__dirname, "..", "..");
const SUPPORT = join(ROOT, "test", "support", "simulated-provider");
const ALICLOUD = "aliyun/alicloud";
const SCHEMAS = [
  { source: ALICLOUD, file: join(ROOT, "schema", "alicloud.schema.json") },
  { source: "hashicorp/null", file: join(SUPPORT, "null.schema.json") },
  { source: "hashicorp/vault", file: join(SUPPORT, "vault.schema.json") },
];
const VAULT_OF_THE_EXAMPLE = "https://vault.corp.example:8200";
/** Terraform writes the values of these, for who asks for it: into the state on Alibaba Cloud, into no file on AWS. */
const WRITTEN = { aws: ["gateway/openai"], alicloud: ["gateway/openai", "gateway/dashscope", "gateway/database", "gateway/redis"] };

/** Eight stacks are planned and applied: two minutes on a quiet computer. */
const LONGEST_MS = 1_800_000;

const canaries = new Canaries();
const written = new Canaries();
const kms = new KmsDouble();
const vaults = { "vault-aws": new VaultDouble("ai-gateway", "platform/llm"), "vault-alicloud": new VaultDouble() };

let work: string;
let moto: MotoCloud;
let providers: SimulatedProviders;
let existing: (text: string) => string;
const examples: SynthesizedExample[] = [];
const traces: Record<string, Traces> = {};

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "leaks-"));
  const doubles = [kms, ...Object.values(vaults)].map((double) => double.start());
  [moto, providers] = await Promise.all([startMoto(), startSimulatedProviders({ directory: join(work, "cloud"), schemas: SCHEMAS })]);
  await Promise.all(doubles);
  // The production example's zone is made elsewhere.
  providers.cloud(ALICLOUD).add("alicloud_pvtz_zone", { id: "c0example", zone_name: "corp.example" });
  existing = await existingOnes();
  const watch = await ProcessWatch.start(join(work, "processes.txt"));
  try {
    // Two at a time: each waits for its provider half of the time.
    const stacks = [...synthesized(), ...madeHere()];
    const worker = async (): Promise<void> => {
      for (let next = stacks.shift(); next !== undefined; next = stacks.shift()) {
        traces[next.stack] = await drive(next, next.variables === undefined ? canaries : written, join(work, next.stack));
      }
    };
    const ended = await Promise.allSettled([worker(), worker()]);
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  } finally {
    await watch.stop();
  }
}, LONGEST_MS);
afterAll(async () => {
  await Promise.all(Object.values(traces).map(({ terraform }) => terraform.dispose()));
  await Promise.all([moto.stop(), providers.stop(), kms.stop(), ...Object.values(vaults).map((vault) => vault.stop())]);
  examples.forEach((example) => example.dispose());
  rmSync(work, { recursive: true });
});

/** Makes what the examples name, and puts moto's network and certificate into their place. */
async function existingOnes(): Promise<(text: string) => string> {
  const { vpcId, subnets } = await moto.prepareNetwork();
  await moto.prepareAccessLogs("corp-access-logs");
  const certificate = await moto.prepareCertificate("llm.corp.example");
  return (text) =>
    text
      .replace(/vpc-0(example|a1b2c3d4e5f60718)/g, vpcId)
      .replace(/subnet-0(example1|a1b2c3d4e5f60718)/g, subnets[0]!.id)
      .replace(/subnet-0(example2|a1b2c3d4e5f60719)/g, subnets[1]!.id)
      .replace(/arn:aws:acm:eu-central-1:123456789012:certificate\/[0-9a-f-]{36}/g, certificate);
}

function synthesized(): StackToDrive[] {
  return (Object.keys(EXAMPLES) as ExampleName[]).flatMap((name) => {
    const example = synthesizeExample(name, undefined, environmentOf(canaries, "synthesis"));
    examples.push(example);
    return EXAMPLES[name].map((stack) => inWorld(example.folder, stack, canaries));
  });
}

/** The secrets alone, with values that Terraform writes. */
function madeHere(): StackToDrive[] {
  return (["aws", "alicloud"] as const).map((cloud) => {
    const platforms: Readonly<Record<CloudName, () => GatewayPlatform>> = {
      aws: () => new AwsPlatform({ region: "eu-central-1", secrets: { writeOnly: { openai: 1 } } }),
      alicloud: () => new AlicloudPlatform({ region: "cn-shanghai", accountId: "1234567890123456", secrets: { management: "terraform" } }),
    };
    const output = join(work, `written-${cloud}-out`);
    const app = new App({ outdir: output });
    const stack = newStack(cloud, app, `written-${cloud}`);
    const { name, providers: models, database, redis } = minimalProps(cloud);
    const platform = platforms[cloud]();
    const secrets = new LlmSecrets(stack, "secrets", { platform, name, providers: models, database, redis, removal: "destroy" });
    new GatewayRole(stack, "role", { platform, name, secrets });
    app.synth();
    const values = WRITTEN[cloud].map((secret) => [variableOf(secret), written.into(`written by Terraform on ${cloud}: ${secret}`)]);
    return { ...inWorld(output, `written-${cloud}`, written), variables: Object.fromEntries(values) as Record<string, string> };
  });
}

/** Where a stack's world is doubled. */
function inWorld(output: string, stack: string, own: Canaries): StackToDrive {
  const onAws = stack.endsWith("aws") || stack === "aws-production";
  const vault = stack in vaults ? vaults[stack as keyof typeof vaults] : undefined;
  const stores: Record<string, LeakStore> = {
    ...(onAws
      ? { "aws-secrets-manager": secretsManager(moto, own) }
      : { "alicloud-kms": alicloudKms(kms, runnerOnKms(kms, providers.cloud(ALICLOUD)), own) }),
    ...(vault === undefined ? {} : { vault: vaultKv(vault, own) }),
  };
  return {
    output,
    stack,
    stores,
    pluginDir: onAws ? awsPluginDir() : undefined,
    environment: providers.environment,
    // The real provider of AWS starts anew for each command, which takes long; the secrets of written-aws are the same ones.
    isThorough: !onAws || stack === "written-aws",
    rewrite: (text) => {
      const fitting = existing(text).replaceAll(VAULT_OF_THE_EXAMPLE, vault?.url ?? VAULT_OF_THE_EXAMPLE);
      return onAws ? forMoto(fitting) : fitting;
    },
  };
}

/** With the environment's credentials, and with a size of a disk, since moto does not know the image's. */
function forMoto(text: string): string {
  const sized = text.replace(/("root_block_device": \{)(\s*"encrypted": true\s*\})/g, '$1 "volume_size": 8,$2');
  const targeted = targetMoto(JSON.parse(sized) as StackJson, moto);
  const blocks = targeted.provider!.aws as readonly Readonly<Record<string, unknown>>[];
  const bare = blocks.map((block) => Object.fromEntries(Object.entries(block).filter(([name]) => !/^(access|secret)_key$/.test(name))));
  return JSON.stringify({ ...targeted, provider: { ...targeted.provider, aws: bare } }, null, 2);
}

describe.each(Object.values(EXAMPLES).flat())("what the life of %s leaves behind", (stack) => {
  it("holds no canary", async () => {
    expect(await leaksIn(traces[stack]!.folders, canaries)).toEqual([]);
  });

  it("is searched wherever something lies", async () => {
    const { folders, terraform } = traces[stack]!;
    const said = join(work, stack, "terraform");
    expect(await placesOf(folders, "gateway_Secrets_Minted", "LITELLM_MASTER_KEY")).toEqual(
      expect.arrayContaining([
        expect.stringContaining(join(terraform.folder, "cdk.tf.json")),
        expect.stringContaining(join(terraform.folder, "terraform.tfstate")),
        expect.stringContaining(join(said, "first.tfplan!tfplan")),
        expect.stringContaining("bundle.tar!config.yaml"),
        join(said, "apply.stdout"),
      ]),
    );
  });
});

it("no canary is in a process's arguments meanwhile", async () => {
  const file = join(work, "processes.txt");
  expect(await canariesIn([file], canaries)).toEqual([]);
  expect(await placesOf([file], "terraform apply -input=false")).toEqual([file]);
  expect(await placesOf([file], "secrets put ")).toEqual([file]);
  expect(await placesOf([file], "secrets ensure ")).toEqual([file]);
});

it("a value that Terraform writes on AWS is in the store and nowhere else", async () => {
  const [value] = written.values;
  expect((await secretsManager(moto, new Canaries()).values()).map((held) => held.value)).toContain(value);
  expect(await leaksIn(traces["written-aws"]!.folders, written)).toEqual([]);
});

it("what Terraform manages on Alibaba Cloud is in its state and its plans, as is documented, and nowhere else", async () => {
  const { folders, terraform } = traces["written-alicloud"]!;
  const found = await leaksIn(folders, written);
  const places = found.map((line) => line.replace(/^.* -> (\S+).*$/, "$1"));
  expect(places.filter((place) => !/(\.tfplan!tf(plan|state|state-prev)|(first|second)\.json|\.tfstate)$/.test(place))).toEqual([]);
  for (const value of WRITTEN.alicloud) {
    const inState = `written by Terraform on alicloud: ${value} -> ${join(terraform.folder, "terraform.tfstate")}`;
    expect(found).toContainEqual(expect.stringContaining(inState));
  }
});
