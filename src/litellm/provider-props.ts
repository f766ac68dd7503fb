import { AzureAuth } from "./azure-auth";
import { ProviderKind, ProviderSite } from "./provider-kinds";

/** What a model costs, where LiteLLM does not know it: a model without a price costs 0 and never meets a budget. */
export interface ModelPrice {
  /** US dollars for a million prompt tokens. */
  readonly inputUsdPerMillionTokens: number;
  /** US dollars for a million completion tokens. */
  readonly outputUsdPerMillionTokens: number;
}

/** One deployment of a model. Two deployments under one name are what a routing strategy chooses among. */
export interface ModelProps {
  /** The name that agents call it by. */
  readonly name: string;
  /**
   * The provider's own name for it, a dated version for one that must not change by itself.
   * @default - `name`
   */
  readonly upstream?: string;
  /**
   * Azure OpenAI only: the deployment's name.
   * @default - `upstream`, else `name`
   */
  readonly deployment?: string;
  /**
   * The model behind a deployment whose name does not tell it, in LiteLLM's words ("azure/gpt-4o"); prices and context come from it.
   * @default - LiteLLM finds it by the upstream name
   */
  readonly baseModel?: string;
  /**
   * Share of the calls among deployments of one name, under the strategy `simple-shuffle`.
   * @default - equal shares
   */
  readonly weight?: number;
  /**
   * Deployments of the lowest order are tried first.
   * @default - all at once
   */
  readonly order?: number;
  /**
   * Requests per minute that this deployment takes before calls go elsewhere.
   * @default - no limit
   */
  readonly rpm?: number;
  /**
   * Tokens per minute that this deployment takes before calls go elsewhere.
   * @default - no limit
   */
  readonly tpm?: number;
  /**
   * Tokens of prompt that the model reads, for a model that LiteLLM does not know.
   * @default - LiteLLM's own table
   */
  readonly contextWindow?: number;
  /** @default - LiteLLM's own table of prices; 0 for a model that it does not know */
  readonly price?: ModelPrice;
}

/** A provider of models behind the gateway. */
export interface ProviderProps {
  /** @default - the provider's name, when it is the name of a kind */
  readonly kind?: ProviderKind;
  /**
   * A string is short for `{ name }`.
   * @default - the kind's catalogue; a kind whose models are the user's own has none
   */
  readonly models?: readonly (string | ModelProps)[];
  /**
   * Makes the provider's first model the gateway's default model.
   * @default false
   */
  readonly default?: boolean;
  /**
   * Requests per minute to this provider, over all nodes; above it a fallback is tried, and else the caller gets 429.
   * @default - no limit
   */
  readonly rpmLimit?: number;
  /**
   * Tokens per minute to this provider, over all nodes, counted when a request ends; above it as with `rpmLimit`.
   * @default - no limit
   */
  readonly tpmLimit?: number;
  /**
   * DashScope, Moonshot, Zhipu: which of the two services.
   * @default - "mainland" for DashScope, "international" for Moonshot and Zhipu
   */
  readonly site?: ProviderSite;
  /**
   * Azure OpenAI only, and needed there: the resource's endpoint, such as "https://corp.openai.azure.com".
   * @default - none
   */
  readonly endpoint?: string;
  /**
   * The API's address: `https://` or `http://`, without a trailing slash; needed for `openai-compatible`.
   * @default - the provider's own
   */
  readonly baseUrl?: string;
  /**
   * Azure OpenAI only: how the gateway proves itself.
   * @default AzureAuth.apiKey()
   */
  readonly auth?: AzureAuth;
  /**
   * Azure OpenAI only.
   * @default "2024-10-21"
   */
  readonly apiVersion?: string;
  /**
   * Bedrock only: the region whose models are called.
   * @default - the platform's region
   */
  readonly awsRegion?: string;
  /**
   * The name of the secret that holds the provider's key, in the gateway's secret store.
   * @default - `<gateway>/<provider>`
   */
  readonly secretName?: string;
  /**
   * `openai-compatible` only: the endpoint asks for no key, and no secret is made for it.
   * @default false
   */
  readonly keyless?: boolean;
}

/** The providers by name, or the names of kinds whose catalogue models will do. */
export type ProvidersProps = readonly ProviderKind[] | { readonly [name: string]: ProviderProps };
