import { parse, stringify } from "yaml";

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
}

const REFERENCE = "os.environ/";

/**
 * The config as the nodes have it, but that Redis is not encrypted, and that a provider without keys in `given` is played
 * by the stand-in at `standIn` (a URL without a path).
 */
export function localConfig(yaml: string, given: ReadonlySet<string>, standIn: string): LocalConfig {
  const config = parse(yaml) as Config;
  const isReal = ({ credential_values: values }: Credential): boolean =>
    Object.values(values).every((value) => !value.startsWith(REFERENCE) || given.has(value.slice(REFERENCE.length)));
  const credentials = new Map(config.credential_list.map((credential) => [credential.credential_name, credential]));
  const real = config.credential_list.filter(isReal).map((credential) => credential.credential_name);
  const changed = {
    ...config,
    model_list: config.model_list.map((deployment) => {
      const name = deployment.litellm_params.litellm_credential_name;
      return name !== undefined && real.includes(name) ? deployment : played(deployment, standIn);
    }),
    credential_list: [...credentials.values()].map((credential) =>
      real.includes(credential.credential_name)
        ? credential
        : { ...credential, credential_values: { api_key: firstReference(credential) } },
    ),
  };
  const all = [...new Set(config.model_list.map(providerOf))];
  return {
    yaml: stringify(withoutTls(changed), { lineWidth: 0, version: "1.1" }),
    real,
    played: all.filter((name) => !real.includes(name)),
  };
}

/** The format of Anthropic stays, all others become OpenAI's: that is what the stand-in speaks. */
function played(deployment: Deployment, standIn: string): Deployment {
  const { litellm_params: params } = deployment;
  const upstream = params.model.slice(params.model.indexOf("/") + 1);
  const isAnthropic = params.model.startsWith("anthropic/");
  return {
    ...deployment,
    // Costs are still those of the model that is played.
    model_info: { base_model: params.model, ...deployment.model_info },
    litellm_params: {
      ...params,
      api_version: undefined,
      aws_region_name: undefined,
      model: `${isAnthropic ? "anthropic" : "openai"}/${upstream}`,
      api_base: isAnthropic ? standIn : `${standIn}/v1`,
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
