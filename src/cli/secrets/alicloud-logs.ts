import { createHash, createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import Credential from "@alicloud/credentials";
import { httpCall, HttpReply } from "./http-call";
import { withRetries } from "./retries";
import { failureCode } from "./store-error";

/** A store in a project of the Simple Log Service. */
export interface LogStorePlace {
  readonly project: string;
  readonly store: string;
  readonly region: string;
}

/** A line as SLS answers it: fields of text. */
export type LogLine = Readonly<Record<string, string>>;

/** What a call to SLS is signed with. */
export interface SlsCredentials {
  readonly accessKeyId?: string;
  readonly accessKeySecret?: string;
  readonly securityToken?: string;
}

/** What is signed of a GET. */
export interface SlsRequest {
  /** As it is sent. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** All that are named host, content-type, x-log-... or x-acs-...; `x-log-date` must be among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly region: string;
}

/** SLS answers no more at once. */
const PAGE = 100;
/** As the vendor's SDKs ask again while an answer is not complete. */
const COMPLETING_ATTEMPTS = 5;
const COMPLETING_PAUSE_MS = 500;

/**
 * The lines of a log store, with the credentials that the vendor's CLI would find.
 * `AIGW_SLS_ENDPOINT` names another endpoint, such as `<region>-intranet.log.aliyuncs.com` inside the cloud.
 *
 * SLS has a signature of its own, which the vendor's generic client does not know.
 * @see https://www.alibabacloud.com/help/en/sls/developer-reference/api-getlogs, which unlike GetLogsV2 may answer uncompressed
 */
export class AlicloudLogs {
  private readonly url: URL;
  private readonly host: string;
  private readonly credential = new Credential();

  constructor(private readonly place: LogStorePlace) {
    const endpoint = process.env.AIGW_SLS_ENDPOINT || `${place.region}.log.aliyuncs.com`;
    const isWhole = endpoint.includes("://");
    this.url = new URL(isWhole ? endpoint : `https://${place.project}.${endpoint}`);
    // An address, which has no project in its name, is told the project all the same.
    this.host = isWhole ? `${place.project}.${this.url.host}` : this.url.host;
  }

  /** Every line since a moment that a query of SLS finds. */
  public async since(moment: Date, query: string): Promise<LogLine[]> {
    const seconds = (date: Date): string => String(Math.floor(date.getTime() / 1000));
    // The end is exclusive.
    const asked = { type: "log", from: seconds(moment), to: seconds(new Date(Date.now() + 1000)), query, line: String(PAGE) };
    const lines: LogLine[] = [];
    for (let last = PAGE; last === PAGE;) {
      const page = await this.page({ ...asked, offset: String(lines.length) });
      lines.push(...page);
      last = page.length;
    }
    return lines;
  }

  private async page(query: Readonly<Record<string, string>>): Promise<LogLine[]> {
    for (let attempt = 1; attempt <= COMPLETING_ATTEMPTS; attempt += 1) {
      const reply = await withRetries(isBusy, () => this.get(query));
      if (reply.headers["x-log-progress"] === "Complete") return JSON.parse(reply.text) as LogLine[];
      await sleep(COMPLETING_PAUSE_MS);
    }
    throw Object.assign(new Error(), { name: "Incomplete" });
  }

  private async get(query: Readonly<Record<string, string>>): Promise<HttpReply> {
    const path = `/logstores/${encodeURIComponent(this.place.store)}`;
    const credentials = await this.credential.getCredential();
    const unsigned = {
      host: this.host,
      "x-log-apiversion": "0.6.0",
      "x-log-bodyrawsize": "0",
      "x-log-date": new Date().toISOString().replace(/[-:]|\.\d+/g, ""),
      "x-log-content-sha256": sha256(""),
      ...(credentials.securityToken ? { "x-acs-security-token": credentials.securityToken } : {}),
    };
    const authorization = slsAuthorization({ path, query, headers: unsigned, region: this.place.region }, credentials);
    const url = new URL(`${path}?${canonicalQuery(query)}`, this.url);
    const reply = await httpCall(url, { method: "GET", headers: { ...unsigned, authorization } });
    if (reply.status !== 200) throw Object.assign(new Error(), { name: refusalCode(reply) });
    return reply;
  }
}

/**
 * The header `authorization` of a GET: SLS4-HMAC-SHA256, which the node's `sls.py` signs its writes with.
 * @see https://github.com/aliyun/aliyun-log-go-sdk/blob/master/signature_v4.go
 */
export function slsAuthorization({ path, query, headers, region }: SlsRequest, credentials: SlsCredentials): string {
  const { accessKeyId = "", accessKeySecret = "" } = credentials;
  const moment = headers["x-log-date"]!;
  const names = Object.keys(headers).sort();
  const canonical = [
    "GET",
    path,
    canonicalQuery(query),
    ...names.map((name) => `${name}:${headers[name]}`),
    "",
    names.join(";"),
    headers["x-log-content-sha256"],
  ];
  const scope = `${moment.slice(0, 8)}/${region}/sls/aliyun_v4_request`;
  const text = ["SLS4-HMAC-SHA256", moment, scope, sha256(canonical.join("\n"))].join("\n");
  const key = scope.split("/").reduce<string | Buffer>((secret, part) => hmac(secret, part), `aliyun_v4${accessKeySecret}`);
  return `SLS4-HMAC-SHA256 Credential=${accessKeyId}/${scope},Signature=${hmac(key, text).toString("hex")}`;
}

/** An empty value has no equals sign. Only values are encoded. */
function canonicalQuery(query: Readonly<Record<string, string>>): string {
  const encoded = (value: string): string =>
    encodeURIComponent(value).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  return Object.keys(query)
    .sort()
    .map((name) => (query[name] === "" ? name : `${name}=${encoded(query[name]!)}`))
    .join("&");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function refusalCode({ status, text }: HttpReply): string {
  const code = /"errorCode"\s*:\s*"(\w+)"/.exec(text)?.[1];
  return code ?? `HTTP-${status}`;
}

function isBusy(error: unknown): boolean {
  return /QuotaExceed|ServerBusy|InternalServerError|HTTP-5/.test(failureCode(error));
}
