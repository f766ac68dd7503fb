import { ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SecretStatus } from "../../src/cli/secrets/status";
import { queryAws } from "../support/moto/aws-request";
import { AWS_REGION as REGION, canary, documentOf, surroundings, TestedStores } from "../support/secret-stores/tested-stores";
import { Ended, SecretsCommand } from "../support/secrets-command";

const tested = new TestedStores();
const command = new SecretsCommand();
const run = command.run.bind(command);
const secretsManager = tested.secretsManager.bind(tested);
const aws = tested.all["AWS Secrets Manager"];

beforeAll(() => tested.start());
afterAll(async () => {
  await tested.stop();
  command.dispose();
});
beforeEach(() => tested.forget());
afterEach(() => tested.clear());

describe.each(Object.entries(tested.all))("secrets in %s", (_, store) => {
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
    expect(Date.now() - started).toBeLessThan(60_000);
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
    const { between, url } = await tested.standBefore(store);
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
        await tested.forget();
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
    const { between, url } = await tested.standBefore(store);
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
  const environment = (): Record<string, string> => surroundings(aws);

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
    const { between, url } = await tested.standBefore(aws);
    const throttled = { status: 400, body: JSON.stringify({ __type: "ThrottlingException", message: "slow down" }) };
    const around = surroundings(aws, url);
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
    const { between, url } = await tested.standBefore(aws);
    const value = canary();
    const around = surroundings(aws, url);
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
    const environment = surroundings(aws);
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
    const told = JSON.parse((await run(["status", "--json", ...report], { environment })).stdout) as SecretStatus[];
    expect(told[0]!.readers).toEqual(nodes.map((node) => ({ node, versions: [newest] })));
    expect((await run(["status", ...report], { environment })).stdout).toMatch(/gw\/openai .* 2 nodes +you/);
    const { code, stdout } = await run(["retire", "openai", ...report], { environment });
    expect(code).toBe(0);
    expect(stdout).toContain(`${newest} is the only one in use`);
    expect(stdout).toContain("revoke the old key at the provider");
  });

  it("is asked where the synthesized stack says that the nodes write", async () => {
    const stack = join(command.folder, "cdktf.out", "stacks", "gateway");
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
    const environment = { ...surroundings(aws), AIGW_SECRETS: "" };
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
    const reply = await fetch(tested.moto.endpoint, { method: "POST", headers, body: JSON.stringify(parameters) });
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
    const { subnets } = await tested.moto.prepareNetwork();
    const images = await queryAws(tested.moto.signer("ec2"), "2016-11-15", "DescribeImages");
    await queryAws(tested.moto.signer("ec2"), "2016-11-15", "CreateLaunchTemplate", {
      LaunchTemplateName: "gw",
      "LaunchTemplateData.ImageId": /<imageId>([^<]+)</.exec(images)![1]!,
      "LaunchTemplateData.InstanceType": "t3.small",
    });
    await queryAws(tested.moto.signer("autoscaling"), "2011-01-01", "CreateAutoScalingGroup", {
      AutoScalingGroupName: "gw-node",
      "LaunchTemplate.LaunchTemplateName": "gw",
      "LaunchTemplate.Version": "$Latest",
      MinSize: String(size),
      MaxSize: String(size),
      VPCZoneIdentifier: subnets[0]!.id,
    });
    await makeLog();
    const instances = await queryAws(tested.moto.signer("ec2"), "2016-11-15", "DescribeInstances");
    return [...new Set([...instances.matchAll(/<privateDnsName>([^<.]+)/g)].map(([, name]) => name!))];
  }
});
