import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DocumentChoice, secretsOf } from "../../../src/cli/secrets/document-source";
import { resolved } from "../../../src/cli/secrets/expressions";
import { nodeUses, useLine } from "../../../src/cli/secrets/use-report";
import { terraformJson } from "../../../src/text";
import { DOCUMENT } from "./support";

let output: string;
beforeEach(() => (output = mkdtempSync(join(tmpdir(), "out-"))));
afterEach(() => rmSync(output, { recursive: true }));

const empty = { async *[Symbol.asyncIterator]() {} };
const find = (choice: Partial<DocumentChoice> = {}, environment: Record<string, string> = {}) =>
  secretsOf({ output, ...choice }, { stdin: empty, environment });

function synthesize(stack: string, content: object): void {
  const folder = join(output, "stacks", stack);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "cdk.tf.json"), JSON.stringify(content));
}

const named = (gateway: string, region = "cn-shanghai") => ({
  ...DOCUMENT,
  gateway,
  stores: { "alicloud-kms": { kind: "alicloud-kms", region } },
});

describe("the document", () => {
  it("comes from a file, standard input, the environment, or what was synthesized, in this order", async () => {
    synthesize("a", { locals: { gw_Document_0123ABCD: terraformJson(named("from-stack")) } });
    const file = join(output, "document.json");
    writeFileSync(file, JSON.stringify(named("from-file")));
    const environment = { AIGW_SECRETS: JSON.stringify(named("from-environment")) };
    expect((await find({ document: file }, environment)).document.gateway).toBe("from-file");
    expect((await find({}, environment)).document.gateway).toBe("from-environment");
    expect((await find()).document.gateway).toBe("from-stack");
    const stdin = {
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve(JSON.stringify(named("from-stdin")));
      },
    };
    expect((await secretsOf({ output, document: "-" }, { stdin, environment })).document.gateway).toBe("from-stdin");
  });

  it.each(["", "hush-hush", "{}", '{"version":2}', JSON.stringify({ ...DOCUMENT, stores: {} })])(
    "refuses %j without repeating it",
    async (text) => {
      const file = join(output, "document.json");
      writeFileSync(file, text);
      await expect(find({ document: file })).rejects.toThrow(/^--document: it is not a secrets document of version 1$/);
    },
  );

  it("asks which stack and which gateway where there are several", async () => {
    await expect(find()).rejects.toThrow("holds no stack; synthesize first");
    synthesize("a", { locals: { x_Document_0123ABCD: terraformJson(named("one")), y_Document_0123ABCE: terraformJson(named("two")) } });
    await expect(find()).rejects.toThrow("with --gateway: one, two");
    expect((await find({ gateway: "two" })).document.gateway).toBe("two");
    synthesize("b", {});
    await expect(find()).rejects.toThrow("with --stack: a, b");
    await expect(find({ stack: "b" })).rejects.toThrow("holds no gateway's secrets");
    await expect(find({ stack: "c" })).rejects.toThrow("name one of: a, b");
  });

  it("has the workspace's name and what is literal in the stack in the place of references", async () => {
    synthesize("a", {
      locals: {
        gw_Document_0123ABCD: terraformJson(named("gw-${terraform.workspace}", "${local.region}")),
        gw_Settings_0123ABCD: terraformJson({
          name: "gw-${terraform.workspace}",
          log: { kind: "sls", project: "${alicloud_log_project.p.project_name}" },
          database: { host: "${alicloud_db_instance.d.connection_string}" },
        }),
        region: "cn-beijing",
      },
      resource: { alicloud_log_project: { p: { project_name: "logs-$${literal}" } } },
    });
    expect((await find()).document).toMatchObject({ gateway: "gw-default", stores: { "alicloud-kms": { region: "cn-beijing" } } });
    expect((await find({}, { TF_WORKSPACE: "stage" })).document.gateway).toBe("gw-stage");
    expect(await find({ workspace: "prod" })).toMatchObject({
      document: { gateway: "gw-prod" },
      nodes: { log: { project: "logs-${literal}" }, database: { host: "known after apply" } },
    });
  });

  it("has the names of the nodes' scaling groups: of the settings on AWS, of the same cluster's groups on Alibaba Cloud", async () => {
    const settings = (more: object): string => terraformJson({ name: "gw", log: {}, ...more });
    synthesize("a", {
      locals: {
        gw_Document_0123ABCD: terraformJson(named("gw")),
        gw_Cluster_Settings_0123ABCD: settings({ launch: { kind: "ess", waitSeconds: 1 } }),
      },
      resource: {
        alicloud_ess_scaling_group: {
          "gw_Cluster_Nodes_Group-cn-shanghai-l_0123ABCD": { scaling_group_name: "gw-${terraform.workspace}-l" },
          "gw_Cluster_Nodes_Group-1_0123ABCD": { scaling_group_name: "gw-${var.zone}" },
          "other_Cluster_Nodes_Group-cn-shanghai-l_0123ABCD": { scaling_group_name: "other-l" },
        },
      },
    });
    expect((await find()).nodes?.scalingGroups).toEqual(["gw-default-l", "gw-known after apply"]);
    synthesize("a", {
      locals: {
        gw_Document_0123ABCD: terraformJson(named("gw")),
        gw_Cluster_Settings_0123ABCD: settings({ launch: { kind: "ec2-auto-scaling", group: "gw-node" } }),
      },
    });
    expect((await find()).nodes?.scalingGroups).toEqual(["gw-node"]);
  });

  it("names the reference that only Terraform knows, and the way out", async () => {
    synthesize("a", { locals: { gw_Document_0123ABCD: terraformJson(named("gw", "${var.region}")) } });
    await expect(find()).rejects.toThrow(
      "the secrets' document holds ${var.region}, which only Terraform knows; give the document itself with --document FILE",
    );
  });

  it("takes no ARN of another region than the store's", async () => {
    const document = { ...DOCUMENT, secrets: [{ ...DOCUMENT.secrets[0]!, name: "acs:kms:cn-beijing:123:secret/openai" }] };
    await expect(find({}, { AIGW_SECRETS: JSON.stringify(document) })).rejects.toThrow(
      "acs:kms:cn-beijing:123:secret/openai: it is the ARN of a secret in cn-beijing, and the store is in cn-shanghai",
    );
  });
});

describe("a template of Terraform", () => {
  it("is read as Terraform reads it", () => {
    const value = { text: 'a"b\\c ${"x"} %{ if }', ref: "${terraform.workspace}" };
    expect(JSON.parse(resolved(terraformJson(value), {}, "w"))).toEqual({ ...value, ref: "w" });
  });
});

describe("what nodes say", () => {
  it("is taken from lines of the very secret, for the members of the fleet", () => {
    const line = (node: string, secret: string, version: string): string =>
      JSON.stringify({ event: "secret-in-use", node, secret, secret_version: version });
    const request = JSON.stringify({ event: "request", node: "a", request: 'secret-in-use "gw/x"' });
    const lines = [line("a", "gw/x", "1"), line("a", "gw/x", "2"), line("gone", "gw/x", "1"), line("b", "gw/y", "1"), request, "half a li"];
    const uses = lines.flatMap((text) => useLine(text, "gw/x"));
    expect(nodeUses(uses, ["a", "b"])).toEqual([
      { node: "a", versions: ["1", "2"] },
      { node: "b", versions: [] },
    ]);
    expect(nodeUses(uses, undefined).map(({ node }) => node)).toEqual(["a", "gone"]);
  });
});
