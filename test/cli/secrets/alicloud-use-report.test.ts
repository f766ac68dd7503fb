import { createHash } from "node:crypto";
import { slsAuthorization } from "../../../src/cli/secrets/alicloud-logs";
import { AlicloudNodes, AlicloudUseReport } from "../../../src/cli/secrets/alicloud-use-report";
import { ReportChoice, ReportedNodes, reportedNodes } from "../../../src/cli/secrets/open-use-report";
import { NodesSettings } from "../../../src/cli/secrets/synthesized-stack";
import { SecretStoreSettings } from "../../../src/secret-store";
import { AlicloudAccount } from "../../support/secret-stores/alicloud-account";
import { FleetDouble } from "../../support/secret-stores/alicloud-fleet";
import { SlsDouble } from "../../support/secret-stores/alicloud-logs";

const REGION = "cn-shanghai";
const account = new AlicloudAccount();
const sls = new SlsDouble(account, REGION, "gw-123", "gateway-requests");
const fleet = new FleetDouble(account, REGION);
const environment = { ...process.env };

beforeAll(async () => {
  await Promise.all([sls.start(), fleet.start()]);
});
afterAll(async () => {
  await Promise.all([sls.stop(), fleet.stop()]);
});
beforeEach(() => {
  const endpoints = { AIGW_SLS_ENDPOINT: sls.url, AIGW_ESS_ENDPOINT: fleet.url, AIGW_ECS_ENDPOINT: fleet.url };
  process.env = { ...environment, ...account.environment, ...endpoints };
  sls.lines.length = sls.incomplete = sls.busy = 0;
  sls.denied = false;
  fleet.groups.length = fleet.instances.length = 0;
  fleet.denied.clear();
});
afterAll(() => (process.env = environment));

const report = (more: Partial<AlicloudNodes> = {}): AlicloudUseReport =>
  new AlicloudUseReport({
    log: { project: "gw-123", store: "gateway-requests", region: REGION },
    scalingGroups: ["gw-a", "gw-b"],
    refreshIntervalSeconds: 900,
    ...more,
  });

/** As a node's line lies in SLS: each field a text. */
function say(node: string, version: string, secret = "gw/openai", ago = 0): void {
  const line = { version: "1", event: "secret-in-use", gateway: "gw", node, secret, secret_version: version, changed: "true" };
  sls.write(line, Math.floor(Date.now() / 1000) - ago);
}

describe("the signature of SLS", () => {
  // As test/node/test_signatures.py has it; put together here so that no file holds it.
  const credentials = { accessKeyId: "acsddda" + "21dsd", accessKeySecret: "zxasdasd" + "asw2" };
  const headers = {
    "x-log-date": "20220808T032330Z",
    "x-log-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "x-log-test": "het123",
    "x-acs-ppp": "dds",
  };

  it("is the one of the vendor's SDK", () => {
    const query = { " abc": "efg", " agc ": "", "": "efg", "A-bc": "eFg" };
    expect(slsAuthorization({ path: "/logstores", query, headers, region: "cn-hangzhou" }, credentials)).toBe(
      `SLS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/20220808/cn-hangzhou/sls/aliyun_v4_request,` +
        "Signature=d92741852500791d662a8d469ff61627c0559ecd86c3f59b7bf6772b6c62666a",
    );
  });

  it("is the one of the vendor's SDK in the double as well, which knows nothing of ours", () => {
    jest.useFakeTimers({ now: new Date("2022-08-08T03:23:30Z") });
    const body = "adasd= -asd zcas";
    const scope = `${credentials.accessKeyId}/20220808/cn-hangzhou/sls/aliyun_v4_request`;
    const check = (signature: string): void =>
      new AlicloudAccount(credentials.accessKeyId, credentials.accessKeySecret).checkSls4(
        {
          method: "POST",
          url: new URL("http://double/logstores?=efg&%20abc=efg&%20agc%20=&A-bc=eFg"),
          headers: {
            ...headers,
            "x-log-content-sha256": createHash("sha256").update(body).digest("hex"),
            authorization: `SLS4-HMAC-SHA256 Credential=${scope},Signature=${signature}`,
          },
          body,
        },
        "cn-hangzhou",
      );
    check("a98f5632e93836e63839cd836a54055f480020a9364ca944e2d34f2eb9bf1bed");
    expect(() => check("b98f5632e93836e63839cd836a54055f480020a9364ca944e2d34f2eb9bf1bed")).toThrow("SignatureNotMatch");
    jest.useRealTimers();
    expect(() => check("a98f5632e93836e63839cd836a54055f480020a9364ca944e2d34f2eb9bf1bed")).toThrow("RequestTimeTooSkewed");
  });
});

