import type { SecretStatus } from "../../src/cli/secrets/status";
import { SynthesizedExample, synthesizeExample } from "../support/examples";
import { AlicloudAccount } from "../support/secret-stores/alicloud-account";
import { FleetDouble } from "../support/secret-stores/alicloud-fleet";
import { KmsDouble } from "../support/secret-stores/alicloud-kms";
import { SlsDouble } from "../support/secret-stores/alicloud-logs";
import { RunningServer, serve } from "../support/secret-stores/server";
import { ALICLOUD_REGION as REGION, canary, documentOf } from "../support/secret-stores/tested-stores";
import { VaultDouble } from "../support/secret-stores/vault";
import { SecretsCommand } from "../support/secrets-command";

const PROJECT = "ai-gateway-default-1234567890123456";
const STORE = "gateway-requests";
const GATEWAY = "ai-gateway-default";

const account = new AlicloudAccount();
const kms = new KmsDouble(account);
const sls = new SlsDouble(account, REGION, PROJECT, STORE);
const fleet = new FleetDouble(account, REGION);
const vault = new VaultDouble();
const doubles = [kms, sls, fleet, vault];
let command: SecretsCommand;
let example: SynthesizedExample;

beforeAll(async () => {
  command = new SecretsCommand();
  example = synthesizeExample("alicloud-production");
  await Promise.all(doubles.map((double) => double.start()));
});
afterAll(async () => {
  await Promise.all(doubles.map((double) => double.stop()));
  command.dispose();
  example.dispose();
});
beforeEach(() => {
  kms.secrets.clear();
  vault.secrets.clear();
  sls.lines.length = fleet.groups.length = fleet.instances.length = 0;
});

const environment = (): Record<string, string> => ({
  ...account.environment,
  AIGW_KMS_ENDPOINT: kms.url,
  AIGW_SLS_ENDPOINT: sls.url,
  AIGW_ESS_ENDPOINT: fleet.url,
  AIGW_ECS_ENDPOINT: fleet.url,
  VAULT_TOKEN: vault.token,
});

function say(nodes: readonly string[], secret: string, version: string): void {
  for (const node of nodes) {
    sls.write({ version: "1", event: "secret-in-use", node, secret, secret_version: version, changed: "true" });
  }
}

const currentVersion = (name: string): string => kms.secrets.get(name)!.versions.find(({ stages }) => stages.has("ACSCurrent"))!.id;

