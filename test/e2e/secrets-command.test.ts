import { ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SecretStatus } from "../../src/cli/secrets/status";
import { COMMAND_FILE } from "../../src/node/command";
import type { SecretStoreSettings } from "../../src/secret-store";
import type { SecretsDocument } from "../../src/secrets-document";
import { startMoto, type MotoCloud } from "../support/moto";
import { jsonAws, queryAws } from "../support/moto/aws-request";
import { KmsDouble } from "../support/secret-stores/alicloud-kms";
import { Between } from "../support/secret-stores/between";
import type { RunningServer } from "../support/secret-stores/server";
import { VaultDouble } from "../support/secret-stores/vault";

const canary = (): string => `sk-${randomBytes(24).toString("hex")}`;
const REGION = "eu-central-1";

let folder: string;
let command: string;
let moto: MotoCloud;
const kms = new KmsDouble();
const vault = new VaultDouble();

beforeAll(async () => {
  [moto] = await Promise.all([startMoto({ region: REGION }), kms.start(), vault.start()]);
  folder = mkdtempSync(join(tmpdir(), "secrets-command-"));
  // Where no node_modules are, as on a runner.
  command = join(folder, "cli.js");
  cpSync(COMMAND_FILE, command);
});
afterAll(async () => {
  await Promise.all([moto.stop(), kms.stop(), vault.stop()]);
  rmSync(folder, { recursive: true });
});
afterEach(async () => {
  await Promise.all(standing.splice(0).map((server) => server.stop()));
});
beforeEach(async () => {
  await moto.reset();
  kms.secrets.clear();
  vault.secrets.clear();
});

const standing: RunningServer[] = [];

