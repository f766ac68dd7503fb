import { existsSync, readFileSync } from "node:fs";
import { secondsProblems } from "../duration";
import { wholeNumberProblems } from "../limits";
import { unknownName } from "../nearest";
import { boolean, duration, shapeProblems } from "../shape";
import { GatewayModelProps } from "./gateway-props";
import { ProviderModel, providerModels, providersProblems } from "./providers";
import { DEFAULT_RELEASE, releaseProblems } from "./releases";
import { routingProblems } from "./routing";
import { RoutingProps } from "./routing-props";

/** What a gateway serves and how, validated, defaults filled in; LiteLLM's config and the nodes' settings are rendered from it. */
export interface GatewayModel {
  readonly providers: readonly ProviderModel[];
  /** All names that a request may name: models, then aliases. */
  readonly modelNames: readonly string[];
  readonly defaultModel?: string;
  readonly routing: RoutingProps;
  readonly aliases: Readonly<Record<string, string>>;
  readonly cacheTtlSeconds?: number;
  readonly cacheShared: boolean;
  readonly rpmLimit?: number;
  readonly logPrompts: boolean;
  readonly timezone: string;
  readonly release: string;
  readonly requirementsFile?: string;
  readonly prismaClientFile?: string;
  /** What is not wrong, but most likely not meant either. */
  readonly warnings: readonly string[];
}

/** The model of a gateway; call it once {@link gatewayModelProblems} finds nothing. */
export function gatewayModel(props: GatewayModelProps): GatewayModel {
  const providers = providerModels(props.providers);
  const routing = props.routing ?? {};
  return {
    providers,
    modelNames: modelNames(providers, props),
    defaultModel: routing.defaultModel ?? markedDefault(providers),
    routing,
    aliases: props.aliases ?? {},
    cacheTtlSeconds: props.cache?.ttl.toSeconds(),
    cacheShared: props.cache?.shared ?? false,
    rpmLimit: props.rpmLimit,
    logPrompts: props.logPrompts ?? false,
    timezone: props.timezone ?? "UTC",
    release: props.litellmRelease ?? DEFAULT_RELEASE,
    requirementsFile: props.requirementsFile,
    prismaClientFile: props.prismaClientFile,
    warnings: strategyWarnings(providers, routing),
  };
}

/** All that is wrong with what a gateway serves. */
export function gatewayModelProblems(props: GatewayModelProps): string[] {
  const problems = providersProblems(props.providers);
  if (problems.length > 0) return [...problems, ...ownProblems(props)];
  const providers = providerModels(props.providers);
  const known = modelNames(providers, props);
  return [
    ...ownProblems(props),
    ...aliasProblems(providers, props),
    ...defaultProblems(providers, props),
    ...routingProblems(props.routing ?? {}, known, props.aliases ?? {}),
  ];
}

/** What can be judged without knowing the models. */
function ownProblems(props: GatewayModelProps): string[] {
  return [
    ...wholeNumberProblems("rpmLimit", props.rpmLimit),
    ...cacheProblems(props),
    ...(props.timezone === undefined ? [] : timezoneProblems(props.timezone)),
    ...(props.litellmRelease === undefined ? [] : releaseProblems("litellmRelease", props.litellmRelease)),
    ...requirementsProblems(props),
  ];
}

function cacheProblems({ cache }: GatewayModelProps): string[] {
  if (cache === undefined) return [];
  const shape = shapeProblems("cache", cache, { ttl: duration, shared: boolean }, ["ttl"]);
  return shape.length > 0 ? shape : secondsProblems("cache.ttl", cache.ttl, 1, 30 * 86_400);
}

function requirementsProblems(props: GatewayModelProps): string[] {
  const file = props.requirementsFile;
  if (file !== undefined) return lockFileProblems(file, props);
  const isOther = props.litellmRelease !== undefined && props.litellmRelease !== DEFAULT_RELEASE;
  if (!isOther) return [];
  return [
    `requirementsFile: none is given, and the lock file that comes along is for LiteLLM ${DEFAULT_RELEASE}, not ${props.litellmRelease}; give one that locks it`,
  ];
}

/** Both files become a part of the bundle, so they are looked at during synthesis. */
function lockFileProblems(file: string, { litellmRelease: release = DEFAULT_RELEASE, prismaClientFile }: GatewayModelProps): string[] {
  if (!existsSync(file))
    return [`requirementsFile: ${JSON.stringify(file)} can not be read; give the path of a file of hash-locked requirements`];
  const lines = readFileSync(file, "utf8").split("\n");
  const locks = lines.some((line) => line.startsWith(`litellm==${release} `) || line.startsWith(`litellm[proxy]==${release} `));
  const missing = prismaClientFile === undefined || !existsSync(prismaClientFile);
  return [
    ...(locks ? [] : [`requirementsFile: ${JSON.stringify(file)} does not lock litellm==${release}`]),
    ...(release !== DEFAULT_RELEASE && missing
      ? [
          `prismaClientFile: ${JSON.stringify(prismaClientFile ?? null)} can not be read; LiteLLM ${release} needs the record of its own database schema`,
        ]
      : []),
  ];
}

function timezoneProblems(timezone: string): string[] {
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
    return [];
  } catch {
    return [`timezone: ${JSON.stringify(timezone)} is not an IANA time zone such as "Asia/Shanghai"`];
  }
}

function aliasProblems(providers: readonly ProviderModel[], props: GatewayModelProps): string[] {
  const models = uniqueModels(providers);
  return Object.entries(props.aliases ?? {}).flatMap(([alias, model]) => [
    ...(models.includes(alias) ? [`aliases: "${alias}" is the name of a model already`] : []),
    ...(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/.test(alias)
      ? []
      : [`aliases: ${JSON.stringify(alias)} is not a name of letters, digits and . _ : / @ -`]),
    ...(models.includes(model) ? [] : [`aliases.${alias}: ${unknownName(model, "a model of this gateway", models)}`]),
  ]);
}

function defaultProblems(providers: readonly ProviderModel[], props: GatewayModelProps): string[] {
  const marked = providers.filter((provider) => provider.props.default === true);
  const [first, second] = marked;
  const named = props.routing?.defaultModel;
  if (first !== undefined && second !== undefined) {
    return [`providers.${second.name}.default: "${first.name}" is the default provider already; mark one of them`];
  }
  if (first === undefined || named === undefined || named === markedDefault(providers)) return [];
  return [
    `routing.defaultModel: "${named}" differs from "${markedDefault(providers)}", the first model of "${first.name}", which has default: true; give one of the two`,
  ];
}

function markedDefault(providers: readonly ProviderModel[]): string | undefined {
  return providers.find((provider) => provider.props.default === true)?.models[0]?.name;
}

function modelNames(providers: readonly ProviderModel[], props: GatewayModelProps): string[] {
  return [...uniqueModels(providers), ...Object.keys(props.aliases ?? {})];
}

function uniqueModels(providers: readonly ProviderModel[]): string[] {
  return [...new Set(providers.flatMap((provider) => provider.models.map((model) => model.name)))];
}

function strategyWarnings(providers: readonly ProviderModel[], routing: RoutingProps): string[] {
  const deployments = providers.flatMap((provider) => provider.models);
  const hasChoice = uniqueModels(providers).length < deployments.length;
  if (routing.strategy === undefined || hasChoice) return [];
  const [first, second] = deployments;
  const example = second === undefined ? "" : `, such as { name: "${first!.name}", upstream: "${second.upstream ?? second.name}" }`;
  return [
    `routing.strategy: "${routing.strategy}" has nothing to choose from: every model has one deployment; give two models one name${example}`,
  ];
}
