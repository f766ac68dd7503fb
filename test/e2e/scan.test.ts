import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createTar } from "nanotar";
import { ALPHANUMERIC, base64, BASE64, HEX, privateKey, secret, UPPER, webToken } from "../cli/scan/secrets";
import { plant, readable, reported, scanned } from "../cli/scan/support";
import { Terraform } from "../support/terraform";

const CANARY = `${secret(6)} "of" <the> apply/${secret(6)}`;

/** Twenty leaks and more, each a value that nobody has: what is planted, and where it must be told. */
const LEAKS = {
  "plan: variable": { value: `sk-proj-${secret(100)}`, told: "saved.tfplan!tfplan openai-key" },
  "plan: attribute": { value: secret(32), told: "saved.tfplan!tfplan password-field" },
  "plan: literal in the code": { value: secret(32), told: "saved.tfplan!tfconfig/m-/cdk.tf.json secret-field" },
  "plan as JSON": { value: `sk-ant-api03-${secret(90)}`, told: "plan.json anthropic-key" },
  state: { value: secret(28), told: "terraform.tfstate password-field" },
  "cdk.tf.json: user data": { value: `sk-${secret(32, HEX)}`, told: "cdktf.out/stacks/x/cdk.tf.json dashscope-key" },
  "cdk.tf.json: JSON in JSON": { value: secret(32), told: "cdktf.out/stacks/x/cdk.tf.json password-field" },
  "bundle.tar": { value: `sk-${secret(44)}`, told: "cdktf.out/stacks/x/assets/bundle.tar!config.yaml gateway-key" },
  ".env": { value: secret(84), told: ".env azure-key" },
  ".tfvars": { value: secret(40, BASE64), told: "prod.auto.tfvars aws-secret-key" },
  yaml: { value: "Winter-2026!x", told: "values.yaml password-field" },
  "Kubernetes secret": { value: `postgresql://litellm:${secret(24)}@db:5432/litellm`, told: "secret.yaml url-password" },
  "log line": { value: secret(40), told: "app.log authorization" },
  "log in gzip": { value: `hvs.${secret(90)}`, told: "app.log.1.gz vault-token" },
  "canary in base64": { value: CANARY, told: "trace.log canary" },
  "canary in a URL": { value: CANARY, told: "access.log canary" },
  "list of processes": { value: secret(32), told: "ps.txt secret-option" },
  "git's remote": { value: `ghp_${secret(36)}`, told: ".git/config github-token" },
  "backend's settings": { value: `LTAI${secret(20)}`, told: ".terraform/terraform.tfstate alicloud-access-key" },
  "private key": { value: privateKey(), told: "notes.md private-key" },
  "token of a run": { value: webToken(), told: "ci.log json-web-token" },
  "robot of a chat": { value: secret(64, HEX), told: "alerts.tf dingtalk-robot" },
  "file's name": { value: `AKIA${secret(16, `${UPPER}234567`)}`, told: "a name aws-access-key" },
} as const;

const value = (leak: keyof typeof LEAKS): string => LEAKS[leak].value;

function files(): Record<string, string | Buffer> {
  const userData = `#!/bin/sh\nexport DASHSCOPE_API_KEY=${value("cdk.tf.json: user data")}\n`;
  const settings = JSON.stringify({ version: 1, database: { password: value("cdk.tf.json: JSON in JSON") } });
  const stack = { resource: { aws_launch_template: { t: { user_data: base64(userData) } } }, locals: { settings } };
  return {
    "cdktf.out/stacks/x/cdk.tf.json": JSON.stringify(stack),
    "cdktf.out/stacks/x/assets/bundle.tar": Buffer.from(
      createTar([{ name: "config.yaml", data: `general_settings:\n  master_key: ${value("bundle.tar")}\n` }]),
    ),
    ".env": `AZURE_OPENAI_API_KEY=${value(".env")}\n`,
    "prod.auto.tfvars": `aws_secret_access_key = "${value(".tfvars")}"\n`,
    "values.yaml": `database:\n  password: "${value("yaml")}"\n`,
    "secret.yaml": `kind: Secret\ndata:\n  url: ${base64(value("Kubernetes secret"))}\n`,
    "app.log": `12:00:01 DEBUG headers: authorization: Bearer ${value("log line")} accept: */*\n`,
    "app.log.1.gz": gzipSync(`X-Vault-Token: ${value("log in gzip")}\n`),
    "trace.log": `body=${base64(`\x00\x01\x02${CANARY}\xff\xfe`)}\n`,
    "access.log": `GET /?note=${encodeURIComponent(CANARY)} 200\n`,
    "ps.txt": `root  1  0.0 /usr/bin/node cli.js --api-key ${value("list of processes")} --wait\n`,
    ".git/config": `[remote "origin"]\n\turl = https://x:${value("git's remote")}@github.com/a/b.git\n`,
    ".terraform/terraform.tfstate": JSON.stringify({ backend: { config: { access_key: value("backend's settings") } } }),
    "notes.md": `# Do not lose\n\n${value("private key")}`,
    "ci.log": `##[debug] ACTIONS_ID_TOKEN ${value("token of a run")}\n`,
    "alerts.tf": `webhook = "https://oapi.dingtalk.com/robot/send?access_token=${value("robot of a chat")}"\n`,
    [`${value("file's name")}.csv`]: "a,b\n",
  };
}

