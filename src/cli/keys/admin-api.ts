import { createHash } from "node:crypto";
import { withRetries } from "../secrets/retries";
import { failureCode } from "../secrets/store-error";
import { atOnce } from "./at-once";

/** What LiteLLM keeps with a key; null takes a thing away. */
export interface KeySpec {
  readonly key_alias: string;
  readonly models: readonly string[];
  readonly allowed_routes: readonly string[];
  readonly rpm_limit: null;
  readonly tpm_limit: null;
  readonly max_budget: null;
  readonly budget_duration: null;
  readonly team_id: string | null;
  readonly blocked: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** LiteLLM takes no instant: `90s` is 90 seconds from now, null never. Left out, an expiry stays as it is. */
export type Lifetime = { readonly duration?: string | null };

/** A key as LiteLLM lists it: `token` is its hash. */
export interface LiveKey extends Partial<Omit<KeySpec, "blocked">> {
  readonly token: string;
  readonly blocked?: boolean | null;
  readonly expires?: string | null;
  /** US dollars, of all time. */
  readonly spend?: number;
}

/** What LiteLLM keeps with a team: our groups are its teams. */
export interface TeamSpec {
  readonly team_id: string;
  readonly team_alias: string;
  readonly max_budget: number;
  readonly budget_duration: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A team as LiteLLM lists it. */
export interface LiveTeam extends Partial<TeamSpec> {
  readonly team_id: string;
  /** US dollars, since its budget last began. */
  readonly spend?: number;
}

/** What was used with a key in a span of days. */
export interface KeyActivity {
  readonly api_key: string;
  readonly metrics: { readonly total_tokens: number; readonly spend: number; readonly api_requests: number };
  readonly metadata: { readonly key_alias?: string | null };
}

/** A model that the gateway serves, as far as its price goes. */
export interface ServedModel {
  readonly model_name: string;
  readonly model_info?: { readonly input_cost_per_token?: number | null; readonly output_cost_per_token?: number | null };
}

/** The gateway refused a call, or did not answer as it should. The message holds no key, no hash, and no word of LiteLLM's. */
export class AdminApiError extends Error {
  constructor(
    message: string,
    /** 0: there was no answer. */
    public readonly status: number,
    /** Which field of a call it was about, if LiteLLM says so. */
    public readonly param = "",
    /** What Node.js calls a missing answer. */
    public readonly code = "",
  ) {
    super(message);
  }
}

/** LiteLLM pages its lists; more than this is answered with 422. */
const PAGE = 100;
const TIMEOUT_MS = 30_000;
/** More in parallel does not make LiteLLM faster. */
const AT_ONCE = 8;
/** What the header `date`, in whole seconds, and the way of an answer may be off by. */
const CLOCK_MS = 3_000;

/** How long a call may take, and how often it is made. */
interface Patience {
  readonly timeoutMs?: number;
  readonly retries?: boolean;
}

/** The management routes of a gateway, called with its master key, eight at a time. */
export class AdminApi {
  private readonly turn = atOnce(AT_ONCE);
  private clockMs = 0;

  constructor(
    private readonly endpoint: string,
    private readonly masterKey: string,
  ) {}

  /** The gateway's time, in milliseconds: it counts an expiry from its own clock. */
  public now(): number {
    return Date.now() + this.clockMs;
  }

  /** Answers when keys can be administered, else fails; tried once. */
  async ready(): Promise<void> {
    await this.call("GET", "/key/list?size=1", undefined, { timeoutMs: 10_000, retries: false });
  }

  /** Every key of the gateway. */
  async list(): Promise<LiveKey[]> {
    return this.pages("");
  }

  /** The keys that were made for an agent. */
  async ofAgent(agent: string): Promise<LiveKey[]> {
    const found = await this.pages(`&search=${encodeURIComponent(`${agent}-`)}`);
    return found.filter(({ metadata }) => metadata?.aigw_agent === agent);
  }

