/**
 * A policy of Vault that reads and writes all secrets in a KV engine, version 2, that lie right below a path, which ends in
 * "/", and nothing else; of what it writes it sees the numbers of the versions.
 */
export function writePolicy(mount: string, below: string): string {
  const rules = [
    [`${mount}/data/${below}+`, '["create", "read", "update"]'],
    [`${mount}/metadata/${below}+`, '["read"]'],
  ];
  return rules.map(([path, capabilities]) => `path "${path}" {\n  capabilities = ${capabilities}\n}\n`).join("\n");
}