describe("the nodes' use of a secret on Alibaba Cloud", () => {
  it("is what the members of all groups said lately", async () => {
    const [one, two] = [fleet.addGroup("gw-a", 2), fleet.addGroup("gw-b", 1)];
    fleet.addGroup("of-another", 3);
    say(one[0]!, "v1");
    say(one[0]!, "v2");
    say(two[0]!, "v2");
    say(two[0]!, "v1", "gw/openai", 1200);
    say(two[0]!, "v1", "gw/openai-2");
    say("gone", "v1");
    expect(await report().uses("gw/openai")).toEqual([
      { node: one[0], versions: ["v1", "v2"] },
      { node: one[1], versions: [] },
      { node: two[0], versions: ["v2"] },
    ]);
  });

  it("of several secrets is asked for at once", async () => {
    const [node] = fleet.addGroup("gw-a", 1);
    say(node!, "v1");
    say(node!, "v7", "gw/deepseek");
    const uses = await report({ scalingGroups: ["gw-a"] }).usesOfAll(["gw/openai", "gw/deepseek", "gw/zhipu"]);
    expect([...uses.values()]).toEqual([[{ node, versions: ["v1"] }], [{ node, versions: ["v7"] }], [{ node, versions: [] }]]);
  });

  it("is read to its end, however many lines and members there are", async () => {
    const names = fleet.addGroup("gw-a", 120);
    for (const name of names) for (const version of ["v1", "v2"]) say(name, version);
    const uses = await report({ scalingGroups: ["gw-a"] }).uses("gw/openai");
    expect(uses.map(({ node }) => node)).toEqual(names);
    expect(uses.every(({ versions }) => versions.length === 2)).toBe(true);
  });

  it("leaves out nodes that leave or are stopped, and not those that come", async () => {
    fleet.addGroup("gw-a", 0);
    for (const state of ["Removing", "Removing:Wait", "Stopped"]) fleet.addInstance("gw-a", state);
    const coming = fleet.addInstance("gw-a", "Pending:Wait");
    expect(await report({ scalingGroups: ["gw-a"] }).uses("gw/openai")).toEqual([{ node: coming, versions: [] }]);
  });

  it("of a fleet of fixed size is what anyone said", async () => {
    say("a", "v1");
    expect(await report({ scalingGroups: [] }).uses("gw/openai")).toEqual([{ node: "a", versions: ["v1"] }]);
  });

  it("finds a secret whose name the search would part, and one whose name it does not take", async () => {
    for (const name of ["gw/a@b=c", 'gw/odd "name"~', "gw/b@a=c"]) say("a", `of ${name}`, name);
    const fixed = report({ scalingGroups: [] });
    expect(await fixed.uses("gw/a@b=c")).toEqual([{ node: "a", versions: ["of gw/a@b=c"] }]);
    expect(await fixed.uses('gw/odd "name"~')).toEqual([{ node: "a", versions: ['of gw/odd "name"~'] }]);
  });

  it("is asked for again while the answer is not whole or the log is busy, and then not believed", async () => {
    const fixed = report({ scalingGroups: [] });
    for (const node of ["a", "b"]) say(node, "v1");
    sls.incomplete = 2;
    sls.busy = 1;
    expect(await fixed.uses("gw/openai")).toHaveLength(2);
    sls.incomplete = 100;
    await expect(fixed.uses("gw/openai")).rejects.toThrow(
      "which nodes use it can not be told: the log store gw-123/gateway-requests answered Incomplete: it has not searched all lines in time",
    );
    sls.incomplete = 0;
    sls.busy = 100;
    await expect(fixed.uses("gw/openai")).rejects.toThrow("ReadQuotaExceed: throttled, also after three more tries");
  });

  it("says what is missing: project, store, group, permission, credentials, an answer", async () => {
    const of = (more: Partial<AlicloudNodes> = {}): Promise<unknown> => report({ scalingGroups: [], ...more }).uses("gw/openai");
    const log = { project: "gw-123", store: "gateway-requests", region: REGION };
    await expect(of({ log: { ...log, project: "other" } })).rejects.toThrow("other/gateway-requests answered ProjectNotExist: there is no");
    await expect(of({ log: { ...log, store: "other" } })).rejects.toThrow("gw-123/other answered LogStoreNotExist: there is no such thing");
    await expect(of({ log: { ...log, region: "cn-beijing" } })).rejects.toThrow("SignatureNotMatch: the credentials are not good");
    await expect(of({ scalingGroups: ["gw-x"] })).rejects.toThrow("the scaling groups gw-x answered NoSuchGroup: there is no such thing");
    sls.denied = true;
    await expect(of()).rejects.toThrow("answered Unauthorized: no permission; the caller needs log:GetLogStoreLogs");
    sls.denied = false;
    fleet.addGroup("gw-a", 1);
    for (const action of ["DescribeScalingGroups", "DescribeScalingInstances", "DescribeInstances"]) {
      fleet.denied.clear();
      fleet.denied.add(action);
      await expect(of({ scalingGroups: ["gw-a"] })).rejects.toThrow(
        new RegExp(`answered Forbidden.RAM: no permission; the caller needs (ess|ecs):${action}$`),
      );
    }
    process.env.AIGW_SLS_ENDPOINT = "http://127.0.0.1:1";
    await expect(of()).rejects.toThrow("ECONNREFUSED: nothing answers there");
    process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET = "other";
    process.env.AIGW_SLS_ENDPOINT = sls.url;
    await expect(of()).rejects.toThrow("SignatureNotMatch: the credentials are not good");
  });
});

