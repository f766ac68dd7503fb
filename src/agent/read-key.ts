/** Reads a key from where it lies. */
export type ReadKey = () => Promise<string>;
