import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..");
const packageJson = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  version: string;
  devDependencies: Record<string, string>;
};
const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;

/** A stack as a user of the package writes it. */
const stackSource = (cloud: "aws" | "alicloud") => `
import { App, LocalBackend, TerraformStack } from "cdktf";
import { AiGateway, Database, Network, Redis } from "cdktf-ai-gateway";
import { constructTree, resourcesOfType, synthesized } from "cdktf-ai-gateway/testing";
${
  cloud === "aws"
    ? `import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { AwsPlatform } from "cdktf-ai-gateway/aws";
const provide = (stack: TerraformStack) => new AwsProvider(stack, "aws", { region: "eu-central-1" });
const platform = new AwsPlatform({ region: "eu-central-1", transform: { launchTemplate: (config) => ({ ...config, ebsOptimized: "true" }) } });`
    : `import { AlicloudPlatform, AlicloudProvider } from "cdktf-ai-gateway/alicloud";
const provide = (stack: TerraformStack) => new AlicloudProvider(stack, "alicloud", { region: "cn-shanghai" });
const platform = new AlicloudPlatform({ region: "cn-shanghai" });`
}
const app = new App();
const stack = new TerraformStack(app, "consumer");
new LocalBackend(stack, { path: "terraform.tfstate" });
provide(stack);
new AiGateway(stack, "gateway", {
  name: "consumer",
  platform,
  network: Network.fromIds({ vpcId: "vpc-1", subnets: [{ id: "a-1", zone: "z-a" }, { id: "a-2", zone: "z-b" }] }),
  database: Database.fromEndpoint({ host: "db.corp.example" }),
  redis: Redis.fromEndpoint({ host: "redis.corp.example" }),
  providers: ["openai"],
  agents: { "an-agent": { qpm: 1 } },
  adminFrom: ["10.0.9.0/24"],
  provisioning: "runner",
});
app.synth();
const json = synthesized(stack);
const tree: string = constructTree(stack);
console.log(JSON.stringify({ keys: resourcesOfType(json, "null_resource").length, types: Object.keys(json.resource).sort(), tree: tree.includes("gateway/Cluster") }));
`;

let tarball: string;
let folder: string;
const run = (command: string, words: readonly string[], cwd: string): string =>
  execFileSync(command, words, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, npm_config_audit: "false", npm_config_fund: "false" },
  });

beforeAll(() => {
  run("npm", ["run", "build"], ROOT);
  folder = mkdtempSync(join(tmpdir(), "package-"));
  const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], ROOT)) as [
    { filename: string },
  ];
  tarball = join(folder, filename);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("packs what is used and nothing else", () => {
  const names = run("tar", ["-tzf", tarball], folder).trim().split("\n");
  expect(names).toEqual(
    expect.arrayContaining([
      "package/lib/index.d.ts",
      "package/lib/cli/bundled.js",
      "package/lib/node/files/fetch.py",
      "package/LICENSE",
      "package/README.md",
    ]),
  );
  expect(names.filter((name) => !/^package\/(lib\/|package\.json$|README\.md$|LICENSE$)/.test(name))).toEqual([]);
  expect(names.filter((name) => /\.map$|__pycache__|\.test\./.test(name))).toEqual([]);
});

/** An agent as a user of the package writes it: every store of the entry, none of which answers here. */
const AGENT_SOURCE = `
import { AgentGateway, AgentKey, AgentKeyError, type VaultLogin } from "cdktf-ai-gateway/agent";
const at = { region: "eu-central-1", name: "gw/agents/an-agent" };
const logins: VaultLogin[] = [{ method: "aws", role: "r", region: at.region }, { method: "alicloud", role: "r" }];
const keys = [
  AgentKey.fromSecretsManager(at),
  AgentKey.fromKms({ ...at, endpoint: "http://127.0.0.1:1" }),
  ...logins.map((auth) => AgentKey.fromVault({ ...at, address: "http://127.0.0.1:1", auth })),
];
const gateways = keys.map((key) => new AgentGateway({ endpoint: "https://llm.corp.example", key }));
const codes = gateways.map(({ fetch }) => fetch("/v1/models").then(String, (error: AgentKeyError) => error.code));
void Promise.all(codes).then((all) => console.log(JSON.stringify(all)));
`;

