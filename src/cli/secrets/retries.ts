import { setTimeout as sleep } from "node:timers/promises";

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 300;

/** Tries again, with longer and longer pauses, while a failure says that the store is asked too much. */
export async function withRetries<T>(isThrottled: (error: unknown) => boolean, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (attempt === ATTEMPTS || !isThrottled(error)) throw error;
      // Not all callers at the same moment.
      await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
    }
  }
}
