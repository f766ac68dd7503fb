import { Duration } from "../duration";

/**
 * How a deployment is chosen among those that share a model's name. `cost-optimized` and `latency` are readable names
 * for LiteLLM's `cost-based-routing` and `latency-based-routing`; the others are LiteLLM's own.
 */
export type RoutingStrategy = keyof typeof STRATEGIES;

/** Our names, and LiteLLM's for them (`RoutingStrategy` of LiteLLM 1.106). */
export const STRATEGIES = {
  "simple-shuffle": "simple-shuffle",
  "least-busy": "least-busy",
  "cost-optimized": "cost-based-routing",
  latency: "latency-based-routing",
  "cost-based-routing": "cost-based-routing",
  "latency-based-routing": "latency-based-routing",
  "usage-based-routing": "usage-based-routing",
  "usage-based-routing-v2": "usage-based-routing-v2",
} as const;

/** Where a failed call of a model goes next: model names by model name, tried in order. */
export interface Fallbacks {
  readonly [model: string]: readonly string[];
}

/** How a call finds its model and deployment. */
export interface RoutingProps {
  /** @default "simple-shuffle" */
  readonly strategy?: RoutingStrategy;
  /**
   * The model of a request that names none; a request that names an unknown model is still refused.
   * @default - the first model of the provider with `default: true`; without one, such a request is refused
   */
  readonly defaultModel?: string;
  /**
   * Tried last, for every model: at the end of its fallbacks, or alone.
   * @default - none
   */
  readonly fallbackModel?: string;
  /**
   * Where a failed call goes. An agent's key must allow the fallback too.
   * @default - none
   */
  readonly fallbacks?: Fallbacks;
  /**
   * Where a prompt goes that is too long for the model.
   * @default - none
   */
  readonly contextWindowFallbacks?: Fallbacks;
  /**
   * Where a call goes that the provider's content filter refused.
   * @default - none
   */
  readonly contentPolicyFallbacks?: Fallbacks;
  /**
   * Tries after the first, on another deployment where there is one.
   * @default 2
   */
  readonly retries?: number;
  /**
   * How long LiteLLM waits for a call, and a leaving node for its streams. Whole seconds, at most 600: Alibaba's balancer
   * allows no more.
   * @default Duration.seconds(600)
   */
  readonly timeout?: Duration;
  /**
   * Failures within a minute after which a deployment rests.
   * @default 3
   */
  readonly allowedFails?: number;
  /**
   * How long a failing deployment rests.
   * @default Duration.seconds(30)
   */
  readonly cooldown?: Duration;
}
