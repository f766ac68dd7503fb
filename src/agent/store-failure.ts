import { AgentKeyError } from "./agent-key-error";

/** What a store's failure is to the agent: its code, and never its words, which may repeat what was sent. */
export function storeFailure(name: string, store: string, code: string, advice?: string): AgentKeyError {
  return new AgentKeyError(`${name}: ${store} answered ${code}${advice === undefined ? "" : `: ${advice}`}`, code);
}
