/** How long a call may try again. */
export interface RetryLimits {
  readonly maxTries: number;
  readonly maxWaitSeconds: number;
}

const FIRST_MS = 500;
const LONGEST_MS = 8_000;

/** The pauses of one call: longer and longer, at random, and never more in all than the limits allow. */
export class Pauses {
  private tries = 1;
  private restMs: number;

  constructor(private readonly limits: RetryLimits) {
    this.restMs = limits.maxWaitSeconds * 1000;
  }

  /**
   * How many milliseconds to wait before the next try; undefined: there is none, also where the wait would be too long, so
   * that nobody waits in vain.
   */
  public next(retryAfter: string | null): number | undefined {
    if (this.tries >= this.limits.maxTries) return undefined;
    const milliseconds = retryAfterMs(retryAfter) + jitter(this.tries);
    if (milliseconds > this.restMs) return undefined;
    this.tries += 1;
    this.restMs -= milliseconds;
    return milliseconds;
  }
}

/** Anything from 0 up to a bound that doubles: calls that were refused together do not come back together. */
function jitter(attempt: number): number {
  return Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
}

/** Seconds, or a date; 0 where it is absent or neither. */
function retryAfterMs(header: string | null): number {
  if (header === null) return 0;
  const milliseconds = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(milliseconds) ? 0 : Math.max(0, milliseconds);
}
