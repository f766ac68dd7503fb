import { wholeNumberProblems, amountProblems } from "../limits";
import { unknownName } from "../nearest";
import { boolean, list, number, object, Shape, shapeProblems, text } from "../shape";
import { isExpression, nameProblems } from "../text";
import { AzureAuth } from "./azure-auth";
import { PROVIDER_KINDS, ProviderKind, ProviderKindFacts } from "./provider-kinds";
import { ModelProps, ProviderProps, ProvidersProps } from "./provider-props";

/** A provider with its defaults filled in. */
export interface ProviderModel {
  readonly name: string;
  readonly kind: ProviderKind;
  readonly models: readonly ModelProps[];
  /** The fields of its credential, in LiteLLM's words; none: there is no secret. */
  readonly credentialFields: readonly string[];
  readonly baseUrl?: string;
  readonly props: ProviderProps;
}

const KINDS = Object.keys(PROVIDER_KINDS) as ProviderKind[];
const PROVIDER_SHAPE: Shape<ProviderProps> = {
  kind: text,
  models: list,
  default: boolean,
  rpmLimit: number,
  tpmLimit: number,
  site: text,
  endpoint: text,
  baseUrl: text,
  auth: object,
  apiVersion: text,
  awsRegion: text,
  secretName: text,
  keyless: boolean,
};
const MODEL_SHAPE: Shape<ModelProps> = {
  name: text,
  upstream: text,
  deployment: text,
  baseModel: text,
  weight: number,
  order: number,
  rpm: number,
  tpm: number,
  contextWindow: number,
  price: object,
};
/** What the gateway itself keeps under its name. */
const RESERVED_NAMES = ["master-key", "salt-key", "database", "redis", "agents"];
const DEFAULT_AZURE_API_VERSION = "2024-10-21";

/** The providers as a list, defaults filled in; call it once {@link providersProblems} finds nothing. */
export function providerModels(providers: ProvidersProps): ProviderModel[] {
  return entries(providers).map(([name, props]) => {
    const kind = props.kind ?? (name as ProviderKind);
    const facts = PROVIDER_KINDS[kind];
    return {
      name,
      kind,
      models: (props.models ?? facts.catalogue).map(asModel),
      credentialFields: credentialFields(facts, props),
      baseUrl: props.endpoint ?? props.baseUrl ?? siteUrl(facts, props),
      props,
    };
  });
}

/** LiteLLM's API version for an Azure OpenAI provider. */
export function azureApiVersion(props: ProviderProps): string {
  return props.apiVersion ?? DEFAULT_AZURE_API_VERSION;
}

/** The name of a provider in an environment variable; two providers must not share one. */
export function environmentName(provider: string): string {
  return provider.replace(/[^A-Za-z0-9]/g, "_").toUpperCase();
}

/** All that is wrong with the providers. */
export function providersProblems(providers: ProvidersProps): string[] {
  const named = entries(providers);
  if (named.length === 0) return ["providers: none is given; give at least one, such as { openai: {} }"];
  return [
    ...collisionProblems(named.map(([name]) => name)),
    ...named.flatMap(([name, props]) => providerProblems(`providers.${name}`, name, props)),
  ];
}

function providerProblems(prop: string, name: string, props: ProviderProps): string[] {
  const shape = shapeProblems(prop, props, PROVIDER_SHAPE);
  if (shape.length > 0) return shape;
  if (RESERVED_NAMES.includes(name)) return [`${prop}: the gateway keeps a secret of its own under this name; rename the provider`];
  const kind = props.kind ?? (name as ProviderKind);
  if (!KINDS.includes(kind)) {
    const where = props.kind === undefined ? prop : `${prop}.kind`;
    const other = props.kind === undefined ? '; a provider of your own needs kind: "openai-compatible"' : "";
    return [`${where}: ${unknownName(kind, "a kind of provider", KINDS)}${other}`];
  }
  const facts = PROVIDER_KINDS[kind];
  const models = (props.models ?? facts.catalogue).map(asModel);
  return [
    ...nameProblems(prop, name, /^[A-Za-z][A-Za-z0-9-]{0,30}$/, "a name of 1 to 31 letters, digits and hyphens that starts with a letter"),
    ...(models.length === 0 ? [`${prop}.models: none is given, and ${kind} has no models of its own; name at least one`] : []),
    ...models.flatMap((model, index) => modelProblems(`${prop}.models[${index}]`, kind, model)),
    ...wholeNumberProblems(`${prop}.rpmLimit`, props.rpmLimit),
    ...wholeNumberProblems(`${prop}.tpmLimit`, props.tpmLimit),
    ...urlProblems(`${prop}.baseUrl`, props.baseUrl),
    ...urlProblems(`${prop}.endpoint`, props.endpoint),
    ...nameProblems(`${prop}.awsRegion`, props.awsRegion, /^[a-z0-9-]+$/, 'a region of AWS such as "us-east-1"'),
    ...nameProblems(`${prop}.apiVersion`, props.apiVersion, /^[A-Za-z0-9._-]+$/, 'a version such as "2024-10-21"'),
    ...misplacedProblems(prop, kind, facts, props),
  ];
}

