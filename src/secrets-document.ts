import { SecretSpec, SecretStore, SecretStoreSettings } from "./secret-store";

/** What the command must know of a gateway's secrets: where they lie and what they are for. No value is in it. */
export interface SecretsDocument {
  readonly version: 1;
  /** The gateway's name. */
  readonly gateway: string;
  /** By the names that `secrets` uses. */
  readonly stores: Readonly<Record<string, SecretStoreSettings>>;
  readonly secrets: readonly {
    readonly name: string;
    readonly purpose: string;
    /** Whose value it is: a person puts it, or the command mints it. */
    readonly owner: SecretSpec["owner"];
    /** Whether a node takes another value over at its start only. */
    readonly takenAtStart: boolean;
    readonly store: string;
    /** The fields of its JSON object; none: the whole text is the value. */
    readonly fields: readonly string[];
  }[];
}

/** The document of these secrets. */
export function secretsDocument(gateway: string, secrets: readonly SecretSpec[]): SecretsDocument {
  const names = storeNames(gateway, secrets);
  return {
    version: 1,
    gateway,
    stores: Object.fromEntries([...names].map(([store, name]) => [name, store.settings(gateway)])),
    secrets: secrets.map(({ name, purpose, owner, takenAtStart, store, fields }) => ({
      name,
      purpose,
      owner,
      takenAtStart,
      store: names.get(store)!,
      fields: fields.map(({ field }) => field).filter((field) => field !== undefined),
    })),
  };
}

/** Names of the stores that secrets lie in: each kind's own, with a number from the second of a kind on. */
export function storeNames(gateway: string, secrets: readonly SecretSpec[]): ReadonlyMap<SecretStore, string> {
  const names = new Map<SecretStore, string>();
  for (const store of new Set(secrets.map((secret) => secret.store))) {
    const { kind } = store.settings(gateway);
    const same = [...names.values()].filter((name) => name.startsWith(kind)).length;
    names.set(store, same === 0 ? kind : `${kind}-${same + 1}`);
  }
  return names;
}