  /** One key; undefined if there is no such one. */
  async find(hash: string): Promise<LiveKey | undefined> {
    const found = await this.unlessAbsent("GET", `/key/info?key=${hash}`);
    return found === undefined ? undefined : { ...(found as { info: Omit<LiveKey, "token"> }).info, token: hash };
  }

  /** False if there is no such key. The key itself and its spend stay as they are. */
  async update(hash: string, spec: Partial<KeySpec> & Lifetime): Promise<boolean> {
    return (await this.unlessAbsent("POST", "/key/update", { key: hash, ...spec }, "key")) !== undefined;
  }

  /**
   * Makes a key that is known to be absent. LiteLLM answers 200 for a key that exists and changes nothing; under the alias
   * that the key has it refuses: then an earlier try was heard, or another one was faster.
   */
  async generate(key: string, spec: KeySpec & Lifetime): Promise<void> {
    try {
      await this.call("POST", "/key/generate", { key, ...spec });
    } catch (error) {
      const held = error instanceof AdminApiError && error.status === 400 && error.param === "key_alias";
      if (!held || !(await this.update(keyHash(key), spec))) throw error;
    }
  }

  /** Shuts a key at once on every node. False if there is no such key. */
  async block(hash: string): Promise<boolean> {
    return (await this.unlessAbsent("POST", "/key/block", { key: hash })) !== undefined;
  }

  /** Other nodes know a deleted key for another minute: block it before. */
  async remove(hash: string): Promise<void> {
    await this.unlessAbsent("POST", "/key/delete", { keys: [hash] });
  }

  /** Whether a key would be let in: it may not ask about itself, which is answered otherwise than to a key that is unknown. */
  async letsIn(key: string): Promise<boolean> {
    try {
      await this.call("GET", "/key/info", undefined, {}, key);
      return true;
    } catch (error) {
      if (!(error instanceof AdminApiError)) throw error;
      if (error.status === 403) return true;
      if (error.status === 401) return false;
      throw error;
    }
  }

  /** Every team of the gateway. */
  async teams(): Promise<LiveTeam[]> {
    return (await this.call("GET", "/team/list")) as LiveTeam[];
  }

  /** One team and its keys; undefined if there is no such one. */
  async team(id: string): Promise<{ readonly team_info: LiveTeam; readonly keys: readonly LiveKey[] } | undefined> {
    const found = await this.unlessAbsent("GET", `/team/info?team_id=${encodeURIComponent(id)}`);
    return found as { team_info: LiveTeam; keys: LiveKey[] } | undefined;
  }

  /** Makes a team, or where another one has just made it, makes it like this. */
  async makeTeam(spec: TeamSpec): Promise<void> {
    try {
      await this.call("POST", "/team/new", spec);
    } catch (error) {
      if (!(error instanceof AdminApiError && error.status === 400)) throw error;
      await this.changeTeam(spec);
    }
  }

  async changeTeam(spec: TeamSpec): Promise<void> {
    await this.call("POST", "/team/update", spec);
  }

  /** Deletes its keys too: for a team that has none. */
  async removeTeam(id: string): Promise<void> {
    await this.unlessAbsent("POST", "/team/delete", { team_ids: [id] });
  }

  /** The models with their prices; undefined where the listener does not let it through. */
  async models(): Promise<readonly ServedModel[] | undefined> {
    const found = await this.unlessAbsent("GET", "/model/info");
    return (found as { data: ServedModel[] } | undefined)?.data;
  }

  /** What was used with each key from a day to another one, in UTC; undefined where the listener does not let it through. */
  async activity(from: string, to: string): Promise<readonly KeyActivity[] | undefined> {
    const rows: KeyActivity[] = [];
    for (let total = 1; rows.length < total;) {
      const query = `start_date=${from}&end_date=${to}&limit=${PAGE}&offset=${rows.length}`;
      const page = (await this.unlessAbsent("GET", `/user/daily/activity/aggregated/keys?${query}`)) as ActivityPage | undefined;
      if (page === undefined) return undefined;
      rows.push(...page.api_keys);
      total = page.api_keys.length === 0 ? 0 : page.total_api_keys;
    }
    return rows;
  }

