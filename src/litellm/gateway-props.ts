import { Duration } from "../duration";
import { ProvidersProps } from "./provider-props";
import { RoutingProps } from "./routing-props";

/** Answers to equal requests are kept in Redis and given again: to the same agent, unless they are `shared`. */
export interface CacheProps {
  /** How long an answer is kept, in whole seconds. */
  readonly ttl: Duration;
  /**
   * Whether an agent is given what another one was answered. It then may learn that, and when, the other one asked.
   * @default false
   */
  readonly shared?: boolean;
}

/** What a gateway serves and how: the part of its props that is LiteLLM's, not a cloud's. */
export interface GatewayModelProps {
  /** @example { openai: { models: ["gpt-4o"] } } */
  readonly providers: ProvidersProps;
  /** @default - each call goes to the model that it names, twice again when it fails */
  readonly routing?: RoutingProps;
  /**
   * Other names for models: the model's name by alias.
   * @default - none
   */
  readonly aliases?: { readonly [alias: string]: string };
  /** @default - no answer is kept */
  readonly cache?: CacheProps;
  /**
   * Requests per minute to the gateway, over all agents and nodes; above it a caller gets 429 with Retry-After.
   * @default - no limit
   */
  readonly rpmLimit?: number;
  /**
   * Writes what agents ask and are answered into the request log. It then holds all that they send: set its retention,
   * and who may read it, accordingly.
   * @default false
   */
  readonly logPrompts?: boolean;
  /**
   * The time zone whose midnight ends a day of token caps and budgets, by its IANA name.
   * @default "UTC"
   */
  readonly timezone?: string;
  /**
   * The LiteLLM release that the nodes run.
   * @default "1.106.12"
   */
  readonly litellmRelease?: string;
  /**
   * A file of hash-locked Python requirements for another release than the default one.
   * @default - the lock file of the default release
   */
  readonly requirementsFile?: string;
  /**
   * LiteLLM's database schema as recorded beside `requirementsFile` (`python -m aigw_node prisma-client record FILE`).
   * @default - the record of the default release
   */
  readonly prismaClientFile?: string;
}
