import { ConfigError } from "../errors";
import type { AgentKey } from "./agent-key";
import { AgentKeyError } from "./agent-key-error";
import { Pauses, RetryLimits } from "./pauses";
import { RepeatableCall, repeatableCall } from "./repeatable-call";
import { pause, unlessAborted } from "./waiting";

/** How an agent calls its gateway. */
export interface AgentGatewayProps {
  /**
   * The gateway's address, as its output `endpoint` says: no path.
   * @example "https://llm.corp.example"
   */
  readonly endpoint: string;

  /** Where the agent's key lies. */
  readonly key: AgentKey;

  /**
   * How often a call is sent at the most, while the gateway answers 429 or 503.
   * @default 5
   */
  readonly maxTries?: number;

  /**
   * How many seconds a call waits for its next tries, all pauses together. A gateway that wants more of it, such as until
   * tomorrow when a day's tokens are spent, is not waited for: its answer is the call's.
   * @default 150, more than two windows of a limit per minute
   */
  readonly maxWaitSeconds?: number;

  /**
   * What sends a call, where it is not Node.js: one with a proxy or with authorities of its own.
   * @default - the global `fetch`
   */
  readonly fetch?: typeof globalThis.fetch;
}

const DEFAULTS: RetryLimits = { maxTries: 5, maxWaitSeconds: 150 };

/** The gateway has done nothing yet. */
const BUSY: readonly number[] = [429, 503];

/** By which a client may send a key; what stands in them is the SDK's placeholder. */
const KEY_HEADERS = ["authorization", "x-api-key", "api-key", "x-litellm-api-key"];

/**
 * A gateway, as an agent calls it: with its key, which is read anew when the gateway no longer takes it, and with pauses
 * where the gateway asks for them.
 * @throws ConfigError when a prop is wrong
 */
export class AgentGateway {
  /** The gateway's address. */
  public readonly endpoint: string;

  readonly #key: AgentKey;
  readonly #limits: RetryLimits;
  readonly #send: typeof globalThis.fetch;

  constructor(props: AgentGatewayProps) {
    this.#limits = { maxTries: props.maxTries ?? DEFAULTS.maxTries, maxWaitSeconds: props.maxWaitSeconds ?? DEFAULTS.maxWaitSeconds };
    ConfigError.throwIfAny("AgentGateway", [...endpointProblems(props.endpoint), ...limitProblems(this.#limits)]);
    this.endpoint = new URL(props.endpoint).origin;
    this.#key = props.key;
    this.#send = props.fetch ?? globalThis.fetch;
  }

  /**
   * `fetch`, to the gateway only; a path alone will do. It can be handed on as it is: the `fetch` of an SDK's client.
   *
   * A 401 is tried again with a new key if the store has one, 429 and 503 after a pause: of these the gateway has done
   * nothing yet. Any other answer is handed on untouched, a stream as it comes; so is the last one when there is no more
   * to try. An abort ends pauses too.
   * @throws AgentKeyError when the key can not be read
   * @throws TypeError as `fetch` does, and when the address is not the gateway's
   */
  public readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const call = await repeatableCall(new URL(this.endpoint), input, init);
    const pauses = new Pauses(this.#limits);
    for (;;) {
      const response = await this.#withGoodKey(call);
      const milliseconds = BUSY.includes(response.status) ? pauses.next(response.headers.get("retry-after")) : undefined;
      if (milliseconds === undefined) return response;
      await release(response);
      await pause(milliseconds, call.init.signal);
    }
  };

  async #withGoodKey(call: RepeatableCall): Promise<Response> {
    const { signal } = call.init;
    const key = await unlessAborted(this.#key.current(), signal);
    const response = await this.#sent(call, key);
    const other = response.status === 401 ? await unlessAborted(this.#insteadOf(key), signal) : key;
    if (other === key) return response;
    await release(response);
    return this.#sent(call, other);
  }

  async #sent({ url, init }: RepeatableCall, key: string): Promise<Response> {
    const headers = new Headers(init.headers);
    for (const name of KEY_HEADERS) headers.delete(name);
    headers.set("authorization", `Bearer ${key}`);
    const send = this.#send;
    return send(url, { ...init, headers });
  }

  async #insteadOf(refused: string): Promise<string> {
    try {
      return await this.#key.insteadOf(refused);
    } catch (error) {
      const { message, code } = error as Partial<AgentKeyError>;
      throw new AgentKeyError(`the gateway refused the agent's key (401), and no other could be read: ${message}`, code);
    }
  }
}

/** Lets go of the connection of an answer that nobody reads. */
async function release(response: Response): Promise<void> {
  await response.body?.cancel();
}

/** What is wrong, without a password or a query that may be in it. */
function endpointProblems(endpoint: string): string[] {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isOrigin = url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  const told = url === undefined ? "what was given" : `${url.protocol}//${url.host}${url.pathname}`;
  return isOrigin ? [] : [`endpoint: ${told} is not a gateway's bare address, such as "https://llm.corp.example"`];
}

function limitProblems({ maxTries, maxWaitSeconds }: RetryLimits): string[] {
  return [
    ...(Number.isInteger(maxTries) && maxTries >= 1 ? [] : [`maxTries: ${maxTries} is not a whole number of at least 1`]),
    ...(Number.isFinite(maxWaitSeconds) && maxWaitSeconds >= 0
      ? []
      : [`maxWaitSeconds: ${maxWaitSeconds} is not a finite number of at least 0`]),
  ];
}
