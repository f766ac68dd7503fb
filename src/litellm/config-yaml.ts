import { isExpression } from "../text";
import { GatewayModel } from "./gateway-model";
import { upstreamPrefix } from "./provider-kinds";
import { ModelProps } from "./provider-props";
import { azureApiVersion, environmentName, ProviderModel } from "./providers";
import { isAtLeast } from "./releases";
import { LONGEST_CALL_SECONDS, renderedFallbacks } from "./routing";
import { Fallbacks, STRATEGIES } from "./routing-props";

/** LiteLLM's config.yaml; what only Terraform knows is read from the environment, so that the text is the same in every apply. */
export interface RenderedConfig {
  readonly yaml: string;
  /** Environment variables that the text names, with values that are not secret. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The environment variable in which a node puts one field of a provider's credential. */
export function credentialVariable(provider: string, field: string): string {
  return `AIGW_${environmentName(provider)}_${field.toUpperCase()}`;
}

/** What the config says of the gateway's surroundings. */
export interface Surroundings {
  /** The region of Bedrock providers that name none. */
  readonly bedrockRegion: string;
  /** Whether the connection to Redis is encrypted. */
  readonly redisTls: boolean;
}

/**
 * Renders LiteLLM's config.yaml. It names no callback: the node's plugin registers itself before all others.
 */
export function renderConfig(model: GatewayModel, { bedrockRegion, redisTls }: Surroundings): RenderedConfig {
  const environment: Record<string, string> = {};
  const known = (variable: string, value: string): string => {
    if (!isExpression(value)) return value;
    environment[variable] = value;
    return `os.environ/${variable}`;
  };
  const config = {
    model_list: model.providers.flatMap((provider) =>
      provider.models.map((props, index) => deployment(provider, props, index, bedrockRegion, known)),
    ),
    credential_list: model.providers.filter((provider) => provider.credentialFields.length > 0).map(credential),
    router_settings: routerSettings(model, redisTls),
    litellm_settings: litellmSettings(model, redisTls),
    general_settings: { ...GENERAL_SETTINGS, coordination_redis: { ...REDIS, ssl: redisTls } },
  };
  // Loaded here, since to load it costs more than all the rest of the package.
  const { stringify } = require("yaml") as typeof import("yaml");
  // PyYAML speaks YAML 1.1, in which 2024-10-21 is a date and `no` is false: such texts must be quoted.
  return { yaml: stringify(withoutUndefined(config), { lineWidth: 0, version: "1.1" }), environment };
}

type Known = (variable: string, value: string) => string;

function deployment(provider: ProviderModel, model: ModelProps, index: number, bedrockRegion: string, known: Known): object {
  const upstream = model.deployment ?? model.upstream ?? model.name;
  const variable = environmentName(provider.name);
  const isAzure = provider.kind === "azureOpenai";
  const isBedrock = provider.kind === "bedrock";
  return {
    model_name: model.name,
    litellm_params: {
      model: upstreamPrefix(provider.kind, upstream) + upstream,
      api_base: provider.baseUrl === undefined ? undefined : known(`AIGW_${variable}_BASE_URL`, provider.baseUrl),
      api_version: isAzure ? azureApiVersion(provider.props) : undefined,
      aws_region_name: isBedrock ? known(`AIGW_${variable}_REGION`, provider.props.awsRegion ?? bedrockRegion) : undefined,
      litellm_credential_name: provider.credentialFields.length > 0 ? provider.name : undefined,
      rpm: model.rpm,
      tpm: model.tpm,
      weight: model.weight,
      order: model.order,
      input_cost_per_token: perToken(model.price?.inputUsdPerMillionTokens),
      output_cost_per_token: perToken(model.price?.outputUsdPerMillionTokens),
    },
    model_info: {
      id: `${provider.name}-${index + 1}`,
      base_model: model.baseModel,
      max_input_tokens: model.contextWindow,
    },
  };
}

/** Models name a credential instead of holding a key, so that the key can change while the process runs. */
function credential(provider: ProviderModel): object {
  const values = provider.credentialFields.map((field) => [field, `os.environ/${credentialVariable(provider.name, field)}`]);
  return { credential_name: provider.name, credential_info: {}, credential_values: Object.fromEntries(values) as Record<string, string> };
}

function routerSettings(model: GatewayModel, redisTls: boolean): object {
  const routing = model.routing;
  const fallbackModel = routing.fallbackModel;
  const fallbacks = renderedFallbacks(routing, model.aliases);
  return {
    routing_strategy: STRATEGIES[routing.strategy ?? "simple-shuffle"],
    num_retries: routing.retries ?? 2,
    timeout: routing.timeout?.toSeconds() ?? LONGEST_CALL_SECONDS,
    allowed_fails: routing.allowedFails ?? 3,
    cooldown_time: routing.cooldown?.toSeconds() ?? 30,
    fallbacks: fallbackList(fallbacks.fallbacks),
    context_window_fallbacks: fallbackList(fallbacks.contextWindowFallbacks),
    content_policy_fallbacks: fallbackList(fallbacks.contentPolicyFallbacks),
    default_fallbacks: fallbackModel === undefined ? undefined : [fallbackModel],
    model_group_alias: Object.keys(model.aliases).length > 0 ? model.aliases : undefined,
    enable_pre_call_checks: true,
    optional_pre_call_checks: optionalChecks(model),
    redis_host: REDIS.host,
    redis_port: REDIS.port,
    redis_password: REDIS.password,
    cache_kwargs: { ssl: redisTls },
  };
}

/** From 1.109 on, LiteLLM only prefers other deployments over one at its limit, unless it is told to hold the limit. */
function optionalChecks({ release, providers }: GatewayModel): string[] | undefined {
  const hasLimits = providers.some(({ models }) => models.some(({ rpm, tpm }) => rpm !== undefined || tpm !== undefined));
  return hasLimits && isAtLeast(release, "1.109.0") ? ["enforce_model_rate_limits"] : undefined;
}

function litellmSettings(model: GatewayModel, redisTls: boolean): object {
  return {
    drop_params: true,
    request_timeout: model.routing.timeout?.toSeconds() ?? LONGEST_CALL_SECONDS,
    json_logs: true,
    turn_off_message_logging: !model.logPrompts,
    global_disable_no_log_param: true,
    budget_exceeded_status_code: 429,
    timezone: model.timezone,
    ...(model.cacheTtlSeconds === undefined
      ? {}
      : {
          cache: true,
          cache_params: { type: "redis", ttl: model.cacheTtlSeconds, ...REDIS, ssl: redisTls },
        }),
  };
}

const REDIS = { host: "os.environ/REDIS_HOST", port: "os.environ/REDIS_PORT", password: "os.environ/REDIS_PASSWORD" };

const GENERAL_SETTINGS = {
  master_key: "os.environ/LITELLM_MASTER_KEY",
  database_url: "os.environ/DATABASE_URL",
  store_model_in_db: false,
  database_connection_pool_limit: 10,
  proxy_batch_write_at: 60,
  disable_error_logs: true,
  enforce_fallback_model_access: true,
  fail_closed_rate_limit_enforcement: true,
  fail_closed_budget_enforcement: true,
  user_api_key_cache_max_size: 5000,
};

function fallbackList(fallbacks: Fallbacks): object[] | undefined {
  const list = Object.entries(fallbacks).map(([model, targets]) => ({ [model]: targets }));
  return list.length > 0 ? list : undefined;
}

/** Twelve decimals: a price per million tokens has at most six of its own. */
function perToken(usdPerMillion: number | undefined): number | undefined {
  return usdPerMillion === undefined ? undefined : Number((usdPerMillion / 1_000_000).toFixed(12));
}

function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
