import { createHash, createHmac, randomBytes } from "node:crypto";
import Credential from "@alicloud/credentials";
import type { SignedQuestion } from "./vault-login";

/** The only host that Vault's plugin takes. */
const HOST = "sts.aliyuncs.com";
const QUERY = "Action=GetCallerIdentity&Format=JSON";

/** Signed with the credentials that the vendor's SDK finds, whose client can not sign without sending. */
export async function askAlicloud(): Promise<SignedQuestion> {
  const { accessKeyId = "", accessKeySecret = "", securityToken } = await new Credential().getCredential();
  const headers: Readonly<Record<string, string>> = {
    host: HOST,
    "x-acs-action": "GetCallerIdentity",
    "x-acs-content-sha256": sha256(""),
    "x-acs-date": new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    ...(securityToken ? { "x-acs-security-token": securityToken } : {}),
    "x-acs-signature-nonce": randomBytes(16).toString("hex"),
    "x-acs-version": "2015-04-01",
  };
  return {
    url: `https://${HOST}/?${QUERY}`,
    headers: { ...headers, authorization: acs3(headers, accessKeyId, accessKeySecret) },
    body: "",
  };
}

/** @see https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature */
function acs3(headers: Readonly<Record<string, string>>, id: string, secret: string): string {
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join("");
  const canonical = `POST\n/\n${QUERY}\n${lines}\n${names.join(";")}\n${headers["x-acs-content-sha256"]}`;
  const signature = createHmac("sha256", secret)
    .update(`ACS3-HMAC-SHA256\n${sha256(canonical)}`)
    .digest("hex");
  return `ACS3-HMAC-SHA256 Credential=${id},SignedHeaders=${names.join(";")},Signature=${signature}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
