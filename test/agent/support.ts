import { randomBytes } from "node:crypto";
import { Answer, Asked, Double } from "../support/secret-stores/server";
import { AgentKey, AgentKeyOptions } from "cdktf-ai-gateway/agent";

/** A key as the gateway's operator mints it. */
export const mintKey = (): string => `sk-${randomBytes(24).toString("hex")}`;

/** A store with one key; counts its reads, and may fail or be slow. */
export class FakeStore {
  public reads = 0;
  public failure?: Error;
  /** Each read waits for it. */
  public gate: Promise<void> = Promise.resolve();

  constructor(public value = mintKey()) {}

  public key(options?: AgentKeyOptions): AgentKey {
    return AgentKey.from(async () => {
      this.reads += 1;
      await this.gate;
      if (this.failure !== undefined) throw this.failure;
      return this.value;
    }, options);
  }
}

/** A gateway that takes the keys it knows, by the bearer header alone, and answers as it is told. */
export class FakeGateway extends Double {
  public readonly keys = new Set<string>();
  public readonly asked: Asked[] = [];
  /** What calls with a good key are answered, one after the other; the last again and again. */
  public answers: Answer[] = [{ status: 200, body: '{"object":"chat.completion"}' }];
  /** Is told of each call while it waits for its answer. */
  public onAsked: () => void = () => undefined;

  /** With nothing asked yet, and one key. */
  public forget(key: string): void {
    this.asked.length = 0;
    this.keys.clear();
    this.keys.add(key);
    this.answers = [{ status: 200, body: '{"object":"chat.completion"}' }];
  }

  protected answer(asked: Asked): Answer {
    this.asked.push(asked);
    this.onAsked();
    const sent = /^Bearer (.+)$/.exec(asked.headers.authorization ?? "")?.[1] ?? "";
    if (asked.headers["x-api-key"] !== undefined || !this.keys.has(sent)) return { status: 401, body: '{"error":{"code":"401"}}' };
    return this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!;
  }
}
