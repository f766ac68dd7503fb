/** What one agent may use. A limit that is not given does not hold for it. Limits are the agent's, whatever keys it has. */
export interface AgentProps {
  /**
   * Requests per minute, over all nodes.
   * @default - no limit
   */
  readonly qpm?: number;
  /**
   * Tokens per minute, over all nodes.
   * @default - no limit
   */
  readonly tpm?: number;
  /**
   * Tokens per day, in the gateway's time zone.
   * @default - no limit
   */
  readonly dailyTokens?: number;
  /**
   * US dollars per day, in the gateway's time zone; {@link usd} makes them of another currency. Each model that the agent
   * may call must have a price.
   * @default - no limit
   */
  readonly dailyBudgetUsd?: number;
  /**
   * The models and aliases that the agent may call.
   * @default - all of the gateway's
   */
  readonly models?: readonly string[];
  /**
   * When its key ends: a day such as "2026-12-31", at whose end in UTC it ends, or an instant such as "2026-12-31T18:00:00Z".
   * @default - never
   */
  readonly expires?: string;
  /**
   * Whether its key is let in; a key that is switched off stays the same one.
   * @default true
   */
  readonly enabled?: boolean;
  /**
   * The group whose budget it shares, one of `agentGroups`.
   * @default - none
   */
  readonly group?: string;
  /**
   * What else is to be known of it, such as team and cost centre: kept with its key, and written to the request log. At most 10, and as many of `agentDefaults`.
   * @default - nothing
   */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The agents by name. */
export interface AgentsProps {
  readonly [name: string]: AgentProps;
}

/** What a group of agents may spend together: by the day or by the month. */
export interface AgentGroupProps {
  /**
   * US dollars per day, in the gateway's time zone.
   * @default - by the month
   */
  readonly dailyBudgetUsd?: number;
  /**
   * US dollars per calendar month, in the gateway's time zone.
   * @default - by the day
   */
  readonly monthlyBudgetUsd?: number;
}

/** The groups of agents by name. */
export interface AgentGroupsProps {
  readonly [name: string]: AgentGroupProps;
}

/** All about the agents of a gateway. */
export interface AgentQuotas {
  readonly agents: AgentsProps;
  /**
   * What holds for each agent that does not say otherwise.
   * @default - no limits
   */
  readonly agentDefaults?: AgentProps;
  /** @default - none */
  readonly agentGroups?: AgentGroupsProps;
}
