import { CommandError } from "../command-error";
import { DocumentSecret } from "../secrets/known-secrets";
import { mint } from "../secrets/secret-value";
import { StoreClient, versionAt } from "../secrets/store-client";
import { StoreError } from "../secrets/store-error";

/** LiteLLM takes no other. */
const KEY = /^sk-\S{13,}$/;
/** What stands in the place of a key that was revoked; no gateway takes it for one. */
const REVOKED = "revoked ";

/** What is left of a revoked key in its store. */
export type Left = "nothing" | "retired" | "retired before";

/** The secrets that hold the agents' keys: all beside the master key, in the same store. */
export class AgentSecrets {
  constructor(
    private readonly gateway: string,
    private readonly store: string,
    private readonly client: StoreClient,
    /** The names of secrets below the gateway's, by agent; of others than these they follow from the agent's name. */
    private readonly names: ReadonlyMap<string, string> = new Map(),
  ) {}

  /** The secret of an agent, whether or not there is one. */
  public secretOf(agent: string): DocumentSecret {
    const name = this.names.get(agent) ?? `agents/${agent}`;
    return {
      name: `${this.gateway}/${name}`,
      purpose: `the key of agent ${agent}`,
      owner: "gateway",
      takenAtStart: false,
      store: this.store,
      fields: [],
    };
  }

  /** The key that agents read; undefined where there is none, or it was revoked. */
  public async key(agent: string): Promise<string | undefined> {
    const text = (await this.client.read(this.secretOf(agent), "current"))?.text;
    if (text === undefined || text.startsWith(REVOKED)) return undefined;
    if (!KEY.test(text)) throw new CommandError(`${this.secretOf(agent).name}: its value is no key: "sk-" and at least 13 characters more`);
    return text;
  }

  /** Whether the store knows a secret of an agent, with a value or without. */
  public async exists(agent: string): Promise<boolean> {
    try {
      return (await this.client.versions(this.secretOf(agent))) !== undefined;
    } catch (error) {
      if (error instanceof StoreError && isDeleted(error)) return true;
      throw error;
    }
  }

  /** When the key that agents read was made; undefined where there is none, or the store does not say. */
  public async madeAt(agent: string): Promise<Date | undefined> {
    return versionAt(await this.client.versions(this.secretOf(agent)), "current")?.made;
  }

  /** Makes a key for an agent that has none. Of two that make one at the same time both get the same. */
  public async make(agent: string): Promise<string> {
    const secret = this.secretOf(agent);
    const made = mint();
    if (await this.client.putFirst(secret, made)) return made;
    const other = await this.key(agent);
    if (other !== undefined) return other;
    // What is there says that a key was revoked.
    await this.client.put(secret, made);
    return (await this.key(agent)) ?? made;
  }

  /** Makes another key the one that agents read. */
  public async replace(agent: string, key: string): Promise<void> {
    await this.client.put(this.secretOf(agent), key);
  }

  /** Takes {@link replace} back. */
  public async restore(agent: string): Promise<void> {
    await this.client.restorePrevious(this.secretOf(agent));
  }

  /** Puts the word that it was revoked in the place of a key, and takes the key out of use as the previous version. */
  public async retire(agent: string, now = new Date()): Promise<Left> {
    const secret = this.secretOf(agent);
    try {
      const text = (await this.client.read(secret, "current"))?.text;
      if (text === undefined) return "nothing";
      if (!text.startsWith(REVOKED)) await this.client.put(secret, `${REVOKED}${now.toISOString()}`);
      await this.client.dropPrevious(secret);
      return text.startsWith(REVOKED) ? "retired before" : "retired";
    } catch (error) {
      // Whoever is named no more may have lost its secret in the same apply.
      if (error instanceof StoreError && isDeleted(error)) return "nothing";
      throw error;
    }
  }
}

function isDeleted({ code, message }: StoreError): boolean {
  return /DeletedDate|PlannedDeleteTime|deletion_time/.test(code) || message.includes("scheduled for deletion");
}