/** Something in front of a store, until the test ends. */
async function standBetween(target: string): Promise<{ between: Between; url: string }> {
  const { between, server } = await Between.of(target);
  standing.push(server);
  return { between, url: server.url };
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Call {
  readonly input?: string;
  readonly environment?: Record<string, string>;
  readonly started?: (child: ChildProcess) => void;
}

/** Runs the one file with nothing of this process's environment. */
function run(words: readonly string[], { input = "", environment = {}, started }: Call = {}): Promise<Ended> {
  const env = { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: "true", ...environment };
  const child = spawn(process.execPath, [command, "secrets", ...words], { env, cwd: folder, stdio: "pipe" });
  started?.(child);
  const ended: { stdout: string; stderr: string } = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (ended.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (ended.stderr += text));
  // One that was killed reads no more.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return new Promise((done) => child.on("close", (code) => done({ code, ...ended })));
}

function documentOf(store: SecretStoreSettings): SecretsDocument {
  const secret = (name: string, fields: string[] = [], owner: "user" | "gateway" = "user") => ({
    name: `gw/${name}`,
    purpose: `the secret ${name}`,
    owner,
    store: "store",
    fields,
  });
  return {
    version: 1,
    gateway: "gw",
    stores: { store },
    secrets: [
      secret("openai"),
      secret("azure", ["client_id", "client_secret"]),
      secret("master-key", [], "gateway"),
      secret("salt-key", [], "gateway"),
    ],
  };
}

/** A store, and how a test looks into it beside the command. */
interface TestedStore {
  readonly url: () => string;
  readonly settings: (url: string) => SecretStoreSettings;
  readonly environment: (url: string) => Record<string, string>;
  readonly value: (name: string, back?: "previous") => Promise<string | undefined>;
}

const stores: Readonly<Record<string, TestedStore>> = {
  "AWS Secrets Manager": {
    url: () => moto.endpoint,
    settings: () => ({ kind: "aws-secrets-manager", region: REGION }),
    environment: (url) => ({ AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" }),
    value: async (name, back) => {
      const asked = { SecretId: name, VersionStage: back === "previous" ? "AWSPREVIOUS" : "AWSCURRENT" };
      const reply = await secretsManager("GetSecretValue", asked).catch(() => undefined);
      return (reply as { SecretString: string } | undefined)?.SecretString;
    },
  },
  "Alibaba Cloud KMS": {
    url: () => kms.url,
    settings: () => ({ kind: "alicloud-kms", region: "cn-shanghai" }),
    environment: (url) => ({ AIGW_KMS_ENDPOINT: url, ...kms.environment }),
    value: (name, back) => Promise.resolve(kms.text(name, back === "previous" ? "ACSPrevious" : "ACSCurrent")),
  },
  "HashiCorp Vault": {
    url: () => vault.url,
    settings: (address) => ({ kind: "vault", address, mount: "secret", auth: { method: "aws", mount: "aws", role: "gw" } }),
    environment: () => ({ VAULT_TOKEN: vault.token }),
    value: (name, back) => {
      const fields = vault.fields(name, back === "previous" ? 1 : 0);
      const bare = fields !== undefined && Object.keys(fields).join() === "value";
      return Promise.resolve(fields === undefined ? undefined : bare ? (fields.value as string) : JSON.stringify(fields));
    },
  },
};

const secretsManager = (action: string, parameters: object): Promise<unknown> =>
  jsonAws(moto.signer("secretsmanager"), `secretsmanager.${action}`, parameters);

/** The environment in which the command finds the document and the store, at another address where one is given. */
function surroundings(store: TestedStore, url = store.url()): Record<string, string> {
  return { ...store.environment(url), AIGW_SECRETS: JSON.stringify(documentOf(store.settings(url))) };
}

describe.each(Object.entries(stores))("secrets in %s", (_, store) => {
  it("are put, ensured, told of, rotated, rolled back and retired, and no value is said", async () => {
    const environment = surroundings(store);
    const said: string[] = [];
    const works = async (words: string[], input?: string, code = 0): Promise<Ended> => {
      const ended = await run(words, { input, environment });
      said.push(ended.stdout, ended.stderr);
      expect({ words, ...ended }).toMatchObject({ words, code });
      return ended;
    };
    const started = Date.now();
    const missing = await works(["ensure"], "", 3);
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(missing.stderr).toContain("2 of 4 secrets have no value yet");
    expect(missing.stderr).toContain("  cdktf-ai-gateway secrets put gw/openai < FILE\n");
    const [master, salt] = await Promise.all([store.value("gw/master-key"), store.value("gw/salt-key")]);
    expect([master, salt]).toEqual([expect.stringMatching(/^sk-[0-9a-f]{48}$/), expect.stringMatching(/^sk-[0-9a-f]{48}$/)]);

    const [one, two] = [canary(), canary()];
    await works(["put", "openai"], `${one}\n`);
    await works(["put", "gw/azure", "--field", "client_id"], one);
    await works(["ensure"], "", 3);
    await works(["put", "azure", "--field", "client_secret"], two);
    expect(JSON.parse((await store.value("gw/azure"))!)).toEqual({ client_id: one, client_secret: two });
    await works(["ensure"]);
    expect([await store.value("gw/master-key"), await store.value("gw/salt-key")]).toEqual([master, salt]);

    await works(["rotate", "openai"], two);
    expect([await store.value("gw/openai"), await store.value("gw/openai", "previous")]).toEqual([two, one]);
    const told = JSON.parse((await works(["status", "--json"])).stdout) as SecretStatus[];
    expect(told[0]).toMatchObject({
      state: "present",
      ageDays: 0,
      version: expect.any(String) as string,
      previousVersion: expect.any(String) as string,
    });
    await works(["rollback", "openai"]);
    expect([await store.value("gw/openai"), await store.value("gw/openai", "previous")]).toEqual([one, two]);
    expect((await works(["retire", "openai"], "", 1)).stderr).toMatch(/--force/);
    await works(["retire", "openai", "--force"]);
    expect(JSON.parse((await works(["status", "--json"])).stdout)).not.toMatchObject([{ previousVersion: expect.any(String) as string }]);
    await works(["rollback", "openai"], "", 1);
    expect((await works(["put", "salt-key"], two, 1)).stderr).toContain("is never changed");
    expect(await store.value("gw/salt-key")).toBe(salt);

    for (const value of [one, two, master!, salt!]) expect(said.join("\n")).not.toContain(value);
  });

  it("are whole wherever a rotation is killed, and it can be run again", async () => {
    const { between, url } = await standBetween(store.url());
    const [one, two] = [canary(), canary()];
    const environment = surroundings(store, url);
    const prepare = async (name: string): Promise<void> => {
      await run(["put", name], { input: one, environment });
      between.calls.length = 0;
    };
    await prepare("openai");
    await run(["rotate", "openai"], { input: two, environment });
    const calls = between.calls.length;
    expect(calls).toBeGreaterThanOrEqual(2);
    for (const moment of ["before", "after"] as const) {
      for (let last = 0; last < calls; last += 1) {
        await forget(store);
        await prepare("openai");
        let child: ChildProcess | undefined;
        const killed = (call: number): boolean => call === last && child!.kill("SIGKILL");
        if (moment === "before") between.before = (call) => (killed(call) ? { status: 0 } : undefined);
        else between.after = killed;
        await run(["rotate", "openai"], { input: two, environment, started: (started) => (child = started) });
        between.before = () => undefined;
        between.after = () => false;
        expect(child!.signalCode).toBe("SIGKILL");
        expect([one, two]).toContain(await store.value("gw/openai"));
        expect((await run(["rotate", "openai"], { input: two, environment })).code).toBe(0);
        expect([await store.value("gw/openai"), await store.value("gw/openai", "previous")]).toEqual([two, one]);
      }
    }
  });

  it("are minted once, though many ensure them at the same moment", async () => {
    const environment = surroundings(store);
    const ended = await Promise.all([1, 2, 3].map(() => run(["ensure", "--allow-missing"], { environment })));
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(
      ended
        .map(({ stdout }) => stdout)
        .join("")
        .match(/gw\/salt-key: minted/g),
    ).toHaveLength(1);
  });

  it("are in no process's arguments", async () => {
    const { between, url } = await standBetween(store.url());
    const value = canary();
    let shown = "";
    between.before = () => {
      shown += processes();
      return undefined;
    };
    const environment = surroundings(store, url);
    expect((await run(["put", "openai"], { input: value, environment })).code).toBe(0);
    expect((await run(["rotate", "openai", "--from-env", "KEY"], { environment: { ...environment, KEY: `${value}2` } })).code).toBe(0);
    expect(shown).toContain("cli.js secrets put openai");
    expect(shown).toContain("cli.js secrets rotate openai --from-env KEY");
    expect(shown).not.toContain(value);
  });
});

async function forget(store: TestedStore): Promise<void> {
  if (store.url() === moto.endpoint) await moto.reset();
  kms.secrets.clear();
  vault.secrets.clear();
}

/** The arguments of every process of this computer. */
function processes(): string {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(join("/proc", name, "cmdline"), "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .join("\n");
}

describe("the command", () => {
  const environment = (): Record<string, string> => surroundings(stores["AWS Secrets Manager"]!);

  it("refuses a value as an argument and repeats no word of it", async () => {
    const value = canary();
    for (const words of [
      ["put", "openai", value],
      ["put", "openai", `--value=${value}`],
      ["put", value],
      [value],
      ["put", "openai", "--from-env", value],
    ]) {
      const ended = await run(words, { environment: environment() });
      expect({ words: words[0], code: ended.code }).toEqual({ words: words[0], code: 2 });
      expect(ended.stdout + ended.stderr).not.toContain(value);
    }
    expect((await run(["put", "openai", value], { environment: environment() })).stderr).toMatch(/^error: a value is never an argument/);
    expect((await run(["put", "openai"], { environment: environment() })).stderr).toBe("error: gw/openai: the value is empty\n");
  });

  it("warns where Terraform's log would hold values", async () => {
    for (const name of ["TF_LOG", "TF_LOG_PROVIDER"]) {
      const { stderr } = await run(["status"], { environment: { ...environment(), [name]: "DEBUG" } });
      expect(stderr).toContain("warning: TF_LOG is set");
    }
    expect((await run(["status"], { environment: { ...environment(), TF_LOG: "" } })).stderr).toBe("");
  });

  it("asks AWS again when it is throttled, and says so when that does not help", async () => {
    const { between, url } = await standBetween(moto.endpoint);
    const throttled = { status: 400, body: JSON.stringify({ __type: "ThrottlingException", message: "slow down" }) };
    const around = surroundings(stores["AWS Secrets Manager"]!, url);
    between.before = (call) => (call < 2 ? throttled : undefined);
    expect(await run(["put", "openai"], { input: canary(), environment: around })).toMatchObject({ code: 0, stderr: "" });
    between.before = () => throttled;
    const { code, stderr } = await run(["put", "openai"], { input: canary(), environment: around });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `error: gw/openai: Secrets Manager in ${REGION} answered ThrottlingException: throttled, also after three more tries; run it again later\n`,
    });
  });

  it("says what AWS refuses, in one line and without the value", async () => {
    const { between, url } = await standBetween(moto.endpoint);
    const value = canary();
    const around = surroundings(stores["AWS Secrets Manager"]!, url);
    const says = async (type: string, message: string): Promise<string> => {
      between.before = (_, action) =>
        action === "PutSecretValue" ? { status: 400, body: JSON.stringify({ __type: type, message: `${message} ${value}` }) } : undefined;
      const { code, stderr } = await run(["put", "openai"], { input: value, environment: around });
      expect(code).toBe(1);
      expect(stderr).not.toContain(value);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
      return stderr;
    };
    expect(await says("AccessDeniedException", "not authorized")).toContain(
      "no permission; the caller needs secretsmanager:PutSecretValue",
    );
    expect(await says("EncryptionFailure", "no key")).toContain("its key can not be used");
    expect(await says("SomethingNew", "what")).toContain("answered SomethingNew");
  });

  it("says how to bring back a secret that is scheduled for deletion", async () => {
    await run(["put", "openai"], { input: canary(), environment: environment() });
    await secretsManager("DeleteSecret", { SecretId: "gw/openai", RecoveryWindowInDays: 7 });
    const restore = `aws secretsmanager restore-secret --region ${REGION} --secret-id gw/openai`;
    for (const words of [["put", "openai"], ["ensure"], ["status"]]) {
      const { code, stderr } = await run(words, { input: canary(), environment: environment() });
      expect(code).toBe(1);
      expect(stderr).toContain(restore);
    }
  });

  it("finds no credentials, or no store, within seconds", async () => {
    const without = { ...environment(), AWS_ACCESS_KEY_ID: "" };
    expect((await run(["status"], { environment: without })).stderr).toContain("no credentials were found");
    const away = { ...environment(), AWS_ENDPOINT_URL: "http://127.0.0.1:1" };
    expect((await run(["status"], { environment: away })).stderr).toContain(
      "ECONNREFUSED: nothing answers there; is AWS_ENDPOINT_URL set?",
    );
  });
});

describe("the nodes' use of a secret, on AWS", () => {
  const LOG = "/cdktf-ai-gateway/gw";

  it("is waited for, and holds up what would take the old value away", async () => {
    const environment = surroundings(stores["AWS Secrets Manager"]!);
    const nodes = await fleet(2);
    const report = ["--log-group", LOG, "--scaling-group", "gw-node"];
    await run(["put", "openai"], { input: canary(), environment });
    const old = await currentVersion();
    await say(nodes, old);
    await run(["rotate", "openai"], { input: canary(), environment });
    const version = await currentVersion();
    expect((await run(["retire", "openai", ...report], { environment })).stderr).toContain(`${nodes[0]} (said ${old})`);
    const wait = ["rotate", "openai", "--from-env", "KEY", "--wait", "--timeout", "2", "--poll", "1", ...report];
    expect((await run(wait, { environment: { ...environment, KEY: canary() } })).stderr).toContain("not all nodes use");

    // What was said before has grown old.
    await logs("DeleteLogGroup", { logGroupName: LOG });
    await makeLog();
    const newest = await currentVersion();
    expect(newest).not.toBe(version);
    await say([nodes[0]!], newest);
    expect((await run(["retire", "openai", ...report], { environment })).stderr).toContain(`${nodes[1]} (has said nothing lately)`);
    await say(nodes, newest);
    const { code, stdout } = await run(["retire", "openai", ...report], { environment });
    expect(code).toBe(0);
    expect(stdout).toContain(`${newest} is the only one in use`);
    expect(stdout).toContain("revoke the old key at the provider");
  });

  it("is asked where the synthesized stack says that the nodes write", async () => {
    const stack = join(folder, "cdktf.out", "stacks", "gateway");
    mkdirSync(stack, { recursive: true });
    const settings = {
      name: "gw",
      region: REGION,
      log: { kind: "cloudwatch", group: "${aws_cloudwatch_log_group.Logs.name}", region: REGION },
      launch: { kind: "ec2-auto-scaling", group: "gw-node" },
      refreshIntervalSeconds: 900,
    };
    const locals = {
      gw_Secrets_Document_0123ABCD: JSON.stringify(documentOf({ kind: "aws-secrets-manager", region: REGION })),
      gw_Cluster_Settings_0123ABCD: JSON.stringify(settings),
    };
    writeFileSync(join(stack, "cdk.tf.json"), JSON.stringify({ locals, resource: { aws_cloudwatch_log_group: { Logs: { name: LOG } } } }));
    const environment = { ...surroundings(stores["AWS Secrets Manager"]!), AIGW_SECRETS: "" };
    const nodes = await fleet(1);
    await run(["put", "openai"], { input: canary(), environment });
    await run(["rotate", "openai"], { input: canary(), environment });
    await say(nodes, await currentVersion());
    expect(await run(["retire", "openai"], { environment })).toMatchObject({ code: 0, stderr: "" });
  });

  async function currentVersion(): Promise<string> {
    return ((await secretsManager("GetSecretValue", { SecretId: "gw/openai", VersionStage: "AWSCURRENT" })) as { VersionId: string })
      .VersionId;
  }

  /** Of most of its actions the body is empty. */
  async function logs(action: string, parameters: object): Promise<void> {
    const headers = {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `Logs_20140328.${action}`,
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/logs/aws4_request, SignedHeaders=host, Signature=0`,
    };
    const reply = await fetch(moto.endpoint, { method: "POST", headers, body: JSON.stringify(parameters) });
    if (!reply.ok) throw new Error(`${action}: ${reply.status} ${await reply.text()}`);
  }

  async function makeLog(): Promise<void> {
    await logs("CreateLogGroup", { logGroupName: LOG });
  }

  async function say(nodes: readonly string[], version: string): Promise<void> {
    for (const node of nodes) {
      await logs("CreateLogStream", { logGroupName: LOG, logStreamName: node }).catch(() => undefined);
      const line = { version: 1, event: "secret-in-use", node, secret: "gw/openai", secret_version: version, changed: true };
      const event = { timestamp: Date.now(), message: JSON.stringify(line) };
      await logs("PutLogEvents", { logGroupName: LOG, logStreamName: node, logEvents: [event] });
    }
  }

  /** Instances in a scaling group; answers their hosts' names. */
  async function fleet(size: number): Promise<string[]> {
    const { subnets } = await moto.prepareNetwork();
    const images = await queryAws(moto.signer("ec2"), "2016-11-15", "DescribeImages");
    await queryAws(moto.signer("ec2"), "2016-11-15", "CreateLaunchTemplate", {
      LaunchTemplateName: "gw",
      "LaunchTemplateData.ImageId": /<imageId>([^<]+)</.exec(images)![1]!,
      "LaunchTemplateData.InstanceType": "t3.small",
    });
    await queryAws(moto.signer("autoscaling"), "2011-01-01", "CreateAutoScalingGroup", {
      AutoScalingGroupName: "gw-node",
      "LaunchTemplate.LaunchTemplateName": "gw",
      "LaunchTemplate.Version": "$Latest",
      MinSize: String(size),
      MaxSize: String(size),
      VPCZoneIdentifier: subnets[0]!.id,
    });
    await makeLog();
    const instances = await queryAws(moto.signer("ec2"), "2016-11-15", "DescribeInstances");
    return [...new Set([...instances.matchAll(/<privateDnsName>([^<.]+)/g)].map(([, name]) => name!))];
  }
});
