import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AlicloudKms } from "../../../src/cli/secrets/alicloud-kms";
import { StoreClient, StoredSecret } from "../../../src/cli/secrets/store-client";
import { VaultKv } from "../../../src/cli/secrets/vault-kv";
import { VaultStoreSettings } from "../../../src/secret-store";
import { KmsDouble } from "../../support/secret-stores/alicloud-kms";
import { VaultDouble } from "../../support/secret-stores/vault";

const bare: StoredSecret = { name: "gw/openai", purpose: "the key of provider openai", fields: [] };
const fielded: StoredSecret = { name: "gw/azure", purpose: "the key of provider azure", fields: ["client_id", "client_secret"] };
const object = (secret: string): string => JSON.stringify({ client_id: "id", client_secret: secret });

const kms = new KmsDouble();
const vault = new VaultDouble("team/kv", "admin/team-a");
const vaultSettings = (address: string, more: Partial<VaultStoreSettings> = {}): VaultStoreSettings => ({
  kind: "vault",
  address,
  mount: "team/kv",
  namespace: "admin/team-a",
  auth: { method: "aws", mount: "aws", role: "gw" },
  ...more,
});
const environment = { ...process.env };

beforeAll(async () => {
  await Promise.all([kms.start(), vault.start()]);
  Object.assign(process.env, kms.environment, { AIGW_KMS_ENDPOINT: kms.url, VAULT_TOKEN: vault.token });
});
afterAll(async () => {
  process.env = environment;
  await Promise.all([kms.stop(), vault.stop()]);
});
beforeEach(() => {
  kms.secrets.clear();
  kms.keys.clear();
  kms.denied.clear();
  vault.secrets.clear();
  vault.denied.clear();
  vault.sealed = false;
});

const clients: readonly [string, () => StoreClient][] = [
  ["KMS", () => new AlicloudKms("cn-shanghai", { gateway: "gw" })],
  ["Vault", () => new VaultKv(vaultSettings(vault.url))],
];

describe.each(clients)("secrets in %s", (_, open) => {
  it("are absent, then have a current and a previous version, and go back", async () => {
    const client = open();
    expect(await client.versions(bare)).toBeUndefined();
    expect(await client.read(bare, "current")).toBeUndefined();
    const first = await client.put(bare, "one");
    expect(await client.read(bare, "current")).toEqual({ text: "one", version: first });
    expect(await client.read(bare, "previous")).toBeUndefined();
    const second = await client.put(bare, "two");
    expect(await client.read(bare, "current")).toEqual({ text: "two", version: second });
    expect(await client.read(bare, "previous")).toEqual({ text: "one", version: first });
    const third = await client.restorePrevious(bare);
    expect(await client.read(bare, "current")).toEqual({ text: "one", version: third });
    expect(await client.read(bare, "previous")).toMatchObject({ text: "two" });
    expect((await client.versions(bare))?.every(({ made }) => made !== undefined && Date.now() - made.getTime() < 60_000)).toBe(true);
  });

  it("have no previous version once it is dropped, and nothing to go back to", async () => {
    const client = open();
    for (const text of ["one", "two", "three"]) await client.put(bare, text);
    await client.dropPrevious(bare);
    expect(await client.read(bare, "previous")).toBeUndefined();
    expect(await client.read(bare, "current")).toMatchObject({ text: "three" });
    await client.dropPrevious(bare);
    await expect(client.restorePrevious(bare)).rejects.toThrow("gw/openai: there is no previous version");
    await client.put(bare, "four");
    expect(await client.read(bare, "previous")).toMatchObject({ text: "three" });
  });

  it("get a first value once only, also if many write it at once", async () => {
    const written = await Promise.all(["a", "b", "c", "d"].map((text) => open().putFirst(bare, text)));
    expect(written.filter(Boolean)).toHaveLength(1);
    const value = (await open().read(bare, "current"))!.text;
    expect(await open().putFirst(bare, "e")).toBe(false);
    expect(await open().read(bare, "current")).toMatchObject({ text: value });
    expect(await open().versions(bare)).toHaveLength(1);
  });

  it("with fields are JSON objects", async () => {
    const client = open();
    await client.put(fielded, object("s1"));
    expect(JSON.parse((await client.read(fielded, "current"))!.text)).toEqual({ client_id: "id", client_secret: "s1" });
  });

  it("are asked for again when the store is asked too much", async () => {
    await open().put(bare, "one");
    kms.throttled = vault.throttled = 2;
    expect(await open().read(bare, "current")).toMatchObject({ text: "one" });
    kms.throttled = vault.throttled = 100;
    await expect(open().read(bare, "current")).rejects.toThrow("throttled, also after three more tries");
    kms.throttled = vault.throttled = 0;
  });
});

