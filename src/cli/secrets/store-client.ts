/** Which of a secret's versions: the one that nodes read, or the one before. */
export type Stage = "current" | "previous";

/** One version of a secret; what it holds is not in it. */
export interface SecretVersion {
  readonly id: string;
  readonly made?: Date;
  /** Absent: neither; the store keeps it for a while. */
  readonly stage?: Stage;
}

/** What a version holds. */
export interface SecretValue {
  /** The bare value; of a secret with fields a JSON object. */
  readonly text: string;
  readonly version: string;
}

/** What a store must know of a secret to keep it. */
export interface StoredSecret {
  readonly name: string;
  readonly purpose: string;
  readonly fields: readonly string[];
}

/**
 * A secret store as the command uses it. Each step is one write that the store does whole or not at all, so that an
 * interrupted command leaves either the old state or the new one. Failures are {@link StoreError}s.
 */
export interface StoreClient {
  /** The versions that there are; undefined if the store has no such secret, none if it has no value. */
  versions(secret: StoredSecret): Promise<readonly SecretVersion[] | undefined>;
  /** What a version holds, by its stage; undefined if there is none. */
  read(secret: StoredSecret, stage: Stage): Promise<SecretValue | undefined>;
  /** Makes a value the current one, and the current one the previous; makes the secret where it is absent. Answers the version. */
  put(secret: StoredSecret, text: string): Promise<string>;
  /** Gives a secret its first value; false, and nothing written, where it has one, also if another writes at the same time. */
  putFirst(secret: StoredSecret, text: string): Promise<boolean>;
  /** Makes the previous value the current one, and the current one the previous. Answers the version. */
  restorePrevious(secret: StoredSecret): Promise<string>;
  /** Takes the previous version out of use. */
  dropPrevious(secret: StoredSecret): Promise<void>;
}

/** How a store makes secrets that are absent. */
export interface NewSecretOptions {
  /** The gateway, whose key encrypts them where the store finds it by `alias/<gateway>`. */
  readonly gateway: string;
  /** The id of another key. */
  readonly encryptionKey?: string;
  /** Of Alibaba Cloud: the KMS instance that keeps the secret and its key. */
  readonly kmsInstance?: string;
}

/** The version of a stage. */
export function versionAt(versions: readonly SecretVersion[] | undefined, stage: Stage): SecretVersion | undefined {
  return versions?.find((version) => version.stage === stage);
}
