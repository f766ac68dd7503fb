import { inspect } from "node:util";
import { KmsDouble } from "../support/secret-stores/alicloud-kms";
import { VaultDouble } from "../support/secret-stores/vault";
import { mintKey } from "./support";
import { VaultLogins } from "./vault-logins";
import { AgentKey, AgentKeyError, VaultLogin } from "cdktf-ai-gateway/agent";

const NAME = "gw/agents/research-agent";
const REGION = "eu-central-1";
const kms = new KmsDouble();
const vault = new VaultDouble();
const logins = new VaultLogins(vault, "gw-research-agent", REGION, "vault.corp.example");
const environment = { ...process.env };

beforeAll(async () => {
  await Promise.all([kms, vault, logins].map((double) => double.start()));
});
afterAll(async () => {
  process.env = environment;
  await Promise.all([kms, vault, logins].map((double) => double.stop()));
});
beforeEach(() => {
  Object.assign(process.env, kms.environment, { AWS_ACCESS_KEY_ID: logins.accessKeyId, AWS_SECRET_ACCESS_KEY: logins.secretAccessKey });
  [kms.throttled, vault.throttled, vault.sealed] = [0, 0, false];
  kms.secrets.clear();
  kms.denied.clear();
  vault.secrets.clear();
  vault.denied.clear();
});

const putInKms = (text: string): void => {
  const version = (stage: string, content: string) => ({ id: stage, text: content, made: new Date(), stages: new Set([stage]) });
  kms.secrets.set(NAME, { versions: [version("ACSPrevious", mintKey()), version("ACSCurrent", text)] });
};
const putInVault = (...values: unknown[]): void => {
  vault.secrets.set(
    NAME,
    values.map((value) => ({ data: { value }, made: new Date() })),
  );
};
const inKms = (endpoint = kms.url): AgentKey => AgentKey.fromKms({ region: "cn-shanghai", name: NAME, endpoint });
const inVault = (auth: VaultLogin, address = logins.url): AgentKey => AgentKey.fromVault({ address, name: NAME, auth });
const failure = async (key: AgentKey): Promise<AgentKeyError> => key.current().catch((error: unknown) => error) as Promise<AgentKeyError>;

const AWS_LOGIN: VaultLogin = { method: "aws", role: "gw-research-agent", region: REGION, serverId: "vault.corp.example" };
const ALICLOUD_LOGIN: VaultLogin = { method: "alicloud", role: "gw-research-agent", mount: "ali" };
const TOKEN_LOGIN: VaultLogin = { method: "token", token: () => Promise.resolve(`${vault.token}\n`) };

describe("a key in KMS", () => {
  it("is the current version, by a signed call, and asked for again while KMS is asked too much", async () => {
    const value = mintKey();
    putInKms(value);
    kms.throttled = 1;
    expect(await inKms().current()).toBe(value);
  });

  it("is told about by the name and by what to do, never by itself", async () => {
    expect(await failure(inKms())).toMatchObject({
      code: "Forbidden.ResourceNotFound",
      message: `${NAME}: KMS in cn-shanghai answered Forbidden.ResourceNotFound: no such secret, or it has no value yet`,
    });
    const value = mintKey();
    putInKms(value);
    kms.denied.add("GetSecretValue");
    const refused = await failure(inKms());
    expect(refused.message).toContain("answered Forbidden.NoPermission: no permission; the machine's role needs kms:GetSecretValue");
    process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET = mintKey();
    const unknown = await failure(inKms());
    expect(unknown.message).toContain("SignatureDoesNotMatch: the credentials are not good");
    expect((await failure(inKms("http://127.0.0.1:1"))).message).toContain("ECONNREFUSED: not reached; outside of a VPC");
    expect(inspect([refused, unknown], { depth: 9, showHidden: true })).not.toContain(value);
  });
});

describe("a key in Vault", () => {
  it.each([
    ["a machine's role of AWS", AWS_LOGIN],
    ["a machine's role of Alibaba Cloud", ALICLOUD_LOGIN],
  ])("is the newest version, entered with %s, with one login as long as the token lives", async (_, auth) => {
    if (auth.method === "alicloud") Object.assign(process.env, logins.account.environment);
    const [old, value] = [mintKey(), mintKey()];
    putInVault(old, value);
    logins.logins = 0;
    const key = inVault(auth);
    expect(await key.current()).toBe(value);
    putInVault(value, old);
    expect(await key.insteadOf(value)).toBe(old);
    expect(logins.logins).toBe(1);
    logins.revoke();
    putInVault(value);
    expect(await key.insteadOf(old)).toBe(value);
    expect(logins.logins).toBe(2);
  });

  it("logs in anew before the token ends", async () => {
    const [one, two] = [mintKey(), mintKey()];
    [logins.logins, logins.lease] = [0, 60];
    putInVault(one);
    const key = inVault(AWS_LOGIN);
    await key.current();
    putInVault(two);
    expect(await key.insteadOf(one)).toBe(two);
    expect(logins.logins).toBe(2);
    logins.lease = 3600;
  });

  it("is read with a token that another program keeps, and asked for again while Vault is asked too much", async () => {
    const value = mintKey();
    putInVault(value);
    vault.throttled = 1;
    expect(await inVault(TOKEN_LOGIN, vault.url).current()).toBe(value);
  });

  it("is told about by the name and by what to do, never by itself", async () => {
    const said = async (auth: VaultLogin, address?: string): Promise<string> => (await failure(inVault(auth, address))).message;
    const value = mintKey();
    putInVault(value);
    const messages = [
      await said({ ...AWS_LOGIN, role: "another" }),
      await said({ ...AWS_LOGIN, mount: "elsewhere" }),
      await said({ method: "token", token: () => value }, vault.url),
      await said(TOKEN_LOGIN, "http://127.0.0.1:1"),
    ];
    vault.secrets.clear();
    messages.push(await said(TOKEN_LOGIN, vault.url));
    putInVault({ [value]: value });
    messages.push(await said(TOKEN_LOGIN, vault.url));
    expect(messages.map((message) => message.replace(/Vault at \S+/, "Vault"))).toEqual([
      `${NAME}: Vault answered HTTP 400: no role of this name, another role of the cloud, or a wrong serverId`,
      `${NAME}: Vault answered HTTP 404: the auth method is mounted elsewhere, or in another namespace`,
      `${NAME}: Vault answered HTTP 403: no permission; the policy must allow to read this path`,
      `${NAME}: Vault answered ECONNREFUSED`,
      `${NAME}: Vault answered HTTP 404: no such secret, or its newest version is deleted, or the engine is mounted elsewhere or of version 1`,
      `${NAME}: Vault the secret has no text in the field "value"`,
    ]);
    expect(messages.join("\n")).not.toContain(value);
  });
});
