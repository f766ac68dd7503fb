import { KmsDouble } from "./alicloud-kms";
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
