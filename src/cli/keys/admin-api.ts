import { createHash } from "node:crypto";

/** What LiteLLM keeps with a key; null takes a limit away. */
export interface KeySpec {
  readonly key_alias: string;
  readonly models: readonly string[];
  readonly allowed_routes: readonly string[];
  readonly rpm_limit: number | null;
  readonly tpm_limit: number | null;
  readonly max_budget: number | null;
  readonly budget_duration: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A key as LiteLLM lists it: `token` is its hash. */
export interface LiveKey extends Partial<KeySpec> {
  readonly token: string;
}

/** The gateway refused a call, or did not answer as it should. The message holds no key. */
export class AdminApiError extends Error {}

/** LiteLLM pages its list; more than this is answered with 422. */
const PAGE = 100;
const TIMEOUT_MS = 30_000;

/** The management routes of a gateway, called with its master key. */
export class AdminApi {
  constructor(
    private readonly endpoint: string,
    private readonly masterKey: string,
  ) {}

  /** Every key of the gateway. */
  async list(): Promise<LiveKey[]> {
    const keys: LiveKey[] = [];
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const reply = await this.call("GET", `/key/list?return_full_object=true&size=${PAGE}&page=${page}`);
      const body = (await reply.json()) as { keys: LiveKey[]; total_pages: number };
      keys.push(...body.keys);
      pages = body.total_pages;
    }
    return keys;
  }

  /** False if there is no such key. The key itself and its spend stay as they are. */
  async update(hash: string, spec: KeySpec): Promise<boolean> {
    const { status } = await this.call("POST", "/key/update", { key: hash, ...spec }, [404]);
    return status !== 404;
  }

  /** LiteLLM answers 200 for a key that exists and changes nothing: for a key that is known to be absent only. */
  async generate(key: string, spec: KeySpec): Promise<void> {
    await this.call("POST", "/key/generate", { key, ...spec });
  }

  private async call(method: string, path: string, body?: object, allowed: readonly number[] = []): Promise<Response> {
    const reply = await fetch(`${this.endpoint}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.masterKey}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const where = `${method} ${path.split("?")[0]}`;
    if (!reply.ok && !allowed.includes(reply.status)) throw new AdminApiError(`${where}: ${reply.status}${await errorType(reply)}`);
    return reply;
  }
}

/** The name that LiteLLM keeps a key under. */
export function keyHash(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** The kind of an error; its words may repeat what was sent. */
async function errorType(reply: Response): Promise<string> {
  const body = (await reply.json().catch(() => ({}))) as { error?: { type?: unknown } };
  return typeof body.error?.type === "string" ? ` (${body.error.type})` : "";
}
