import { unknownName } from "./nearest";
import { DeclaredSecretsSpec } from "./secret-store";

/** What a gateway's own secret is called below the gateway's name. */
export function shortName(spec: DeclaredSecretsSpec, name: string): string {
  return name.slice(spec.gateway.length + 1);
}

/** The keys of a prop that name no secret of the gateway's. */
export function unknownSecretProblems(prop: string, given: object | undefined, spec: DeclaredSecretsSpec): string[] {
  const known = spec.secrets.map(({ name }) => shortName(spec, name));
  return Object.keys(given ?? {})
    .filter((name) => !known.includes(name))
    .map((name) => `${prop}.${name}: ${unknownName(name, "a secret of the gateway", known)}`);
}
