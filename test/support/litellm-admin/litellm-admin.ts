import { randomBytes } from "node:crypto";
import { keyHash } from "../../../src/cli/keys/admin-api";
import { ADMIN_ROUTES } from "../../../src/litellm/routes";
import { Answer, Asked, Double } from "../secret-stores/server";

type Fields = Record<string, unknown>;
type Reply = readonly [status: number, body: unknown];

/** What LiteLLM holds of a key. */
export interface HeldKey extends Fields {
  readonly key_alias: string | null;
  readonly team_id: string | null;
  readonly blocked: boolean | null;
  readonly expires: string | null;
  readonly metadata: Fields;
}

/** What was used with a key on a day. */
export interface Activity {
  readonly day: string;
  readonly hash: string;
  readonly alias?: string;
  readonly tokens: number;
  readonly spend: number;
  readonly requests: number;
}

const WRITES = /^POST /;

/**
 * LiteLLM's management routes behind a gateway's admin listener, as measured on 1.106: what it refuses is refused, and what it
 * does without a word (a known key made again, a key of a team that is not there) is done without a word.
 */
export class LiteLlmAdmin extends Double {
  public masterKey = `sk-${randomBytes(24).toString("hex")}`;
  public readonly keys = new Map<string, HeldKey>();
  public readonly teams = new Map<string, Fields>();
  public models: readonly object[] = [];
  public activity: readonly Activity[] = [];
  /** Routes that the listener does not let through, as one of an earlier release. */
  public readonly closed = new Set<string>();
  /** Method and path of each call, in order. */
  public readonly asked: string[] = [];
  /** How far its clock is ahead. */
  public aheadMs = 0;
  /** How long each answer takes. */
  public slowMs = 0;
  /** How many calls there were at the same time, at most. */
  public most = 0;
  /** Is told of each call before it is done (its number from 0, the path, the body) and may answer in its place. */
  public before: (call: number, action: string, body: Fields) => Answer | undefined = () => undefined;
  /** Is told once a call is done; true: the answer gets lost. */
  public after: (call: number, action: string) => boolean = () => false;
  private running = 0;

  /** The calls that may change something. */
  public get writes(): string[] {
    return this.asked.filter((action) => WRITES.test(action));
  }

  /** What is held of a key, by the key itself. */
  public held(key: string): HeldKey | undefined {
    return this.keys.get(keyHash(key));
  }

  /** The keys of an agent that are let in. */
  public live(agent: string): HeldKey[] {
    return [...this.keys.values()].filter((key) => key.metadata.aigw_agent === agent && key.blocked !== true && !this.isOver(key));
  }

  /** How an agent's request with this key would be answered. */
  public letIn(key: string): number {
    const [status] = this.identity(key);
    return status === 403 ? 200 : status;
  }

  private now(): number {
    return Date.now() + this.aheadMs;
  }

  private isOver({ expires }: HeldKey): boolean {
    return expires !== null && Date.parse(expires) <= this.now();
  }