/** What only Terraform can write: a plan with what it was given, the same as JSON, and a state. */
async function terraformsFiles(): Promise<Record<string, string | Buffer>> {
  const config = {
    variable: { api_key: { type: "string", sensitive: true }, shown: { type: "string", sensitive: true } },
    resource: {
      terraform_data: {
        of_variable: { input: "${var.api_key}" },
        of_map: { input: { user: "litellm", password: value("plan: attribute") } },
        of_code: { input: { client_secret: value("plan: literal in the code") } },
        shown: { input: "${var.shown}" },
      },
    },
    output: { master_password: { value: value("state"), sensitive: true } },
  };
  const env = { TF_VAR_api_key: value("plan: variable"), TF_VAR_shown: value("plan as JSON") };
  const terraform = await Terraform.ofConfig(config, { env });
  try {
    await terraform.init();
    const plan = await terraform.plan();
    const shown = JSON.stringify(await plan.show());
    await terraform.apply();
    const read = (name: string): Buffer => readFileSync(join(terraform.folder, name));
    return { "saved.tfplan": read("saved.tfplan"), "plan.json": shown, "terraform.tfstate": read("terraform.tfstate") };
  } finally {
    await terraform.dispose();
  }
}

describe("the control run", () => {
  let folder: string;
  let canaryFolder: string;
  let command: { canaryFile: string };
  let places: string[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "control-"));
    canaryFolder = mkdtempSync(join(tmpdir(), "canaries-"));
    command = { canaryFile: join(canaryFolder, "canaries") };
    writeFileSync(command.canaryFile, `${CANARY}\n`);
    plant(folder, { ...files(), ...(await terraformsFiles()) });
    places = (await reported([folder], command)).finds.map(({ file, entry, line, rule }) => {
      const place = [file.slice(folder.length + 1), entry].filter(Boolean).join("!");
      return `${line === undefined ? "a name" : place} ${rule}`;
    });
  });
  afterAll(() => [folder, canaryFolder].forEach((path) => rmSync(path, { recursive: true })));

  it("has more than twenty leaks", () => {
    expect(Object.keys(LEAKS).length).toBeGreaterThanOrEqual(20);
  });

  it.each(Object.entries(LEAKS))("finds the one in %s", (_, { told }) => {
    expect(places).toContain(told);
  });

  it("finds each of the plan's by itself", async () => {
    const only = (name: string) => reported([join(folder, name)], command);
    const rules = new Set((await only("saved.tfplan")).finds.map(({ entry, rule }) => `${entry} ${rule}`));
    expect([...rules].sort()).toEqual([
      "tfconfig/m-/cdk.tf.json password-field",
      "tfconfig/m-/cdk.tf.json secret-field",
      "tfplan anthropic-key",
      "tfplan openai-key",
      "tfplan password-field",
      "tfplan secret-field",
      "tfstate password-field",
    ]);
    const inState = (await only("terraform.tfstate")).finds;
    expect(inState.map(({ jsonPath, rule }) => [jsonPath, rule])).toContainEqual(["outputs.master_password.value", "password-field"]);
  });

  it("tells none of the values, in no form of output", async () => {
    const runs = [{}, { json: true }, { verbose: true }, { json: true, verbose: true }].map((form) =>
      scanned([folder], { ...command, ...form }),
    );
    const told = (await Promise.all(runs)).map(({ stdout, stderr }) => stdout + stderr).join("\n");
    const secretParts = Object.values(LEAKS).map(({ value: whole }) =>
      whole.replace(/-----[^-]*-----|^postgresql:\/\/litellm:|@db:5432.*$/g, ""),
    );
    expect(told.length).toBeGreaterThan(5000);
    expect(readable(secretParts, told)).toEqual([]);
    expect(readable(secretParts.map(base64), told)).toEqual([]);
    expect(readable([`x ${ALPHANUMERIC}`], `x ${ALPHANUMERIC}`)).toHaveLength(1);
  });
});
