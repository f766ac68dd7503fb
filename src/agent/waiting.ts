/** Waits. Fails with the signal's reason once it is aborted, and leaves no timer behind. */
export function pause(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((end) => (timer = setTimeout(end, milliseconds)));
  return unlessAborted(passed, signal).finally(() => clearTimeout(timer));
}

/** What a promise becomes, unless the signal is aborted first; what the promise stands for goes on. */
export async function unlessAborted<T>(promise: Promise<T>, signal?: AbortSignal | null): Promise<T> {
  if (!signal) return promise;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, fail) => {
    stop = () => fail(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  if (signal.aborted) stop?.();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop!);
  }
}
