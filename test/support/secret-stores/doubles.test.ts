import { createHash } from "node:crypto";
import { AlicloudApi } from "../../../src/cli/secrets/alicloud-api";
import { slsAuthorization } from "../../../src/cli/secrets/alicloud-logs";
import { httpCall } from "../../../src/cli/secrets/http-call";
import { failureCode } from "../../../src/cli/secrets/store-error";
import { AlicloudAccount } from "./alicloud-account";
import { FleetDouble } from "./alicloud-fleet";
import { KmsDouble } from "./alicloud-kms";
import { SlsDouble } from "./alicloud-logs";
import { VaultDouble } from "./vault";

describe("the double of KMS", () => {
  const kms = new KmsDouble();
  beforeAll(() => kms.start());
  afterAll(() => kms.stop());

  it("refuses what is not signed, or by another", async () => {
    const ask = (authorization: string): Promise<Response> =>
      fetch(`${kms.url}/?SecretName=a`, {
        method: "POST",
        headers: { authorization, "x-acs-action": "DescribeSecret", "x-acs-version": "2016-01-20" },
      });
    expect(await (await ask("none")).json()).toMatchObject({ Code: "IncompleteSignature" });
    const signed = "SignedHeaders=x-acs-action;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=0";
    expect(await (await ask(`ACS3-HMAC-SHA256 Credential=other,${signed}`)).json()).toMatchObject({ Code: "InvalidAccessKeyId.NotFound" });
    expect(await (await ask(`ACS3-HMAC-SHA256 Credential=${kms.accessKeyId},${signed}`)).json()).toMatchObject({
      Code: "SignatureDoesNotMatch",
    });
  });
});

describe("the double of Vault", () => {
  const vault = new VaultDouble("kv", "team-a");
  beforeAll(() => vault.start());
  afterAll(() => vault.stop());
  const ask = async (path: string, init: { method?: string; body?: string; headers?: Record<string, string> } = {}): Promise<number> => {
    const headers = { "x-vault-request": "true", "x-vault-namespace": "team-a", "x-vault-token": vault.token, ...init.headers };
    return (await fetch(`${vault.url}/v1/${path}`, { ...init, headers })).status;
  };
  const write = (cas: number): Promise<number> =>
    ask("kv/data/a", { method: "POST", body: JSON.stringify({ options: { cas }, data: { value: "x" } }) });

  it("refuses without token or namespace, and at another mount", async () => {
    expect(await ask("kv/data/a", { headers: { "x-vault-token": "other" } })).toBe(403);
    expect(await ask("kv/data/a", { headers: { "x-vault-namespace": "other" } })).toBe(404);
    expect(await ask("kv/data/a", { headers: { "x-vault-request": "" } })).toBe(412);
    expect(await ask("other/metadata/a")).toBe(404);
  });

  it("takes a write only over the version that it names, and reads no deleted one", async () => {
    expect(await write(1)).toBe(400);
    expect(await write(0)).toBe(200);
    expect(await write(0)).toBe(400);
    expect(await ask("kv/data/a")).toBe(200);
    expect(await ask("kv/delete/a", { method: "POST", body: JSON.stringify({ versions: [1] }) })).toBe(204);
    expect(await ask("kv/data/a")).toBe(404);
  });
});