describe("KMS", () => {
  const open = (more: object = {}): AlicloudKms => new AlicloudKms("cn-shanghai", { gateway: "gw", ...more });

  it("makes a secret with the gateway's key and in its instance, once the stack has made them", async () => {
    kms.keys.set("alias/gw", { id: "key-1", instance: "kst-1" });
    await open().put(bare, "one");
    expect(kms.secrets.get(bare.name)).toMatchObject({ key: "key-1", instance: "kst-1" });
  });

  it("says so when key and secret are of different instances", async () => {
    kms.keys.set("key-2", { id: "key-2", instance: "kst-1" });
    await expect(open({ encryptionKey: "key-2", kmsInstance: "kst-2" }).put(bare, "hush")).rejects.toThrow(
      /^gw\/openai: KMS in cn-shanghai answered \S+: a secret and its key must be in the same KMS instance/,
    );
    await expect(open({ encryptionKey: "key-3" }).put(bare, "hush")).rejects.toThrow("Forbidden.KeyNotFound");
  });

  it("says what is missing: permission, credentials, a living secret, an answer", async () => {
    await open().put(bare, "one");
    kms.denied.add("PutSecretValue");
    await expect(open().put(bare, "hush")).rejects.toThrow(
      "gw/openai: KMS in cn-shanghai answered Forbidden.NoPermission: no permission; the caller needs kms:PutSecretValue",
    );
    kms.secrets.get(bare.name)!.leaves = new Date();
    const restore = "bring it back with: aliyun kms RestoreSecret --RegionId cn-shanghai --SecretName gw/openai";
    await expect(open().versions(bare)).rejects.toThrow(restore);
    await expect(open().read(bare, "current")).rejects.toThrow(`Rejected.ResourceInDeleteWindow: it is scheduled for deletion; ${restore}`);
    process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET = "wrong";
    await expect(open().versions(bare)).rejects.toThrow("SignatureDoesNotMatch: the credentials are not good");
    process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET = kms.accessKeySecret;
    process.env.AIGW_KMS_ENDPOINT = "http://127.0.0.1:1";
    await expect(open().versions(bare)).rejects.toThrow("ECONNREFUSED: nothing answers there");
    process.env.AIGW_KMS_ENDPOINT = kms.url;
  });
});

describe("Vault", () => {
  const open = (more: Partial<VaultStoreSettings> = {}): VaultKv => new VaultKv(vaultSettings(vault.url, more));

  it("reads what others wrote as one field `value` as a bare value, and any other as an object", async () => {
    vault.secrets.set(bare.name, [{ data: { key: "x" }, made: new Date() }]);
    expect(await open().read(bare, "current")).toMatchObject({ text: '{"key":"x"}' });
    await open().put(bare, "one");
    expect(vault.fields(bare.name)).toEqual({ value: "one" });
  });

  it("says what is missing: a token, permission, the engine, an unsealed Vault", async () => {
    vault.denied.add("POST data");
    await expect(open().put(bare, "hush")).rejects.toThrow(`gw/openai: Vault at ${vault.url} answered HTTP 403: no permission`);
    await expect(open({ mount: "other" }).put(bare, "hush")).rejects.toThrow('HTTP 404: is there a KV engine, version 2, at "other"?');
    await expect(open({ namespace: "other" }).put(bare, "hush")).rejects.toThrow("HTTP 404");
    vault.sealed = true;
    await expect(open().versions(bare)).rejects.toThrow("HTTP 503: it is sealed");
    const home = mkdtempSync(join(tmpdir(), "home-"));
    Object.assign(process.env, { VAULT_TOKEN: "", HOME: home });
    await expect(open().versions(bare)).rejects.toThrow("no token of Vault: set VAULT_TOKEN");
    Object.assign(process.env, { VAULT_TOKEN: vault.token, HOME: environment.HOME });
    rmSync(home, { recursive: true });
  });

  it("refuses to write over what another wrote in the meantime", async () => {
    await open().put(bare, "one");
    const [first, second] = await Promise.allSettled([open().put(bare, "two"), open().put(bare, "three")]);
    const lost = [first, second].find(({ status }) => status === "rejected");
    expect(lost).toMatchObject({
      reason: { message: expect.stringContaining("check-and-set: another one wrote at the same time") as string },
    });
    expect(vault.secrets.get(bare.name)).toHaveLength(2);
  });

  it("is trusted by its own authority only", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tls-"));
    const [file, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    const words = [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "1",
      "-subj",
      "/CN=127.0.0.1",
      "-addext",
      "subjectAltName=IP:127.0.0.1",
    ];
    execFileSync("openssl", [...words, "-out", file, "-keyout", keyFile], { stdio: "ignore" });
    const [cert, key] = [file, keyFile].map((path) => readFileSync(path, "utf8"));
    const own = new VaultDouble("team/kv", "admin/team-a");
    await own.start({ cert, key });
    process.env.VAULT_TOKEN = own.token;
    await expect(new VaultKv(vaultSettings(own.url)).versions(bare)).rejects.toThrow("its certificate is not trusted");
    const trusted = new VaultKv(vaultSettings(own.url, { caCertificate: cert }));
    await trusted.put(bare, "one");
    expect(own.fields(bare.name)).toEqual({ value: "one" });
    process.env.VAULT_TOKEN = vault.token;
    await own.stop();
    rmSync(folder, { recursive: true });
  });
});