  private async pages(filter: string): Promise<LiveKey[]> {
    const page = async (number: number): Promise<KeyPage> =>
      (await this.call(
        "GET",
        `/key/list?return_full_object=true&sort_by=token&sort_order=asc&size=${PAGE}&page=${number}${filter}`,
      )) as KeyPage;
    const first = await page(1);
    const others = await Promise.all(Array.from({ length: Math.max(0, first.total_pages - 1) }, (_, index) => page(index + 2)));
    return [first, ...others].flatMap(({ keys }) => keys.map(briefly));
  }

  /** The reply; undefined if there is no such thing. A 404 may also be about something else that a call names. */
  private async unlessAbsent(method: string, path: string, body?: object, param?: string): Promise<unknown> {
    try {
      return await this.call(method, path, body);
    } catch (error) {
      const absent = error instanceof AdminApiError && error.status === 404 && (param === undefined || error.param === param);
      if (absent) return undefined;
      throw error;
    }
  }

  private async call(method: string, path: string, body?: object, patience: Patience = {}, key = this.masterKey): Promise<unknown> {
    const { timeoutMs = TIMEOUT_MS, retries = true } = patience;
    const send = () => this.turn(() => this.send(method, path, body, timeoutMs, key));
    return retries ? withRetries(passes, send) : send();
  }

  private async send(method: string, path: string, body: object | undefined, timeoutMs: number, key: string): Promise<unknown> {
    const where = `${method} ${path.split("?")[0]}`;
    try {
      const reply = await fetch(`${this.endpoint}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMs),
      });
      this.setClock(reply.headers.get("date"));
      const text = await reply.text();
      if (!reply.ok) throw refusal(where, reply.status, text);
      return JSON.parse(text) as unknown;
    } catch (error) {
      if (error instanceof AdminApiError) throw error;
      if (error instanceof SyntaxError)
        throw new AdminApiError(`${where}: the answer is not LiteLLM's; is the endpoint right?`, 0, "", "NOT_JSON");
      const code = failureCode((error as Error).cause ?? error);
      throw new AdminApiError(`${where}: no answer (${code})`, 0, "", code);
    }
  }

  private setClock(date: string | null): void {
    const off = date === null ? 0 : Date.parse(date) - Date.now();
    this.clockMs = Math.abs(off) > CLOCK_MS ? off : 0;
  }
}

interface KeyPage {
  readonly keys: LiveKey[];
  readonly total_pages: number;
}

interface ActivityPage {
  readonly api_keys: KeyActivity[];
  readonly total_api_keys: number;
}

/** The name that LiteLLM keeps a key under. */
export function keyHash(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** What matters of a listed key: LiteLLM lists some hundred fields of each. */
function briefly(key: LiveKey): LiveKey {
  const { token, key_alias, models, allowed_routes, rpm_limit, tpm_limit, max_budget, budget_duration, team_id, blocked, metadata } = key;
  const { expires, spend } = key;
  const limits = { rpm_limit, tpm_limit, max_budget, budget_duration };
  return { token, key_alias, models, allowed_routes, ...limits, team_id, blocked, metadata, expires, spend };
}

/** Whether a failure may pass by itself. */
function passes(error: unknown): boolean {
  return error instanceof AdminApiError && [0, 429, 500, 502, 503, 504].includes(error.status) && error.code !== "NOT_JSON";
}

/** The kind of an error is repeated; its words may hold what was sent. */
function refusal(where: string, status: number, text: string): AdminApiError {
  const { type, param } = errorOf(text);
  const kind = typeof type === "string" && /^[\w-]{1,60}$/.test(type) ? ` (${type})` : "";
  return new AdminApiError(`${where}: ${status}${kind}`, status, typeof param === "string" ? param : "");
}

function errorOf(text: string): { readonly type?: unknown; readonly param?: unknown } {
  try {
    return (JSON.parse(text) as { error?: object }).error ?? {};
  } catch {
    return {};
  }
}
