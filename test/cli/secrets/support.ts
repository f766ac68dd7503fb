import { SecretsContext } from "../../../src/cli/secrets/context";
import { DocumentSecret } from "../../../src/cli/secrets/known-secrets";
import { SecretValue, SecretVersion, Stage, StoreClient } from "../../../src/cli/secrets/store-client";
import { NodeUse } from "../../../src/cli/secrets/use-report";
import { SecretsDocument } from "../../../src/secrets-document";

/** A store in memory. */
export class FakeStore implements StoreClient {
  public readonly texts = new Map<string, string[]>();
  public readonly dropped = new Set<string>();
  public made = new Date();

  public versions({ name }: { readonly name: string }): Promise<readonly SecretVersion[] | undefined> {
    const texts = this.texts.get(name);
    const stage = (index: number, count: number): Stage | undefined =>
      index === count - 1 ? "current" : index === count - 2 && !this.dropped.has(name) ? "previous" : undefined;
    return Promise.resolve(texts?.map((_, index) => ({ id: `v${index + 1}`, made: this.made, stage: stage(index, texts.length) })));
  }

  public async read(secret: { readonly name: string }, wanted: Stage): Promise<SecretValue | undefined> {
    const versions = (await this.versions(secret)) ?? [];
    const index = versions.findIndex(({ stage }) => stage === wanted);
    return index < 0 ? undefined : { text: this.texts.get(secret.name)![index]!, version: versions[index]!.id };
  }

  public put({ name }: { readonly name: string }, text: string): Promise<string> {
    this.texts.set(name, [...(this.texts.get(name) ?? []), text]);
    this.dropped.delete(name);
    return Promise.resolve(`v${this.texts.get(name)!.length}`);
  }

  public async putFirst(secret: { readonly name: string }, text: string): Promise<boolean> {
    if ((this.texts.get(secret.name) ?? []).length > 0) return false;
    await this.put(secret, text);
    return true;
  }

  public async restorePrevious(secret: { readonly name: string }): Promise<string> {
    return this.put(secret, (await this.read(secret, "previous"))!.text);
  }

  public dropPrevious({ name }: { readonly name: string }): Promise<void> {
    this.dropped.add(name);
    return Promise.resolve();
  }
}

/** Two providers, one of them with fields, and the gateway's own. */
export const DOCUMENT: SecretsDocument = {
  version: 1,
  gateway: "gw",
  stores: { "alicloud-kms": { kind: "alicloud-kms", region: "cn-shanghai" } },
  secrets: [
    declared("openai", "the key of provider openai"),
    declared("azure", "the key of provider azure", ["client_id", "client_secret"]),
    declared("master-key", "mints the agents' keys", [], "gateway"),
    declared("salt-key", "encrypts what LiteLLM stores; never to be changed", [], "gateway"),
    declared("database", "the password of the database", ["password"]),
  ],
};

function declared(name: string, purpose: string, fields: string[] = [], owner: DocumentSecret["owner"] = "user"): DocumentSecret {
  const takenAtStart = owner === "gateway" || name === "database";
  return { name: `gw/${name}`, purpose, owner, takenAtStart, store: "alicloud-kms", fields };
}

/** The commands' surroundings: what is given to them and what they say. */
export class FakeContext implements SecretsContext {
  public readonly document = DOCUMENT;
  public readonly store = new FakeStore();
  public readonly said: string[] = [];
  public readonly warned: string[] = [];
  /** What the report answers, one after the other; the last again and again. */
  public reports: (readonly NodeUse[])[] = [[]];
  /** Why there is no report. */
  public nodes?: Error;
  public given = "";
  public environment: Record<string, string> = {};
  public isTTY = false;

  public get input(): SecretsContext["input"] {
    const { given, isTTY, environment } = this;
    return {
      environment,
      stdin: {
        isTTY,
        async *[Symbol.asyncIterator]() {
          yield await Promise.resolve(given);
        },
      },
    };
  }

  public client(): Promise<StoreClient> {
    return Promise.resolve(this.store);
  }

  public useReport(): ReturnType<SecretsContext["useReport"]> {
    if (this.nodes instanceof Error) return Promise.reject(this.nodes);
    const next = () => Promise.resolve(this.reports.length > 1 ? this.reports.shift()! : this.reports[0]!);
    return Promise.resolve({
      uses: next,
      usesOfAll: async (secrets: readonly string[]) => {
        const uses = await next();
        return new Map(secrets.map((secret) => [secret, uses]));
      },
    });
  }

  public command(words: string): string {
    return `secrets ${words}`;
  }

  public say(line: string): void {
    this.said.push(line);
  }

  public warn(line: string): void {
    this.warned.push(line);
  }
}
