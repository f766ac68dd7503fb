import { createHash, createHmac, randomBytes } from "node:crypto";
import { AlicloudAccount } from "../support/secret-stores/alicloud-account";
import { Answer, Asked, Double, Refused } from "../support/secret-stores/server";
import { VaultDouble } from "../support/secret-stores/vault";

type Sent = Readonly<Record<string, string>>;

const BODY = "Action=GetCallerIdentity&Version=2011-06-15";

/**
 * Vault's logins by a cloud's role, before a KV engine: hands the signed question on to what checks signatures, gives tokens
 * that end, and takes no others.
 */
export class VaultLogins extends Double {
  public readonly accessKeyId = `AKIA${randomBytes(8).toString("hex").toUpperCase()}`;
  public readonly secretAccessKey = randomBytes(20).toString("hex");
  public readonly account = new AlicloudAccount();
  public logins = 0;
  /** What tokens are told to live for, in seconds. */
  public lease = 3600;
  private token?: string;

  constructor(
    private readonly vault: VaultDouble,
    private readonly role: string,
    private readonly region: string,
    private readonly serverId: string,
  ) {
    super();
  }

  public revoke(): void {
    this.token = undefined;
  }

  protected async answer(asked: Asked): Promise<Answer> {
    try {
      const { pathname } = asked.url;
      if (asked.method === "POST" && pathname.startsWith("/v1/auth/")) return this.login(pathname, JSON.parse(asked.body) as Sent);
      if (this.token === undefined || asked.headers["x-vault-token"] !== this.token) throw new Refused(403, "permission denied");
      return await this.forwarded(asked);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, body: JSON.stringify({ errors: [error.code] }) };
    }
  }

  private async forwarded({ url, headers }: Asked): Promise<Answer> {
    const kept = { "x-vault-request": String(headers["x-vault-request"]), "x-vault-token": this.vault.token };
    const reply = await fetch(`${this.vault.url}${url.pathname}${url.search}`, { headers: kept });
    return { status: reply.status, body: await reply.text() };
  }

  private login(path: string, sent: Sent): Answer {
    this.logins += 1;
    if (path === "/v1/auth/aws/login") this.checkAws(sent);
    else if (path === "/v1/auth/ali/login") this.checkAlicloud(sent);
    else throw new Refused(404, "no handler for route");
    if (sent.role !== this.role) throw new Refused(400, "entry for role not found");
    this.token = `hvs.${randomBytes(16).toString("hex")}`;
    return { status: 200, body: JSON.stringify({ auth: { client_token: this.token, lease_duration: this.lease } }) };
  }

  /** As STS checks a signature of version 4. */
  private checkAws(sent: Sent): void {
    const headers = headersIn(sent.iam_request_headers!);
    const host = `sts.${this.region}.amazonaws.com`;
    const right = sent.iam_http_request_method === "POST" && text(sent.iam_request_url!) === `https://${host}/` && headers.host === host;
    if (!right || text(sent.iam_request_body!) !== BODY) throw new Refused(400, "no GetCallerIdentity");
    const said = /^AWS4-HMAC-SHA256 Credential=([^/]*)\/(.*), SignedHeaders=([^,]*), Signature=([0-9a-f]*)$/.exec(
      headers.authorization ?? "",
    );
    const [, id, scope = "", signed = "", signature] = said ?? [];
    const moment = headers["x-amz-date"] ?? "";
    if (id !== this.accessKeyId || scope !== `${moment.slice(0, 8)}/${this.region}/sts/aws4_request`) throw new Refused(400, "scope");
    const names = signed.split(";");
    if (headers["x-vault-aws-iam-server-id"] !== this.serverId || !names.includes("x-vault-aws-iam-server-id")) {
      throw new Refused(400, "meant for another Vault");
    }
    const canonical = `POST\n/\n\n${names.map((name) => `${name}:${headers[name]}\n`).join("")}\n${signed}\n${sha256(BODY)}`;
    const key = scope.split("/").reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${this.secretAccessKey}`);
    const expected = hmac(key, `AWS4-HMAC-SHA256\n${moment}\n${scope}\n${sha256(canonical)}`).toString("hex");
    if (signature !== expected) throw new Refused(400, "SignatureDoesNotMatch");
  }

  private checkAlicloud(sent: Sent): void {
    const url = new URL(text(sent.identity_request_url!));
    if (url.href !== "https://sts.aliyuncs.com/?Action=GetCallerIdentity&Format=JSON") throw new Refused(400, "no GetCallerIdentity");
    const headers = headersIn(sent.identity_request_headers!);
    if (headers.host !== url.host || headers["x-acs-action"] !== "GetCallerIdentity") throw new Refused(400, "no GetCallerIdentity");
    this.account.checkAcs3({ method: "POST", url, headers, body: "" });
  }
}

function text(encoded: string): string {
  return Buffer.from(encoded, "base64").toString();
}

function headersIn(encoded: string): Readonly<Record<string, string>> {
  const lists = JSON.parse(text(encoded)) as Readonly<Record<string, readonly string[]>>;
  return Object.fromEntries(Object.entries(lists).map(([name, [value]]) => [name.toLowerCase(), value!]));
}

function sha256(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

function hmac(key: string | Buffer, content: string): Buffer {
  return createHmac("sha256", key).update(content).digest();
}