/** Props that another kind of provider has, and props that this kind can not do without. */
function misplacedProblems(prop: string, kind: ProviderKind, facts: ProviderKindFacts, props: ProviderProps): string[] {
  const only: [keyof ProviderProps, boolean, string][] = [
    ["site", facts.sites !== undefined, "dashscope, moonshot and zhipu"],
    ["endpoint", kind === "azureOpenai", "azureOpenai"],
    ["baseUrl", kind !== "azureOpenai", "the other kinds; give endpoint"],
    ["auth", kind === "azureOpenai", "azureOpenai"],
    ["apiVersion", kind === "azureOpenai", "azureOpenai"],
    ["awsRegion", kind === "bedrock", "bedrock"],
    ["keyless", kind === "openai-compatible", "openai-compatible"],
    ["secretName", kind !== "bedrock" && props.keyless !== true, "a provider with a key"],
  ];
  const site = props.site;
  return [
    ...only
      .filter(([key, fits]) => props[key] !== undefined && !fits)
      .map(([key, , where]) => `${prop}.${key}: ${quoted(props[key])} has no meaning for ${kind}; it belongs to ${where}`),
    ...(kind === "openai-compatible" && props.baseUrl === undefined
      ? [`${prop}.baseUrl: none is given; ${kind} needs the endpoint, such as "https://host/v1"`]
      : []),
    ...(kind === "azureOpenai" && props.endpoint === undefined
      ? [`${prop}.endpoint: none is given; ${kind} needs the resource's endpoint, such as "https://corp.openai.azure.com"`]
      : []),
    ...(site !== undefined && props.baseUrl !== undefined ? [`${prop}: give either site or baseUrl, not both`] : []),
    ...(site !== undefined && facts.sites !== undefined && facts.sites[site] === undefined
      ? [`${prop}.site: ${unknownName(site, "a site", Object.keys(facts.sites))}`]
      : []),
  ];
}

const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/;
const MODEL_NAME_ALLOWED = "a name of 1 to 128 letters, digits and . _ : / @ - that starts with a letter or digit";

function modelProblems(prop: string, kind: ProviderKind, model: ModelProps): string[] {
  const shape = shapeProblems(prop, model, MODEL_SHAPE, ["name"]);
  if (shape.length > 0) return shape;
  const texts: [string, string | undefined][] = [
    ["name", model.name],
    ["upstream", model.upstream],
    ["deployment", model.deployment],
    ["baseModel", model.baseModel],
  ];
  return [
    ...texts.flatMap(([key, name]) =>
      name === undefined || MODEL_NAME.test(name) ? [] : [`${prop}.${key}: ${quoted(name)} is not ${MODEL_NAME_ALLOWED}`],
    ),
    ...(model.deployment !== undefined && kind !== "azureOpenai"
      ? [`${prop}.deployment: ${quoted(model.deployment)} has no meaning for ${kind}; use upstream`]
      : []),
    ...amountProblems(`${prop}.weight`, model.weight),
    ...wholeNumberProblems(`${prop}.order`, model.order),
    ...wholeNumberProblems(`${prop}.rpm`, model.rpm),
    ...wholeNumberProblems(`${prop}.tpm`, model.tpm),
    ...wholeNumberProblems(`${prop}.contextWindow`, model.contextWindow),
    ...priceProblems(`${prop}.price.inputUsdPerMillionTokens`, model.price?.inputUsdPerMillionTokens),
    ...priceProblems(`${prop}.price.outputUsdPerMillionTokens`, model.price?.outputUsdPerMillionTokens),
  ];
}

function priceProblems(prop: string, value: number | undefined): string[] {
  if (value === undefined || (Number.isFinite(value) && value >= 0)) return [];
  return [`${prop}: ${value} is not a number of at least 0`];
}

function urlProblems(prop: string, url: string | undefined): string[] {
  const allowed = "an http:// or https:// address without query and trailing slash";
  if (url?.endsWith("/")) return [`${prop}: ${quoted(url)} is not ${allowed}`];
  // "x" is what a reference stands for, such as the address of an instance, with or without the scheme in it.
  return nameProblems(prop, url, /^(https?:\/\/)?[A-Za-z0-9.-]+(:\d+)?(\/[\w./~-]*)?$/, allowed).concat(
    url === undefined || isExpression(url) || /^https?:/.test(url) ? [] : [`${prop}: ${quoted(url)} is not ${allowed}`],
  );
}

function collisionProblems(names: readonly string[]): string[] {
  return names.flatMap((name, index) => {
    const earlier = names.slice(0, index).find((other) => environmentName(other) === environmentName(name));
    return earlier === undefined ? [] : [`providers: "${earlier}" and "${name}" both become ${environmentName(name)}; rename one`];
  });
}

function credentialFields(facts: ProviderKindFacts, props: ProviderProps): readonly string[] {
  if (props.keyless === true) return [];
  const auth: AzureAuth | undefined = props.auth;
  return auth?.fields ?? facts.credentialFields;
}

function siteUrl(facts: ProviderKindFacts, props: ProviderProps): string | undefined {
  if (facts.sites === undefined) return undefined;
  return props.site === undefined ? Object.values(facts.sites)[0] : facts.sites[props.site];
}

function asModel(model: string | ModelProps): ModelProps {
  return typeof model === "string" ? { name: model } : model;
}

function entries(providers: ProvidersProps): [string, ProviderProps][] {
  return isKinds(providers) ? providers.map((kind) => [kind, {}]) : Object.entries(providers);
}

function isKinds(providers: ProvidersProps): providers is readonly ProviderKind[] {
  return Array.isArray(providers);
}

function quoted(value: unknown): string {
  return JSON.stringify(value);
}
