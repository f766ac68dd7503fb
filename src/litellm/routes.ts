/** A method and a path of LiteLLM's HTTP API. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** Whole; `{name}` stands for an id or a model's name. */
  readonly path: string;
}

/**
 * All that an agent may call, and so the one allow-list: the balancer's rules, the node's own check and the
 * `allowed_routes` of every key are rendered from it; the node knows the body and the errors of each (`front/routes.py`).
 * What is absent is shut on purpose: pass-through routes, files, batches and vector stores reach the provider's account past
 * every limit, and management routes have their own listener. New ones go to the end: a path that moves from one rule of the
 * balancer to another is in neither for a moment of the apply.
 */
export const AGENT_ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1/models" },
  { method: "POST", path: "/v1/chat/completions" },
  { method: "POST", path: "/v1/completions" },
  { method: "POST", path: "/v1/responses" },
  { method: "POST", path: "/v1/messages" },
  { method: "POST", path: "/v1/embeddings" },
  { method: "POST", path: "/v1/rerank" },
  { method: "POST", path: "/v1/images/generations" },
  { method: "POST", path: "/v1/audio/speech" },
  { method: "POST", path: "/v1/audio/transcriptions" },
  { method: "GET", path: "/v1/models/{model}" },
  { method: "GET", path: "/v1/responses/{response}" },
  { method: "POST", path: "/v1/responses/{response}/cancel" },
  { method: "POST", path: "/v1/messages/count_tokens" },
  { method: "POST", path: "/v2/rerank" },
  { method: "POST", path: "/v1/images/edits" },
  { method: "POST", path: "/v1/moderations" },
  { method: "DELETE", path: "/v1/responses/{response}" },
];

/** The management routes that provisioning and reporting need; served on the admin listener only. */
export const ADMIN_ROUTES: readonly Route[] = [
  { method: "GET", path: "/key/info" },
  { method: "GET", path: "/key/list" },
  { method: "POST", path: "/key/generate" },
  { method: "POST", path: "/key/update" },
  { method: "POST", path: "/key/block" },
  { method: "POST", path: "/key/delete" },
  { method: "GET", path: "/team/info" },
  { method: "GET", path: "/team/list" },
  { method: "POST", path: "/team/new" },
  { method: "POST", path: "/team/update" },
  { method: "POST", path: "/team/delete" },
  { method: "GET", path: "/model/info" },
  { method: "GET", path: "/user/daily/activity/aggregated/keys" },
];

const NAMED = /\{[^/{}]+\}/g;

/** The path as both clouds' balancers match it. Their `*` takes slashes too; the node's own list is narrower. */
export function balancerPath({ path }: Route): string {
  return path.replace(NAMED, "*");
}

/** The routes as a key holds them: LiteLLM knows a `*` at the end only, and matches nothing for a name in braces. */
export function keyRoutes(routes: readonly Route[]): string[] {
  return [...new Set(routes.map(({ path }) => path.replace(/\{.*$/, "*")))];
}

/** Without a dependency and without a key: the balancer asks it whether a node may serve. */
export const READINESS_PATH = "/health/readiness";
