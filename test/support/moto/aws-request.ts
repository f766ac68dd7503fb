/** The account that moto plays. */
export const MOTO_ACCOUNT = "123456789012";

/** The service and the region that a request is signed for. Moto needs the signature to route, and never checks it. */
export interface Signer {
  readonly endpoint: string;
  readonly service: string;
  readonly region: string;
}

/** Calls an action of a service of the query protocol (EC2, Auto Scaling, ELB); answers its XML. */
export async function queryAws(to: Signer, version: string, action: string, parameters: Record<string, string> = {}): Promise<string> {
  const body = new URLSearchParams({ Action: action, Version: version, ...parameters });
  return send(to, "POST", "/", body.toString(), { "content-type": "application/x-www-form-urlencoded" });
}

/** Calls an action of a service of the JSON protocol (ACM, SQS), named with the prefix of its target; answers its JSON. */
export async function jsonAws(to: Signer, target: string, parameters: object = {}): Promise<unknown> {
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": target };
  return JSON.parse(await send(to, "POST", "/", JSON.stringify(parameters), headers));
}

/** Calls a service of the REST protocol (S3, Route 53); answers its body. */
export async function restAws(to: Signer, method: "GET" | "PUT" | "POST", path: string, body = ""): Promise<string> {
  return send(to, method, path, body, {});
}

/** Parameters of the query protocol that sit below another. */
export function below(prefix: string, parameters: Record<string, string>): Record<string, string> {
  const entries = Object.entries(parameters).map(([name, value]): [string, string] => [`${prefix}.${name}`, value]);
  return Object.fromEntries(entries);
}

async function send(to: Signer, method: string, path: string, body: string, headers: Record<string, string>): Promise<string> {
  const scope = `test/20260101/${to.region}/${to.service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
  const init = { method, headers: { ...headers, authorization }, ...(method === "GET" ? {} : { body }) };
  const response = await fetch(`${to.endpoint}${path}`, init);
  const text = await response.text();
  if (response.ok) return text;
  throw new Error(`${to.service} answered ${response.status} to ${method} ${path}: ${text}`);
}