  protected async answer({ method, url, headers, body }: Asked): Promise<Answer> {
    const action = `${method} ${url.pathname}`;
    const call = this.asked.push(action) - 1;
    this.most = Math.max(this.most, ++this.running);
    if (this.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, this.slowMs));
    this.running -= 1;
    const fields = body === "" ? {} : (JSON.parse(body) as Fields);
    const instead = this.before(call, action, fields);
    if (instead !== undefined) return instead;
    const [status, reply] = this.act(action, url, headers.authorization?.replace("Bearer ", "") ?? "", fields);
    if (this.after(call, action)) return { status: 0 };
    return { status, body: JSON.stringify(reply), headers: { date: new Date(this.now()).toUTCString() } };
  }

  private act(action: string, url: URL, bearer: string, body: Fields): Reply {
    const served = ADMIN_ROUTES.some(({ method, path }) => action === `${method} ${path}`) && !this.closed.has(action);
    if (!served) return refused(404, "not_found");
    if (bearer !== this.masterKey) return this.identity(bearer);
    const query = url.searchParams;
    const actions: Readonly<Record<string, () => Reply>> = {
      "GET /key/list": () => this.list(query),
      "GET /key/info": () => this.info(query.get("key") ?? ""),
      "POST /key/generate": () => this.generate(body),
      "POST /key/update": () => this.update(body),
      "POST /key/block": () => this.shut(String(body.key), true),
      "POST /key/unblock": () => this.shut(String(body.key), false),
      "POST /key/delete": () => this.remove(body.keys as string[]),
      "GET /team/list": () => [200, [...this.teams.values()]],
      "GET /team/info": () => this.team(query.get("team_id") ?? ""),
      "POST /team/new": () => this.newTeam(body),
      "POST /team/update": () => this.changeTeam(body),
      "POST /team/delete": () => this.removeTeams(body.team_ids as string[]),
      "GET /model/info": () => [200, { data: this.models }],
      "GET /user/daily/activity/aggregated/keys": () => this.used(query),
    };
    return actions[action]?.() ?? refused(404, "not_found");
  }

  /** How a management route answers one that has no right to it. */
  private identity(key: string): Reply {
    const held = this.held(key);
    if (held === undefined) return refused(401, "token_not_found_in_db", "key");
    if (held.blocked === true) return refused(401, "auth_error");
    if (this.isOver(held)) return refused(401, "expired_key");
    if (held.team_id !== null && !this.teams.has(held.team_id)) return refused(404, "auth_error", "None");
    return [403, { detail: WORDS }];
  }

  private list(query: URLSearchParams): Reply {
    const [size, page, search] = [Number(query.get("size") ?? 10), Number(query.get("page") ?? 1), query.get("search")?.toLowerCase()];
    if (size > 100) return refused(422, "validation_error");
    const found = [...this.keys].filter(
      ([token, { key_alias: alias }]) => search === undefined || token === search || (alias ?? "").toLowerCase().includes(search),
    );
    if (query.get("sort_by") === "token") found.sort(([one], [other]) => (one < other ? -1 : 1));
    const part = found.slice((page - 1) * size, page * size);
    const full = query.get("return_full_object") === "true";
    const keys = part.map(([token, held]) => (full ? { token, ...held, user_id: null } : token));
    return [200, { keys, total_count: found.length, current_page: page, total_pages: Math.ceil(found.length / size) }];
  }

  private info(hash: string): Reply {
    const held = this.keys.get(hash);
    return held === undefined ? refused(404, "not_found_error", "key") : [200, { key: hash, info: held }];
  }

  private generate({ key, duration, ...spec }: Fields): Reply {
    if (typeof key !== "string" || !key.startsWith("sk-") || key.length < 16) return refused(400, "bad_request_error", "key");
    if (this.aliasHeld(spec.key_alias)) return refused(400, "bad_request_error", "key_alias");
    const hash = keyHash(key);
    if (!this.keys.has(hash)) this.keys.set(hash, { ...FRESH, ...spec, ...this.expiry(duration), ...kept(spec.metadata) });
    return [200, { ...spec, key, token: hash }];
  }

  private update({ key, duration, ...spec }: Fields): Reply {
    const hash = String(key);
    const held = this.keys.get(hash);
    if (held === undefined) return refused(404, "not_found_error", "key");
    if (held.team_id !== null && !this.teams.has(held.team_id)) return refused(404, "auth_error", "None");
    if (typeof spec.team_id === "string" && !this.teams.has(spec.team_id)) return refused(404, "auth_error", "None");
    if (spec.key_alias !== undefined && spec.key_alias !== held.key_alias && this.aliasHeld(spec.key_alias)) {
      return refused(400, "bad_request_error", "key_alias");
    }
    const metadata = spec.metadata === undefined ? {} : kept(spec.metadata);
    this.keys.set(hash, { ...held, ...spec, ...metadata, ...(duration === undefined ? {} : this.expiry(duration)) });
    return [200, { key: hash, token: hash }];
  }

  private shut(hash: string, blocked: boolean): Reply {
    const held = this.keys.get(hash);
    if (held === undefined) return refused(404, "not_found_error", "key");
    this.keys.set(hash, { ...held, blocked });
    return [200, {}];
  }

  private remove(hashes: readonly string[]): Reply {
    const there = hashes.filter((hash) => this.keys.delete(hash));
    return there.length === 0 ? refused(404, "internal_server_error") : [200, { deleted_keys: there }];
  }

  private team(id: string): Reply {
    const team = this.teams.get(id);
    if (team === undefined) return refused(404, "auth_error", "None");
    const keys = [...this.keys].filter(([, held]) => held.team_id === id).map(([token, held]) => ({ token, ...held }));
    return [200, { team_id: id, team_info: team, keys }];
  }

  private newTeam(spec: Fields): Reply {
    const id = String(spec.team_id);
    if (this.teams.has(id)) return refused(400, "internal_server_error");
    this.teams.set(id, { spend: 0, ...spec });
    return [200, spec];
  }

  private changeTeam(spec: Fields): Reply {
    const id = String(spec.team_id);
    const held = this.teams.get(id);
    if (held === undefined) return refused(404, "internal_server_error");
    this.teams.set(id, { ...held, ...spec });
    return [200, {}];
  }

  /** Its keys go with a team. */
  private removeTeams(ids: readonly string[]): Reply {
    if (!ids.every((id) => this.teams.has(id))) return refused(404, "internal_server_error");
    for (const id of ids) {
      this.teams.delete(id);
      for (const [hash, held] of this.keys) if (held.team_id === id) this.keys.delete(hash);
    }
    return [200, { deleted_teams: ids }];
  }

  private used(query: URLSearchParams): Reply {
    const [limit, offset] = [Number(query.get("limit") ?? 50), Number(query.get("offset") ?? 0)];
    if (limit > 100) return refused(422, "validation_error");
    const [from, to] = [query.get("start_date") ?? "", query.get("end_date") ?? ""];
    const rows = this.activity
      .filter(({ day }) => day >= from && day <= to)
      .map(({ hash, alias, tokens, spend, requests }) => ({
        api_key: hash,
        metrics: { total_tokens: tokens, spend, api_requests: requests },
        metadata: { key_alias: alias ?? this.keys.get(hash)?.key_alias ?? null },
      }));
    return [200, { api_keys: rows.slice(offset, offset + limit), total_api_keys: rows.length, offset, limit }];
  }

  private aliasHeld(alias: unknown): boolean {
    return typeof alias === "string" && [...this.keys.values()].some((held) => held.key_alias === alias);
  }

  private expiry(duration: unknown): { expires: string | null } {
    const [, seconds] = /^(\d+)s$/.exec(String(duration)) ?? [];
    return { expires: seconds === undefined ? null : new Date(this.now() + Number(seconds) * 1000).toISOString() };
  }
}

const FRESH = { key_alias: null, models: [], allowed_routes: [], team_id: null, blocked: null, expires: null, spend: 0 };

/** LiteLLM adds to the metadata what is its own. */
function kept(metadata: unknown): { metadata: Fields } {
  return { metadata: { ...(metadata as Fields | undefined), litellm_note: 1 } };
}

/** LiteLLM's words may repeat keys and hashes: these are to be found nowhere. */
export const WORDS = `words of LiteLLM's, about ${randomBytes(8).toString("hex")}`;

function refused(status: number, type: string, param: string | null = null): Reply {
  return [status, { error: { message: WORDS, type, param, code: String(status) } }];
}
