/** Runs what it is given, so many at a time; the others wait for their turn in the order in which they came. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** @param most how many run at a time */
export function atOnce(most: number): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running === most) await new Promise<void>((go) => waiting.push(go));
    else running += 1;
    try {
      return await work();
    } finally {
      // Its place is handed on, or is free.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
