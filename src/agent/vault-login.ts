/** How a machine logs in to Vault. */
export type VaultLogin = AwsVaultLogin | AlicloudVaultLogin | TokenVaultLogin;

/** By the role of an AWS machine: Vault's `aws` auth method, type iam. */
export interface AwsVaultLogin {
  readonly method: "aws";
  /** The name of the role in Vault. */
  readonly role: string;
  /** The machine's region, whose STS Vault asks. */
  readonly region: string;
  /** @default "aws" */
  readonly mount?: string;
  /**
   * Vault's `iam_server_id_header_value`.
   * @default - none is sent
   */
  readonly serverId?: string;
}

/** By the RAM role of an Alibaba Cloud machine: Vault's `alicloud` auth method. */
export interface AlicloudVaultLogin {
  readonly method: "alicloud";
  /** The name of the role in Vault. */
  readonly role: string;
  /** @default "alicloud" */
  readonly mount?: string;
}

/** By a token that another program keeps alive, such as Vault Agent; asked for at each read. */
export interface TokenVaultLogin {
  readonly method: "token";
  /** @example () => readFile("/run/vault/token", "utf8") */
  readonly token: () => string | Promise<string>;
}

/** A question "who am I" to the cloud's STS, signed by the machine, which Vault asks in its place. */
export interface SignedQuestion {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What Vault's login is sent; the cloud's SDK is loaded only now. */
export async function loginRequest(login: AwsVaultLogin | AlicloudVaultLogin): Promise<Readonly<Record<string, string>>> {
  if (login.method === "aws") {
    const { askAws } = await import("./ask-aws.js");
    const { url, headers, body } = await askAws(login);
    return {
      role: login.role,
      iam_http_request_method: "POST",
      iam_request_url: base64(url),
      iam_request_body: base64(body),
      iam_request_headers: base64(headerLists(headers)),
    };
  }
  const { askAlicloud } = await import("./ask-alicloud.js");
  const { url, headers } = await askAlicloud();
  return { role: login.role, identity_request_url: base64(url), identity_request_headers: base64(headerLists(headers)) };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** As Go writes headers to JSON. */
function headerLists(headers: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])));
}