describe("the report that is asked", () => {
  const kms: SecretStoreSettings = { kind: "alicloud-kms", region: REGION };
  const aws: SecretStoreSettings = { kind: "aws-secrets-manager", region: "eu-central-1" };
  const vault: SecretStoreSettings = {
    kind: "vault",
    address: "https://vault.example",
    mount: "secret",
    auth: { method: "aws", mount: "aws", role: "gw" },
  };
  const onAlicloud: NodesSettings = {
    name: "gw",
    region: REGION,
    log: { kind: "sls", project: "gw-123", store: "gateway-requests", region: REGION },
    scalingGroups: ["gw-a"],
    refreshIntervalSeconds: 900,
  };
  const onAws: NodesSettings = {
    ...onAlicloud,
    region: "eu-west-1",
    log: { kind: "cloudwatch", group: "/gw", region: "eu-west-1" },
  };
  const place = (stores: Record<string, SecretStoreSettings>, nodes: NodesSettings | undefined, choice: ReportChoice = {}): ReportedNodes =>
    reportedNodes(stores, nodes, choice);

  it("is the one of the cloud of the nodes, wherever the secrets lie", () => {
    expect(place({ vault }, onAlicloud)).toMatchObject({
      onAlicloud: { log: { project: "gw-123", region: REGION }, scalingGroups: ["gw-a"] },
    });
    expect(place({ aws }, onAlicloud)).toHaveProperty("onAlicloud");
    expect(place({ kms }, onAws)).toMatchObject({ onAws: { region: "eu-west-1", logGroup: "/gw", scalingGroup: "gw-a" } });
  });

  it("takes from the options what no stack says, and then the region from a store of the same cloud", () => {
    const log = { logProject: "p", logStore: "s" };
    expect(place({ vault, kms }, undefined, { ...log, scalingGroup: ["a", "b"] })).toMatchObject({
      onAlicloud: { log: { project: "p", store: "s", region: REGION }, scalingGroups: ["a", "b"] },
    });
    expect(place({ vault, aws }, undefined, { logGroup: "/gw" })).toMatchObject({
      onAws: { region: "eu-central-1", logGroup: "/gw", scalingGroup: undefined },
    });
    expect(place({ kms }, onAws, log)).toMatchObject({ onAlicloud: { scalingGroups: [] } });
    process.env.ALICLOUD_REGION = "cn-beijing";
    expect(place({ vault }, undefined, log)).toMatchObject({ onAlicloud: { log: { region: "cn-beijing" } } });
  });

  it("says what would tell where the nodes write", () => {
    expect(() => place({ kms }, undefined)).toThrow("give the synthesized stack with --output and --stack, or the nodes' log");
    expect(() => place({ kms }, undefined, { logProject: "p" })).toThrow("or --force; --log-store is not known");
    expect(() => place({ vault }, undefined, { logProject: "p", logStore: "s" })).toThrow("ALIBABA_CLOUD_REGION is not known");
    const unknown = { ...onAlicloud, log: { ...onAlicloud.log, project: "gw-known after apply" } };
    expect(() => place({ kms }, unknown)).toThrow("--log-project is not known");
    expect(place({ kms }, unknown, { logProject: "gw-1" })).toMatchObject({
      onAlicloud: { log: { project: "gw-1", store: "gateway-requests" } },
    });
    expect(() => place({ kms }, { ...onAlicloud, scalingGroups: ["gw-known after apply"] })).toThrow("--scaling-group is not known");
  });
});
