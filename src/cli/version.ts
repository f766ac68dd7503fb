/** The package's version. */
export function version(): string {
  // Required, not imported: the file lies outside of what is compiled, and the bundled command carries it.
  return (require("../../package.json") as { version: string }).version;
}
