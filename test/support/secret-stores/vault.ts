import { randomBytes } from "node:crypto";
import { Answer, Asked, Double, Refused } from "./server";

interface Version {
  readonly data: Readonly<Record<string, unknown>>;
  readonly made: Date;
  /** When it is or will be deleted. */
  deleted?: Date;
}

/** Vault's KV, version 2, as an operator with a token sees it: no token, no namespace, a wrong check-and-set are refused. */
export class VaultDouble extends Double {
  public readonly token = `hvs.${randomBytes(16).toString("hex")}`;
  public readonly secrets = new Map<string, Version[]>();
  /** Paths below /v1/ that the token's policy does not allow. */
  public readonly denied = new Set<string>();
  /** So many calls are answered with 429. */
  public throttled = 0;
  public sealed = false;

  constructor(
    private readonly mount = "secret",
    private readonly namespace?: string,
  ) {
    super();
  }

  /** The fields of a version that is there; by default the newest. */
  public fields(name: string, back = 0): Readonly<Record<string, unknown>> | undefined {
    const version = this.secrets.get(name)?.at(-1 - back);
    return version === undefined || isDeleted(version) ? undefined : version.data;
  }

  protected answer(asked: Asked): Answer {
    try {
      const data = this.act(asked);
      return data === undefined ? { status: 204, body: "" } : { status: 200, body: JSON.stringify({ data }) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, body: JSON.stringify({ errors: [error.code] }) };
    }
  }

  private act({ method, url, headers, body }: Asked): object | undefined {
    if (this.sealed) throw new Refused(503, "Vault is sealed");
    if (headers["x-vault-request"] !== "true") throw new Refused(412, "required header is missing");
    if (headers["x-vault-namespace"] !== this.namespace) throw new Refused(404, "no handler for route");
    if (headers["x-vault-token"] !== this.token) throw new Refused(403, "permission denied");
    if (this.throttled > 0) {
      this.throttled -= 1;
      throw new Refused(429, "rate limited");
    }
    const [, kind, name] = new RegExp(`^/v1/${this.mount}/(data|metadata|delete)/(.+)$`).exec(decodeURIComponent(url.pathname)) ?? [];
    if (kind === undefined || name === undefined) throw new Refused(404, "no handler for route");
    if (this.denied.has(`${method} ${kind}`)) throw new Refused(403, "permission denied");
    if (method === "GET") return kind === "metadata" ? this.metadata(name) : this.read(name, url.searchParams.get("version"));
    if (method === "POST" && kind === "data") return this.write(name, JSON.parse(body) as Written);
    if (method === "POST" && kind === "delete") {
      this.remove(name, JSON.parse(body) as { versions: number[] });
      return;
    }
    throw new Refused(405, "unsupported operation");
  }

  private metadata(name: string): object {
    const versions = this.there(name);
    return {
      current_version: versions.length,
      versions: Object.fromEntries(
        versions.map(({ made, deleted }, index) => [
          index + 1,
          { created_time: made.toISOString(), deletion_time: deleted?.toISOString() ?? "", destroyed: false },
        ]),
      ),
    };
  }

  private read(name: string, version: string | null): object {
    const versions = this.there(name);
    const number = version === null ? versions.length : Number(version);
    const found = versions[number - 1];
    if (found === undefined || isDeleted(found)) throw new Refused(404, "");
    return { data: found.data, metadata: { version: number } };
  }

  private write(name: string, { options, data }: Written): object {
    const versions = this.secrets.get(name) ?? [];
    if (options?.cas !== undefined && options.cas !== versions.length) {
      throw new Refused(400, "check-and-set parameter did not match the current version");
    }
    if (typeof data !== "object") throw new Refused(400, "no data provided");
    versions.push({ data, made: new Date() });
    this.secrets.set(name, versions);
    return { version: versions.length };
  }

  private remove(name: string, { versions }: { readonly versions: readonly number[] }): undefined {
    for (const number of versions) this.there(name)[number - 1]!.deleted = new Date();
  }

  private there(name: string): Version[] {
    const versions = this.secrets.get(name);
    if (versions === undefined) throw new Refused(404, "");
    return versions;
  }
}

/** A time to come is that of an engine which deletes versions by their age. */
function isDeleted({ deleted }: Version): boolean {
  return deleted !== undefined && deleted <= new Date();
}

interface Written {
  readonly options?: { readonly cas?: number };
  readonly data?: Readonly<Record<string, unknown>>;
}
