/** A policy of Vault that reads the newest versions of these secrets in a KV engine, version 2, and nothing else. */
export function readPolicy(mount: string, names: readonly string[]): string {
  return names.map((name) => `path "${mount}/data/${name}" {\n  capabilities = ["read"]\n}\n`).join("\n");
}
