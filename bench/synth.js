// Synthesizes a gateway of 10 providers and N agents, by the library or by the bindings alone, and prints what it cost.
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const {
  App,
  DefaultTokenResolver,
  LocalBackend,
  StringConcat,
  TerraformElement,
  TerraformLocal,
  TerraformResource,
  TerraformStack,
  Tokenization,
} = require("cdktf");
const { NullProvider } = require("@cdktf/provider-null/lib/provider");
const { Resource } = require("@cdktf/provider-null/lib/resource");
const { AwsProvider } = require("@cdktf/provider-aws/lib/provider");
const { AiGateway, Database, Network, Redis } = require("cdktf-ai-gateway");
const { AwsPlatform } = require("cdktf-ai-gateway/aws");

const [variant, count] = process.argv.slice(2);
const outdir = mkdtempSync(join(tmpdir(), "bench-"));

const agentsOf = (length) =>
  Object.fromEntries(
    Array.from({ length }, (_, index) => [`agent-${index}`, { qpm: 10 + (index % 90), dailyTokens: 100_000, dailyBudgetUsd: 5 }]),
  );

function newStack() {
  const app = new App({ outdir });
  const stack = new TerraformStack(app, "bench");
  new LocalBackend(stack, { path: "terraform.tfstate" });
  new AwsProvider(stack, "aws", { region: "eu-central-1" });
  return { app, stack };
}

function libraryGateway(stack, agents) {
  const providers = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`openai-${index}`, { kind: "openai" }]));
  new AiGateway(stack, "gateway", {
    name: "bench",
    platform: new AwsPlatform({ region: "eu-central-1" }),
    network: Network.fromIds({
      vpcId: "vpc-0example",
      cidr: "10.0.0.0/16",
      subnets: [
        { id: "subnet-0example1", zone: "eu-central-1a" },
        { id: "subnet-0example2", zone: "eu-central-1b" },
      ],
    }),
    database: Database.fromEndpoint({ host: "postgres.corp.example" }),
    redis: Redis.fromEndpoint({ host: "redis.corp.example" }),
    adminFrom: ["10.0.9.0/24"],
    provisioning: "runner",
    providers,
    agents,
  });
}

/** What somebody would write by hand: each resource of the library's stack, with its class and its attributes, in one list. */
function recipe() {
  const { app, stack } = newStack();
  libraryGateway(stack, agentsOf(1000));
  app.synth();
  return stack.node
    .findAll()
    .filter((node) => TerraformElement.isTerraformElement(node) && TerraformResource.isTerraformResource(node))
    .map((node) => ({
      Class: node.constructor,
      id: node.node.path.replaceAll("/", "-"),
      attributes: resolved(ownAttributes(node), stack),
    }));
}

const resolved = (value, scope) =>
  Tokenization.resolve(value, { scope, resolver: new DefaultTokenResolver(new StringConcat()), preparing: false });

/** The config is kept by the bindings in private fields, by the names of the props; resolved, since its tokens are another stack's. */
function ownAttributes(resource) {
  const fields = Object.entries(resource).filter(
    ([name, value]) => name.startsWith("_") && value !== undefined && typeof value !== "function",
  );
  const nested = ([name, value]) => [name.slice(1), value?.internalValue ?? value];
  return {
    ...Object.fromEntries(fields.map(nested)),
    provisioners: resource.provisioners,
    dependsOn: resource.dependsOn?.map((fqn) => ({ fqn })),
  };
}

/** Takes a secret over that is there already. */
class Import extends TerraformElement {
  constructor(scope, id, secret) {
    super(scope, id, "import");
    this.secret = secret;
  }

  toTerraform() {
    const { terraformResourceType: type, friendlyUniqueId: name } = this.secret;
    return { import: [{ for_each: "${toset([])}", to: `${type}.${name}`, id: "${each.value}" }] };
  }
}

/** By hand one refers to the other resources of the stack, as the library does. */
function direct(list, stack) {
  new NullProvider(stack, "null");
  const isRun = ({ Class }) => Class === Resource || Class.prototype instanceof Resource;
  const made = list.filter((one) => !isRun(one)).map(({ Class, id, attributes }) => new Class(stack, id, attributes));
  const ofType = (type) => made.filter((resource) => resource.terraformResourceType === type);
  const [[balancer], [key], secrets] = [ofType("aws_lb"), ofType("aws_kms_key"), ofType("aws_secretsmanager_secret")];
  secrets.forEach((secret) => {
    secret.kmsKeyId = key.arn;
    new Import(stack, `${secret.node.id}-Import`, secret);
  });
  const document = new TerraformLocal(stack, "document", "{}");
  const before = made.filter(
    (resource) => resource.terraformResourceType === "aws_lb_listener" || resource.node.id.includes("DesiredState"),
  );
  const own = new Map(secrets.map((secret) => [secret.node.id.split("-agents--").at(-1), secret]));
  for (const { id, attributes } of list.filter(isRun)) {
    const [provisioner] = attributes.provisioners;
    const environment = { ...provisioner.environment, AIGW_ENDPOINT: `http://${balancer.dnsName}:8080`, AIGW_SECRETS: document.asString };
    const interpreter = provisioner.interpreter.map((word) => (word.includes("aws_kms_key") ? key.arn : word));
    const dependsOn = [...before, own.get(id.split("-Key-").at(-1))].filter((one) => one !== undefined);
    before.push(...(id.includes("Minted") ? [new Resource(stack, id, { ...attributes, provisioners: [provisioner] })] : []));
    if (!id.includes("Minted"))
      new Resource(stack, id, { ...attributes, dependsOn, provisioners: [{ ...provisioner, environment, interpreter }] });
  }
}

// Whatever is compared has warmed the compiler up alike, and enough for it to be done with it.
const [list] = [recipe(), recipe(), recipe(), recipe()];
global.gc();
const start = process.hrtime.bigint();
const { app, stack } = newStack();
if (variant === "library") libraryGateway(stack, agentsOf(Number(count)));
else direct(list, stack);
app.synth();
const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
global.gc();
const megabytes = process.memoryUsage().heapUsed / 2 ** 20;
rmSync(outdir, { recursive: true });
console.log(JSON.stringify({ milliseconds, megabytes, constructs: stack.node.findAll().length }));
