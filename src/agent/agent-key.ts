import { ConfigError } from "../errors";
import { AgentKeyError } from "./agent-key-error";
import { kmsKey, KmsKeyProps } from "./kms-key";
import type { ReadKey } from "./read-key";
import { secretsManagerKey, SecretsManagerKeyProps } from "./secrets-manager-key";
import { vaultKey, VaultKeyProps } from "./vault-key";
import { pause } from "./waiting";

/** How long a key is kept. */
export interface AgentKeyOptions {
  /**
   * After how many seconds the key is read anew. A rotation leaves the old one alive for its overlap (24 hours unless told
   * otherwise), so with much less than that an agent never meets one that has ended.
   * @default 900
   */
  readonly refreshSeconds?: number;
}

const REFRESH_SECONDS = 900;
/** So long a call waits for a refresh, while there is a key; the refresh goes on. */
const PATIENCE_MS = 2_000;
/** When a refresh failed, the next one comes after this. */
const AGAIN_MS = 60_000;
/** So long the store is not asked again about a key that it still gave out though the gateway had refused it. */
const REFUSED_MS = 5_000;

/**
 * An agent's key: read from the store by the machine's own identity, held in memory and nowhere else.
 *
 * A store that is away does not stop an agent that has a key. However many calls want a key at once, the store is asked once.
 */
export class AgentKey {
  readonly #name: string;
  readonly #read: ReadKey;
  readonly #refreshMs: number;
  #held?: { readonly key: string; until: number };
  #reading?: Promise<string>;
  #refused?: { readonly key: string; readonly until: number };

  private constructor(name: string, read: ReadKey, { refreshSeconds = REFRESH_SECONDS }: AgentKeyOptions) {
    ConfigError.throwIfAny("AgentKey", refreshSeconds > 0 ? [] : [`refreshSeconds: ${refreshSeconds} is not a number above 0`]);
    this.#name = name;
    this.#read = read;
    this.#refreshMs = refreshSeconds * 1000;
  }

  /** In AWS Secrets Manager, with the credentials that AWS's SDK finds: on an instance those of its role. */
  public static fromSecretsManager(props: SecretsManagerKeyProps & AgentKeyOptions): AgentKey {
    return new AgentKey(props.name, secretsManagerKey(props), props);
  }

  /** In Alibaba Cloud KMS, with the credentials that Alibaba Cloud's SDK finds: on an instance those of its RAM role. */
  public static fromKms(props: KmsKeyProps & AgentKeyOptions): AgentKey {
    return new AgentKey(props.name, kmsKey(props), props);
  }

  /** In a KV engine, version 2, of HashiCorp Vault, entered with the machine's cloud role or a token. */
  public static fromVault(props: VaultKeyProps & AgentKeyOptions): AgentKey {
    return new AgentKey(props.name, vaultKey(props), props);
  }

  /**
   * Anywhere else.
   * @throws ConfigError when `refreshSeconds` is no time; so do the others
   * @example AgentKey.from(() => readFile(join(process.env.CREDENTIALS_DIRECTORY!, "gateway-key"), "utf8"))
   */
  public static from(read: ReadKey, options: AgentKeyOptions = {}): AgentKey {
    return new AgentKey("the agent's key", read, options);
  }

  /**
   * The key to send now. The first call waits for the store; later ones wait for a refresh two seconds at the most, and go on
   * with the key that there is.
   * @throws AgentKeyError when there is none yet and it can not be read
   */
  public async current(): Promise<string> {
    const held = this.#held;
    if (held === undefined) return this.#readOnce();
    if (Date.now() >= held.until) await this.#refreshed();
    return this.#held!.key;
  }

  /**
   * The key that takes the place of one which the gateway refused, read anew unless another call has just done so; the same
   * one if the store has no other.
   * @throws AgentKeyError when it can not be read
   */
  public async insteadOf(refused: string): Promise<string> {
    if (this.#held !== undefined && this.#held.key !== refused) return this.#held.key;
    if (this.#refused?.key === refused && Date.now() < this.#refused.until) return refused;
    const key = await this.#readOnce();
    this.#refused = key === refused ? { key, until: Date.now() + REFUSED_MS } : undefined;
    return key;
  }

  async #refreshed(): Promise<void> {
    const patience = new AbortController();
    const read = this.#readOnce()
      .catch(() => undefined)
      .finally(() => patience.abort());
    await Promise.race([read, pause(PATIENCE_MS, patience.signal).catch(() => undefined)]);
  }

  #readOnce(): Promise<string> {
    this.#reading ??= this.#readAnew().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readAnew(): Promise<string> {
    try {
      const key = checked(this.#name, await this.#read());
      this.#held = { key, until: Date.now() + this.#refreshMs };
      return key;
    } catch (error) {
      if (this.#held !== undefined) this.#held.until = Date.now() + Math.min(this.#refreshMs, AGAIN_MS);
      throw error;
    }
  }
}

/** What LiteLLM takes as a key. Anything else would be refused by `fetch` with an error that repeats it. */
const KEY = /^sk-[\x21-\x7e]+$/;

function checked(name: string, text: string): string {
  const key = text.trim();
  if (!KEY.test(key)) throw new AgentKeyError(`${name}: what was read is not a key, which is a text without spaces that begins with "sk-"`);
  return key;
}
