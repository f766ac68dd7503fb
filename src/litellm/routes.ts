/** A method and a path of LiteLLM's HTTP API. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
}

/**
 * All that an agent may call, and so the one allow-list: the balancer's rules, the node's own check and the
 * `allowed_routes` of every key are rendered from it. What is absent is shut on purpose: pass-through routes, files,
 * batches and vector stores reach the provider's account past every limit, and management routes have their own listener.
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

/** Without a dependency and without a key: the balancer asks it whether a node may serve. */
export const READINESS_PATH = "/health/readiness";