describe("an agent's project, with the package and nothing that it is peer to", () => {
  let project: string;
  beforeAll(() => {
    project = join(folder, "agent");
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "agent", private: true }));
    const packages = ["typescript", "@types/node"].map((name) => `${name}@${versionOf(name)}`);
    run("npm", ["install", "--no-package-lock", "--prefer-offline", "--omit=peer", tarball, ...packages], project);
    writeFileSync(join(project, "main.ts"), AGENT_SOURCE);
  });

  it.each([
    ["node16", "node16", ["es2023"]],
    ["preserve", "bundler", ["es2023", "dom"]],
  ])("compiles with module %s, moduleResolution %s and the types of %j", (module, moduleResolution, lib) => {
    const options = { strict: true, skipLibCheck: false, noEmit: true, target: "es2022", lib, types: ["node"], module, moduleResolution };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["main.ts"] }));
    run("npx", ["tsc"], project);
  });

  it("reads from every store", () => {
    expect(existsSync(join(project, "node_modules", "cdktf"))).toBe(false);
    run("npx", ["tsc", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "node16", "--types", "node", "main.ts"], project);
    const identity = {
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: "b",
      ALIBABA_CLOUD_ACCESS_KEY_ID: "a",
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: "b",
    };
    const env = { PATH: process.env.PATH, HOME: project, AWS_ENDPOINT_URL: "http://127.0.0.1:1", ...identity };
    const said = execFileSync(process.execPath, ["main.js"], { cwd: project, encoding: "utf8", env });
    expect(JSON.parse(said)).toEqual(Array(4).fill("ECONNREFUSED"));
  });
});

describe.each(["aws", "alicloud"] as const)("a project with the package and the bindings of %s only", (cloud) => {
  let project: string;
  beforeAll(() => {
    project = join(folder, cloud);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "consumer", private: true }));
    const peers = ["cdktf", "constructs", "@cdktf/provider-null", ...(cloud === "aws" ? ["@cdktf/provider-aws"] : [])];
    const packages = [...peers, "typescript", "@types/node"].map((name) => `${name}@${versionOf(name)}`);
    run("npm", ["install", "--no-package-lock", "--prefer-offline", tarball, ...packages], project);
    writeFileSync(join(project, "main.ts"), stackSource(cloud));
    writeFileSync(join(project, "cdktf.json"), "{}");
  });

  it.each([
    ["node16", "node16"],
    ["preserve", "bundler"],
  ])("compiles with module %s and moduleResolution %s, its types checked whole", (module, moduleResolution) => {
    const options = {
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      target: "es2022",
      lib: ["es2023"],
      types: ["node"],
      module,
      moduleResolution,
    };
    writeFileSync(join(project, `tsconfig.${moduleResolution}.json`), JSON.stringify({ compilerOptions: options, files: ["main.ts"] }));
    run("npx", ["tsc", "-p", `tsconfig.${moduleResolution}.json`], project);
  });

  it("synthesizes what the repository's own sources synthesize", () => {
    run("npx", ["tsc", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "node16", "--types", "node", "main.ts"], project);
    const printed = JSON.parse(run("node", ["main.js"], project)) as { keys: number; types: string[]; tree: boolean };
    expect(printed).toMatchObject({ keys: 3, tree: true });
    writeFileSync(join(ROOT, "examples", `.consumer-${cloud}.ts`), stackSource(cloud));
    try {
      const own = execFileSync(process.execPath, ["--import", "tsx", join("examples", `.consumer-${cloud}.ts`)], {
        cwd: ROOT,
        encoding: "utf8",
        env: { PATH: process.env.PATH, CDKTF_OUTDIR: join(folder, `own-${cloud}`) },
      });
      expect(printed).toEqual(JSON.parse(own));
    } finally {
      rmSync(join(ROOT, "examples", `.consumer-${cloud}.ts`));
    }
    const stack = (base: string) => readFileSync(join(base, "stacks", "consumer", "cdk.tf.json"), "utf8");
    expect(stack(join(project, "cdktf.out"))).toEqual(stack(join(folder, `own-${cloud}`)));
  });

  it("has the command, and the entry of the other cloud's bindings is not loaded", () => {
    expect(run("npx", ["cdktf-ai-gateway", "--version"], project).trim()).toBe(packageJson.version);
    expect(run("npx", ["cdktf-ai-gateway", "synth-check"], project)).toContain("gateway consumer");
    const loaded = run(
      "node",
      [
        "-e",
        `require("cdktf-ai-gateway"); console.log(Object.keys(require.cache).filter((name) => /provider-aws|bindings/.test(name)).length)`,
      ],
      project,
    );
    expect(loaded.trim()).toBe("0");
  });
});