describe("the nodes' use of a secret, on Alibaba Cloud", () => {
  const name = `${GATEWAY}/deepseek`;
  const secrets = (words: string[], input = "") =>
    command.run([...words, "--output", example.folder], { input, environment: environment() });

  it("is waited for, and holds up what would take the old value away, of the synthesized stack's own nodes", async () => {
    const [one, two] = [canary(), canary()];
    const nodes = ["cn-shanghai-l", "cn-shanghai-m"].flatMap((zone) => fleet.addGroup(`${GATEWAY}-${zone}`, 1));
    fleet.addGroup("of-another", 2);
    expect((await secrets(["put", "deepseek"], one)).code).toBe(0);
    const old = currentVersion(name);
    say(nodes, name, old);

    const late = await secrets(["rotate", "deepseek", "--wait", "--timeout", "1", "--poll", "1"], two);
    expect(late.code).toBe(1);
    expect(late.stderr).toContain(
      `not all nodes use ${currentVersion(name)} in time: ${nodes[0]} (said ${old}); ${nodes[1]} (said ${old})`,
    );
    const refused = await secrets(["retire", "deepseek"]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`${nodes[1]} (said ${old})`) as string });
    expect(kms.text(name, "ACSPrevious")).toBe(one);

    // What was said before has grown old; one node is late.
    sls.lines.length = 0;
    say([nodes[0]!], name, currentVersion(name));
    expect((await secrets(["retire", "deepseek"])).stderr).toContain(`${nodes[1]} (has said nothing lately)`);
    const waiting = secrets(["rotate", "deepseek", "--wait", "--timeout", "60", "--poll", "1"], two);
    setTimeout(() => say([nodes[1]!], name, currentVersion(name)), 2_000);
    const waited = await waiting;
    expect(waited).toMatchObject({ code: 0, stderr: `waiting for ${nodes[1]} (has said nothing lately)\n` });
    expect(waited.stdout).toContain(`${name}: all 2 nodes use ${currentVersion(name)}`);

    const retired = await secrets(["retire", "deepseek"]);
    expect(retired).toMatchObject({ code: 0, stderr: "" });
    expect(retired.stdout).toContain("revoke the old key at the provider");
    expect([kms.text(name), kms.text(name, "ACSPrevious")]).toEqual([two, two]);
    for (const value of [one, two]) expect(JSON.stringify([late, refused, waited, retired])).not.toContain(value);
  });

  it("is told by status, which neither fails nor waits for a log that does not answer", async () => {
    const nodes = ["cn-shanghai-l", "cn-shanghai-m"].flatMap((zone) => fleet.addGroup(`${GATEWAY}-${zone}`, 1));
    for (const input of [canary(), canary()]) await secrets(["put", "deepseek"], input);
    say([nodes[0]!], name, currentVersion(name));
    const told = await secrets(["status", "--json"]);
    expect(told).toMatchObject({ code: 0, stderr: "" });
    const readers = [
      { node: nodes[0], versions: [currentVersion(name)] },
      { node: nodes[1], versions: [] },
    ];
    expect((JSON.parse(told.stdout) as SecretStatus[]).find((one) => one.name === name)).toMatchObject({
      readers,
      lastRotation: expect.stringMatching(/^20/) as string,
    });
    expect((await secrets(["status"])).stdout).toMatch(new RegExp(`${name} .* 1 of 2 nodes +you`));

    sls.denied = true;
    const denied = await secrets(["status"]);
    sls.denied = false;
    expect(denied).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`${name} +present .* - +you`)) as string });
    expect(denied.stderr).toBe(
      `warning: which nodes use it can not be told: the log store ${PROJECT}/${STORE} answered Unauthorized: no permission; the caller needs log:GetLogStoreLogs\n`,
    );

    const silent: RunningServer = await serve(() => new Promise(() => undefined));
    const around = { ...environment(), AIGW_SLS_ENDPOINT: silent.url };
    const waited = await command.run(["status", "--output", example.folder], { environment: around });
    await silent.stop();
    expect(waited).toMatchObject({
      code: 0,
      stderr: "warning: which nodes use it can not be told: the nodes' log does not answer in time\n",
    });
  });

  it("is asked in the nodes' cloud for a secret that lies in Vault, where the options say", async () => {
    const settings = {
      kind: "vault" as const,
      address: vault.url,
      mount: "secret",
      auth: { method: "alicloud", mount: "a", role: "gw" } as const,
    };
    const around = { ...environment(), AIGW_SECRETS: JSON.stringify(documentOf(settings)), ALIBABA_CLOUD_REGION: REGION };
    const where = ["--log-project", PROJECT, "--log-store", STORE, "--scaling-group", "gw-a", "--scaling-group", "gw-b"];
    const nodes = [...fleet.addGroup("gw-a", 1), ...fleet.addGroup("gw-b", 1)];
    for (const input of [canary(), canary()]) await command.run(["put", "openai"], { input, environment: around });
    say([nodes[0]!], "gw/openai", "2");
    const refused = await command.run(["retire", "openai", ...where], { environment: around });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`${nodes[1]} (has said nothing lately)`) as string });
    say([nodes[1]!], "gw/openai", "2");
    expect(await command.run(["retire", "openai", ...where], { environment: around })).toMatchObject({ code: 0, stderr: "" });
    expect(vault.fields("gw/openai", 1)).toBeUndefined();
  });

  it("can not be told without permission or place, which is said, and nothing is taken away", async () => {
    for (const input of [canary(), canary()]) await secrets(["put", "deepseek"], input);
    const unknown = await secrets(["retire", "deepseek"]);
    expect(unknown.stderr).toContain("which nodes use it can not be told: the scaling groups");
    const without = { ...environment(), AIGW_SECRETS: JSON.stringify(documentOf({ kind: "alicloud-kms", region: REGION })) };
    for (const input of [canary(), canary()]) await command.run(["put", "openai"], { input, environment: without });
    const nowhere = await command.run(["retire", "openai"], { environment: without });
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining("--log-project and --log-store (Alibaba Cloud)") as string });
    expect([kms.text(name, "ACSPrevious"), kms.text("gw/openai", "ACSPrevious")]).toEqual([expect.any(String), expect.any(String)]);
  });
});
