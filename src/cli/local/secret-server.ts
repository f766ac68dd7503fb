import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, Server } from "node:http";
import { AddressInfo } from "node:net";

const STAGES = { current: "AWSCURRENT", previous: "AWSPREVIOUS" } as const;

type Stage = (typeof STAGES)[keyof typeof STAGES];

interface Version {
  readonly id: string;
  readonly text: string;
  readonly made: Date;
}

/** A secret's versions, and which of them a stage names. */
interface Secret {
  readonly versions: Map<string, Version>;
  readonly stages: Map<Stage, string>;
}

/** What an action is sent; each reads its own part. */
interface Asked {
  readonly SecretId: string;
  readonly Name: string;
  readonly SecretString: string;
  readonly VersionStage?: Stage;
  readonly ClientRequestToken?: string;
  readonly MoveToVersionId?: string;
}

class Refused extends Error {}

/**
 * The store of a local gateway: what the nodes and the command ask of AWS Secrets Manager, on 127.0.0.1, with the values in
 * this process's memory only. It answers whoever signs with its own access key, which is made anew for each run.
 */
export class SecretServer {
  /** What the gateway's process and the command are given to sign with; worthless elsewhere. */
  public readonly accessKey = `local${randomBytes(8).toString("hex")}`;
  private readonly secrets = new Map<string, Secret>();
  private readonly server: Server;

  private readonly actions: Readonly<Record<string, (asked: Asked) => object>> = {
    GetSecretValue: ({ SecretId, VersionStage = STAGES.current }) => {
      const { id, text } = this.version(SecretId, VersionStage);
      return { Name: SecretId, SecretString: text, VersionId: id };
    },
    DescribeSecret: ({ SecretId }) => {
      this.secret(SecretId);
      return { Name: SecretId };
    },
    ListSecretVersionIds: ({ SecretId }) => ({ Versions: versionsOf(this.secret(SecretId)) }),
    CreateSecret: ({ Name, SecretString, ClientRequestToken }) => {
      if (this.secrets.has(Name)) throw new Refused("ResourceExistsException");
      return { Name, VersionId: this.set(Name, SecretString, ClientRequestToken) };
    },
    PutSecretValue: ({ SecretId, SecretString, ClientRequestToken }) => {
      this.secret(SecretId);
      return { Name: SecretId, VersionId: this.set(SecretId, SecretString, ClientRequestToken) };
    },
    UpdateSecretVersionStage: ({ SecretId, VersionStage = STAGES.current, MoveToVersionId: to }) => {
      const { stages } = this.secret(SecretId);
      const from = stages.get(VersionStage);
      if (to === undefined) stages.delete(VersionStage);
      else stages.set(VersionStage, to);
      if (VersionStage === STAGES.current && from !== undefined) stages.set(STAGES.previous, from);
      return { Name: SecretId };
    },
  };

  constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { authorization = "", "x-amz-target": target } = request.headers;
        const [status, body] = this.answer(authorization, String(target), Buffer.concat(chunks).toString());
        response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
      });
    });
  }

  /** The current value; undefined where there is no such secret. */
  public get(name: string): string | undefined {
    const secret = this.secrets.get(name);
    return secret?.versions.get(secret.stages.get(STAGES.current)!)?.text;
  }

  /** A new version, which the gateway takes at its next refresh; its id. */
  public set(name: string, text: string, id: string = randomUUID()): string {
    const secret = this.secrets.get(name) ?? { versions: new Map<string, Version>(), stages: new Map<Stage, string>() };
    const same = secret.versions.get(id);
    if (same !== undefined && same.text !== text) throw new Refused("ResourceExistsException");
    if (same !== undefined) return id;
    const before = secret.stages.get(STAGES.current);
    if (before !== undefined) secret.stages.set(STAGES.previous, before);
    secret.versions.set(id, { id, text, made: new Date() });
    secret.stages.set(STAGES.current, id);
    this.secrets.set(name, secret);
    return id;
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

  private answer(authorization: string, target: string, body: string): [number, object] {
    if (!authorization.includes(`Credential=${this.accessKey}/`)) return [400, { __type: "UnrecognizedClientException" }];
    const action = this.actions[target.replace(/^secretsmanager\./, "")];
    if (action === undefined) return [400, { __type: "InvalidAction" }];
    try {
      return [200, action(JSON.parse(body) as Asked)];
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return [400, { __type: error.message }];
    }
  }

  private secret(name: string): Secret {
    const found = this.secrets.get(name);
    if (found === undefined) throw new Refused("ResourceNotFoundException");
    return found;
  }

  private version(name: string, stage: Stage): Version {
    const { versions, stages } = this.secret(name);
    const found = versions.get(stages.get(stage) ?? "");
    if (found === undefined) throw new Refused("ResourceNotFoundException");
    return found;
  }
}

function versionsOf({ versions, stages }: Secret): object[] {
  return [...versions.values()].map(({ id, made }) => ({
    VersionId: id,
    CreatedDate: made.getTime() / 1000,
    VersionStages: [...stages].filter(([, version]) => version === id).map(([stage]) => stage),
  }));
}
