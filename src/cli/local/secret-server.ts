import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, Server } from "node:http";
import { AddressInfo } from "node:net";

/**
 * The store of a local gateway: AWS Secrets Manager's GetSecretValue on 127.0.0.1, with the values in this process's
 * memory only. It answers whoever signs with its own access key, which is made anew for each run.
 */
export class SecretServer {
  /** What the gateway's process is given to sign with; worthless elsewhere. */
  public readonly accessKey = `local${randomBytes(8).toString("hex")}`;
  private readonly values = new Map<string, { text: string; version: string }>();
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const [status, body] = this.answer(request.headers.authorization ?? "", Buffer.concat(chunks).toString());
        response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
      });
    });
  }

  /** A new version; the gateway takes it at its next refresh. */
  public set(name: string, text: string): void {
    this.values.set(name, { text, version: randomUUID() });
  }

  /** The URL of the store. */
  public async start(): Promise<string> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(authorization: string, body: string): [number, object] {
    if (!authorization.includes(`Credential=${this.accessKey}/`)) return [400, { __type: "UnrecognizedClientException" }];
    const { SecretId: name } = JSON.parse(body) as { SecretId: string };
    const found = this.values.get(name);
    if (found === undefined) return [400, { __type: "ResourceNotFoundException" }];
    return [200, { Name: name, SecretString: found.text, VersionId: found.version }];
  }
}