describe("the double of the Simple Log Service", () => {
  const account = new AlicloudAccount();
  const sls = new SlsDouble(account, "cn-shanghai", "project", "store");
  beforeAll(() => sls.start());
  afterAll(() => sls.stop());

  interface Asking {
    readonly project?: string;
    readonly path?: string;
    readonly region?: string;
    readonly query?: Readonly<Record<string, string>>;
    readonly headers?: Readonly<Record<string, string>>;
    readonly authorization?: string;
  }

  /** What a GET is answered, signed as the product signs it. */
  async function ask({ project = "project", path = "/logstores/store", region = "cn-shanghai", query, headers, authorization }: Asking) {
    const whole = { type: "log", from: "1", to: "2", query: 'event: "x"', line: "100", offset: "0", ...query };
    const all = {
      host: `${project}.${new URL(sls.url).host}`,
      "x-log-apiversion": "0.6.0",
      "x-log-date": new Date().toISOString().replace(/[-:]|\.\d+/g, ""),
      "x-log-content-sha256": createHash("sha256").digest("hex"),
      ...headers,
    };
    const signed = authorization ?? slsAuthorization({ path, query: whole, headers: all, region }, account);
    const url = new URL(`${path}?${new URLSearchParams(whole).toString()}`, sls.url);
    const { status, text } = await httpCall(url, { method: "GET", headers: { ...all, authorization: signed } });
    return `${status} ${(JSON.parse(text) as { errorCode?: string }).errorCode ?? text}`;
  }

  it.each<[string, Asking]>([
    ["400 InvalidSignatureMethod", { authorization: "LOG a:b" }],
    ["401 Unauthorized", { authorization: "SLS4-HMAC-SHA256 Credential=other/20260101/cn-shanghai/sls/aliyun_v4_request,Signature=0" }],
    ["401 SignatureNotMatch", { region: "cn-beijing" }],
    ["400 RequestTimeTooSkewed", { headers: { "x-log-date": "20200101T000000Z" } }],
    ["400 InvalidAPIVersion", { headers: { "x-log-apiversion": "1" } }],
    ["404 ProjectNotExist", { project: "other" }],
    ["404 LogStoreNotExist", { path: "/logstores/other" }],
    ["400 ParameterInvalid", { query: { type: "histogram" } }],
    ["400 InvalidTimeRange", { query: { to: "1" } }],
    ["400 InvalidLine", { query: { line: "101" } }],
    ["400 InvalidOffset", { query: { offset: "x" } }],
    ["400 InvalidQueryString", { query: { query: 'event: "a"b"' } }],
    ["200 []", {}],
  ])("answers %s", async (answer, asking) => {
    expect(await ask(asking)).toBe(answer);
  });

  it("finds whole words of a field only, within the times, and no more than are asked for", async () => {
    for (const [time, event] of [
      [10, "secret-in-use"],
      [11, "Secret-In-Use"],
      [12, "secret"],
      [20, "secret-in-use"],
    ] as const) {
      sls.write({ event, node: "a" }, time);
    }
    const query = { from: "10", to: "20", query: 'event: "secret-in-use"', line: "1" };
    const first = '200 [{"__time__":"10","__source__":"a","event":"secret-in-use","node":"a"}]';
    expect([await ask({ query }), await ask({ query: { ...query, offset: "2" } })]).toEqual([first, "200 []"]);
  });
});

describe("the double of scaling groups", () => {
  const account = new AlicloudAccount();
  const fleet = new FleetDouble(account, "cn-shanghai");
  beforeAll(() => fleet.start());
  afterAll(() => fleet.stop());
  const environment = { ...process.env };
  afterEach(() => (process.env = environment));

  it("refuses what is not signed, other services, regions and groups, and longer pages than there are", async () => {
    process.env = { ...environment, ...account.environment };
    fleet.addGroup("gw", 12);
    const ess = new AlicloudApi({ version: "2014-08-28", endpoint: fleet.url });
    const ecs = new AlicloudApi({ version: "2014-05-26", endpoint: fleet.url });
    const RegionId = "cn-shanghai";
    const codes = [
      ess.call("DescribeInstances", { RegionId }),
      ess.call("DescribeScalingGroups", { RegionId: "cn-beijing" }),
      ess.call("DescribeScalingInstances", { RegionId, ScalingGroupId: "asg-none" }),
      ess.call("DescribeScalingInstances", { RegionId, ScalingGroupId: "asg-0", PageSize: "51" }),
      ecs.call("DescribeInstances", { RegionId, InstanceIds: JSON.stringify(Array.from({ length: 101 }, () => "i")) }),
    ].map((call) => call.catch(failureCode));
    expect(await Promise.all(codes)).toEqual([
      "InvalidAction.NotFound",
      "InvalidRegionId.NotFound",
      "InvalidScalingGroupId.NotFound",
      "InvalidParameter",
      "InvalidInstanceIds.Malformed",
    ]);
    const page = await ess.call<{ ScalingInstances: { ScalingInstance: object[] } }>("DescribeScalingInstances", {
      RegionId,
      ScalingGroupId: "asg-0",
    });
    expect(page.ScalingInstances.ScalingInstance).toHaveLength(10);
    process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET = "other";
    await expect(
      new AlicloudApi({ version: "2014-08-28", endpoint: fleet.url }).call("DescribeScalingGroups", { RegionId }),
    ).rejects.toMatchObject({
      code: "SignatureDoesNotMatch",
    });
  });
});
