import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** What a node answered to a question of an agent. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** What kind of refusal. */
  readonly type?: string;
  readonly code?: string;
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number };
}

/** Asks a node a question that nobody has asked before, always of the same length. */
export async function ask(endpoint: string, key: string, model = "qwen-plus"): Promise<Answered> {
  const question = `hello ${randomBytes(8).toString("hex")}`;
  const reply = await fetch(`${endpoint}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 20, messages: [{ role: "user", content: question }] }),
  });
  const { usage, error } = (await reply.json()) as { usage?: Answered["usage"]; error?: { type?: string; code?: string } };
  return { status: reply.status, headers: reply.headers, usage, type: error?.type, code: error?.code };
}

/**
 * Asks a node until its status is this one; the milliseconds that it took.
 * @throws Error saying how long it was asked in vain
 */
export async function until(status: number, endpoint: string, key: string, longestMs: number): Promise<number> {
  const began = Date.now();
  for (;;) {
    const { status: is } = await ask(endpoint, key);
    const took = Date.now() - began;
    if (is === status) return took;
    if (took > longestMs) throw new Error(`${endpoint} still answers ${is}, not ${status}, after ${took} ms of ${longestMs}`);
    await sleep(50);
  }
}
