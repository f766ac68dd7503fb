import { parse, stringify } from "yaml";
import { unknownName } from "../../nearest";
import { priceOf, PriceTable } from "./prices";

/** LiteLLM's config.yaml, as far as a local run looks into it. */
interface Config {
  readonly model_list: readonly Deployment[];
  readonly credential_list: readonly Credential[];
  readonly [section: string]: unknown;
}

interface Deployment {
  readonly model_info: { readonly id: string; readonly base_model?: string };
  readonly litellm_params: { readonly model: string; readonly litellm_credential_name?: string; readonly [name: string]: unknown };
  readonly [field: string]: unknown;
}

interface Credential {
  readonly credential_name: string;
  readonly credential_values: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** A config that runs on this computer. */
export interface LocalConfig {
  readonly yaml: string;
  /** Providers whose own service is asked. */
  readonly real: readonly string[];
  /** Providers that the stand-in plays. */
  readonly played: readonly string[];
  /** Providers whose calls go to an address of one's own. */
  readonly own: readonly string[];
}

/** Who answers in the providers' place. */
export interface Answering {
  /** Variables of real providers' keys that are given. */
  readonly given: ReadonlySet<string>;
  /** The stand-in's URL, without a path. */
  readonly standIn: string;
  /** By provider: an address of one's own, as LiteLLM takes it for OpenAI's (with `/v1`) or Anthropic's (without) format. */
  readonly own?: ReadonlyMap<string, string>;
  readonly prices: PriceTable;
}

const REFERENCE = "os.environ/";

/**
 * The config as the nodes have it, but that Redis is not encrypted, that a provider may have an address of one's own, and that
 * one without keys is played by the stand-in.
 * @throws Error when one's own address is for no provider of this gateway
 */
export function localConfig(yaml: string, { given, standIn, own = new Map(), prices }: Answering): LocalConfig {
  const config = parse(yaml) as Config;
  const all = [...new Set(config.model_list.map(providerOf))];
  const unknown = [...own.keys()].find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`--provider: ${unknownName(unknown, "a provider of this gateway", all)}`);
  const isReal = ({ credential_name: name, credential_values: values }: Credential): boolean =>
    !own.has(name) && Object.values(values).every((value) => !value.startsWith(REFERENCE) || given.has(value.slice(REFERENCE.length)));
  const real = config.credential_list.filter(isReal).map((credential) => credential.credential_name);
  const changed = {
    ...config,
    model_list: config.model_list.map((deployment) => {
      const name = providerOf(deployment);
      return real.includes(name) ? deployment : redirected(deployment, prices, (path) => own.get(name) ?? standIn + path);
    }),
    credential_list: config.credential_list.map((credential) =>
      real.includes(credential.credential_name)
        ? credential
        : { ...credential, credential_values: { api_key: firstReference(credential) } },
    ),
  };
  return {
    yaml: stringify(withoutTls(changed), { lineWidth: 0, version: "1.1" }),
    real,
    played: all.filter((name) => !real.includes(name) && !own.has(name)),
    own: all.filter((name) => own.has(name)),
  };
}

/** LiteLLM looks costs up by provider and name. */
const KEEP_THEIR_PROVIDER = ["openai", "anthropic"];

/** The format of Anthropic stays, all others become OpenAI's: that is what the stand-in speaks, and most servers of one's own. */
function redirected(deployment: Deployment, prices: PriceTable, address: (path: string) => string): Deployment {
  const { litellm_params: params, model_info: info } = deployment;
  const [provider] = params.model.split("/", 1);
  const upstream = params.model.slice(params.model.indexOf("/") + 1);
  const isAnthropic = provider === "anthropic";
  return {
    ...deployment,
    // Costs are still those of the model in whose place another one answers.
    model_info: { ...(KEEP_THEIR_PROVIDER.includes(provider!) ? {} : priceOf(prices, params.model, info.base_model)), ...info },
    litellm_params: {
      ...params,
      api_version: undefined,
      aws_region_name: undefined,
      model: `${isAnthropic ? "anthropic" : "openai"}/${upstream}`,
      api_base: address(isAnthropic ? "" : "/v1"),
      ...(params.litellm_credential_name === undefined ? { api_key: "none" } : {}),
    },
  };
}

function firstReference({ credential_values: values }: Credential): string {
  return Object.values(values).find((value) => value.startsWith(REFERENCE))!;
}

/** The deployment's credential has the provider's name; where there is none, its id begins with it. */
function providerOf(deployment: Deployment): string {
  return deployment.litellm_params.litellm_credential_name ?? deployment.model_info.id.replace(/-\d+$/, "");
}

function withoutTls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, name === "ssl" ? false : withoutTls(inner)]));
}
