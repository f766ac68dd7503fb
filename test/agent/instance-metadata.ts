import { randomBytes } from "node:crypto";
import { Answer, Asked, Double } from "../support/secret-stores/server";

const CREDENTIALS = "/latest/meta-data/iam/security-credentials";

/** The metadata service of an instance of AWS that has a role; version 2 only, as our own nodes have it. */
export class InstanceMetadata extends Double {
  /** How often the role's credentials were handed out. */
  public handedOut = 0;
  private readonly token = randomBytes(16).toString("base64url");

  constructor(private readonly role: string) {
    super();
  }

  protected answer({ method, url, headers }: Asked): Answer {
    const path = url.pathname.replace(/\/$/, "");
    if (method === "PUT" && path === "/latest/api/token") {
      const ttl = { "x-aws-ec2-metadata-token-ttl-seconds": String(headers["x-aws-ec2-metadata-token-ttl-seconds"]) };
      return { status: 200, body: this.token, headers: { ...ttl, "content-type": "text/plain" } };
    }
    if (headers["x-aws-ec2-metadata-token"] !== this.token) return { status: 401, body: "" };
    if (path === CREDENTIALS) return { status: 200, body: this.role, headers: { "content-type": "text/plain" } };
    return path === `${CREDENTIALS}/${this.role}` ? { status: 200, body: this.credentials() } : { status: 404, body: "" };
  }

  private credentials(): string {
    this.handedOut += 1;
    return JSON.stringify({
      Code: "Success",
      Type: "AWS-HMAC",
      LastUpdated: new Date().toISOString(),
      AccessKeyId: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
      SecretAccessKey: randomBytes(20).toString("hex"),
      Token: randomBytes(60).toString("base64"),
      Expiration: new Date(Date.now() + 6 * 3_600_000).toISOString(),
    });
  }
}
