import { createHash, createHmac, randomBytes } from "node:crypto";
import { Asked, Refused } from "./server";

const MAX_SKEW_MS = 900_000;

/** An account of Alibaba Cloud with one access key: checks what is signed by it, apart from the code under test. */
export class AlicloudAccount {
  private readonly nonces = new Set<string>();

  constructor(
    public readonly accessKeyId = `LTAI${randomBytes(8).toString("hex")}`,
    public readonly accessKeySecret = randomBytes(15).toString("hex"),
  ) {}

  /** What the caller's environment must be. */
  public get environment(): Record<string, string> {
    return { ALIBABA_CLOUD_ACCESS_KEY_ID: this.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: this.accessKeySecret };
  }

  /** Signature, skew, and a nonce that was not used yet, as OpenAPI checks them (ACS3-HMAC-SHA256). */
  public checkAcs3({ method, url, headers, body }: Asked): void {
    const said = /^ACS3-HMAC-SHA256 Credential=([^,]*),SignedHeaders=([^,]*),Signature=([0-9a-f]*)$/.exec(headers.authorization ?? "");
    if (said === null) throw new Refused(400, "IncompleteSignature");
    const [, credential, signed = "", signature] = said;
    if (credential !== this.accessKeyId) throw new Refused(404, "InvalidAccessKeyId.NotFound");
    const names = signed.split(";");
    if (["x-acs-action", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"].some((name) => !names.includes(name))) {
      throw new Refused(400, "IncompleteSignature");
    }
    const digest = sha256(body);
    if (headers["x-acs-content-sha256"] !== digest) throw new Refused(400, "SignatureDoesNotMatch");
    const canonical = [
      method,
      url.pathname,
      acs3Query(url),
      ...names.map((name) => `${name}:${String(headers[name]).trim()}`),
      "",
      signed,
      digest,
    ];
    const right = hmac(this.accessKeySecret, `ACS3-HMAC-SHA256\n${sha256(canonical.join("\n"))}`).toString("hex");
    if (signature !== right) throw new Refused(400, "SignatureDoesNotMatch");
    if (isSkewed(String(headers["x-acs-date"]))) throw new Refused(400, "InvalidTimeStamp.Expired");
    const nonce = String(headers["x-acs-signature-nonce"]);
    if (this.nonces.has(nonce)) throw new Refused(400, "SignatureNonceUsed");
    this.nonces.add(nonce);
  }

  /**
   * Signature and skew as the Simple Log Service of a region checks them (SLS4-HMAC-SHA256): of what it received it takes the
   * host, the content type, and what is its own.
   */
  public checkSls4({ method, url, headers, body }: Asked, region: string): void {
    const said = /^SLS4-HMAC-SHA256 Credential=([^/]*)\/(.*),Signature=([0-9a-f]*)$/.exec(headers.authorization ?? "");
    if (said === null) throw new Refused(400, "InvalidSignatureMethod");
    const [, credential, scope, signature] = said;
    if (credential !== this.accessKeyId) throw new Refused(401, "Unauthorized");
    if (headers["x-log-content-sha256"] !== sha256(body)) throw new Refused(401, "SignatureNotMatch");
    const moment = String(headers["x-log-date"]);
    if (scope !== `${moment.slice(0, 8)}/${region}/sls/aliyun_v4_request`) throw new Refused(401, "SignatureNotMatch");
    const names = Object.keys(headers).filter((name) => /^(host|content-type|x-log-.*|x-acs-.*)$/.test(name));
    names.sort();
    const lines = names.map((name) => `${name}:${String(headers[name])}\n`).join("");
    const canonical = `${method}\n${url.pathname}\n${sls4Query(url)}\n${lines}\n${names.join(";")}\n${sha256(body)}`;
    let key = hmac(`aliyun_v4${this.accessKeySecret}`, moment.slice(0, 8));
    for (const part of [region, "sls", "aliyun_v4_request"]) key = hmac(key, part);
    const right = hmac(key, `SLS4-HMAC-SHA256\n${moment}\n${scope}\n${sha256(canonical)}`).toString("hex");
    if (signature !== right) throw new Refused(401, "SignatureNotMatch");
    if (isSkewed(moment.replace(/^(....)(..)(..T..)(..)/, "$1-$2-$3:$4:"))) throw new Refused(400, "RequestTimeTooSkewed");
  }
}

function isSkewed(moment: string): boolean {
  return !(Math.abs(Date.now() - Date.parse(moment)) <= MAX_SKEW_MS);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function quote(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}

function acs3Query(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => `${quote(name)}=${quote(value)}`)
    .sort()
    .join("&");
}

/** By the plain names; an empty value has no equals sign. */
function sls4Query(url: URL): string {
  const pairs = [...url.searchParams].sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.map(([name, value]) => (value === "" ? name : `${name}=${quote(value)}`)).join("&");
}
