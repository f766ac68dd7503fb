import { amountProblems, wholeNumberProblems } from "../limits";
import { unknownName } from "../nearest";
import { boolean, list, number, object, Shape, shapeProblems, text } from "../shape";
import { AgentGroupProps, AgentProps, AgentQuotas } from "./agent-props";
import { instant, withDefaults } from "./agents";
import { GatewayModel } from "./gateway-model";
import { ModelProps } from "./provider-props";
import { ProviderModel } from "./providers";

/** What of a gateway's model the agents are held against. */
export type AgentsModel = Pick<GatewayModel, "modelNames" | "providers" | "aliases" | "rpmLimit">;

/** All that is wrong with the agents of a gateway. */
export function agentsProblems({ agents, agentDefaults = {}, agentGroups = {} }: AgentQuotas, model: AgentsModel): string[] {
  const groups = Object.keys(agentGroups);
  const shapes = [
    ...shapeProblems("agentDefaults", agentDefaults, AGENT_SHAPE),
    ...Object.entries(agents).flatMap(([name, agent]) => shapeProblems(`agents.${name}`, agent, AGENT_SHAPE)),
    ...Object.entries(agentGroups).flatMap(([name, group]) => shapeProblems(`agentGroups.${name}`, group, GROUP_SHAPE)),
  ];
  if (shapes.length > 0) return shapes;
  const defaults = limitsProblems("agentDefaults", agentDefaults, model, groups);
  const limits = Object.entries(agents).flatMap(([name, agent]) => limitsProblems(`agents.${name}`, agent, model, groups));
  const both = [...defaults, ...limits];
  return [
    ...nameProblems("agents", Object.keys(agents)),
    ...nameProblems("agentGroups", groups),
    ...Object.entries(agentGroups).flatMap(([name, group]) => groupProblems(`agentGroups.${name}`, group)),
    ...both,
    // What is wrong with a default would be told again for each agent.
    ...(both.length > 0
      ? []
      : Object.entries(agents).flatMap(([name, agent]) => modelProblems(`agents.${name}`, withDefaults(agent, agentDefaults), model))),
  ];
}

const AGENT_SHAPE: Shape<AgentProps> = {
  qpm: number,
  tpm: number,
  dailyTokens: number,
  dailyBudgetUsd: number,
  models: list,
  expires: text,
  enabled: boolean,
  group: text,
  labels: object,
};

const GROUP_SHAPE: Shape<AgentGroupProps> = { dailyBudgetUsd: number, monthlyBudgetUsd: number };

/** What is wrong by itself. */
function limitsProblems(prop: string, agent: AgentProps, { modelNames }: AgentsModel, groups: readonly string[]): string[] {
  const { models, expires, group, labels = {} } = agent;
  return [
    ...wholeNumberProblems(`${prop}.qpm`, agent.qpm),
    ...wholeNumberProblems(`${prop}.tpm`, agent.tpm),
    ...wholeNumberProblems(`${prop}.dailyTokens`, agent.dailyTokens),
    ...amountProblems(`${prop}.dailyBudgetUsd`, agent.dailyBudgetUsd),
    ...(models?.length === 0 ? [`${prop}.models: [] allows nothing; name at least one model, or leave it out for all`] : []),
    ...(models ?? [])
      .filter((model) => !modelNames.includes(model))
      .map((model) => `${prop}.models: ${unknownName(model, "a model of this gateway", [...modelNames])}`),
    ...(expires === undefined || isInstant(expires)
      ? []
      : [
          `${prop}.expires: ${JSON.stringify(expires)} is neither a day such as "2026-12-31" nor an instant such as "2026-12-31T18:00:00Z"`,
        ]),
    ...(group === undefined || groups.includes(group) ? [] : [`${prop}.group: ${unknownName(group, "one of agentGroups", [...groups])}`]),
    ...(Object.keys(labels).length > MOST_LABELS ? [`${prop}.labels: ${Object.keys(labels).length} are more than ${MOST_LABELS}`] : []),
    ...Object.entries(labels).flatMap(([name, value]) => labelProblems(`${prop}.labels`, name, value)),
  ];
}

/** Each line of the request log holds them, and has room for twice as many: an agent's own and those of all agents. */
const MOST_LABELS = 10;

const INSTANT = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

function isInstant(expires: string): boolean {
  const day = INSTANT.exec(expires)?.[1];
  if (day === undefined || Number.isNaN(instant(expires).getTime())) return false;
  // JavaScript takes the 31st of February for the 3rd of March.
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

function labelProblems(prop: string, name: string, value: unknown): string[] {
  return [
    ...(/^[A-Za-z][A-Za-z0-9._-]{0,62}$/.test(name)
      ? []
      : [`${prop}: ${JSON.stringify(name)} is not a name of 1 to 63 letters, digits and . _ - that starts with a letter`]),
    ...(typeof value === "string" && /^[^\p{Cc}]{1,128}$/u.test(value)
      ? []
      : [`${prop}.${name}: ${JSON.stringify(value)} is not a text of 1 to 128 characters on one line`]),
  ];
}

function groupProblems(prop: string, { dailyBudgetUsd, monthlyBudgetUsd }: AgentGroupProps): string[] {
  const isOne = (dailyBudgetUsd === undefined) !== (monthlyBudgetUsd === undefined);
  return [
    ...(isOne ? [] : [`${prop}: give one of dailyBudgetUsd and monthlyBudgetUsd`]),
    ...amountProblems(`${prop}.dailyBudgetUsd`, dailyBudgetUsd),
    ...amountProblems(`${prop}.monthlyBudgetUsd`, monthlyBudgetUsd),
  ];
}

/** What an agent's limits can not be, given the models that it may call. */
function modelProblems(prop: string, agent: AgentProps, model: AgentsModel): string[] {
  const callable = (agent.models ?? model.modelNames).map((name) => model.aliases[name] ?? name);
  const providers = model.providers.filter(({ models }) => models.some(({ name }) => callable.includes(name)));
  return [
    ...aboveProblems(`${prop}.qpm`, agent.qpm, "rpmLimit", [model.rpmLimit]),
    ...aboveProblems(
      `${prop}.qpm`,
      agent.qpm,
      providersLimit("rpmLimit", providers),
      providers.map(({ props }) => props.rpmLimit),
    ),
    ...aboveProblems(
      `${prop}.tpm`,
      agent.tpm,
      providersLimit("tpmLimit", providers),
      providers.map(({ props }) => props.tpmLimit),
    ),
    ...budgetsOf(agent).flatMap((budget) => priceProblems(`${prop}.${budget}`, callable, providers)),
  ];
}

/** The prop by which it has a budget: its own, else its group's. */
function budgetsOf({ dailyBudgetUsd, group }: AgentProps): string[] {
  if (dailyBudgetUsd !== undefined) return ["dailyBudgetUsd"];
  return group === undefined ? [] : ["group"];
}

/** A limit that can never be met, since another one is met before; the other one is the sum of all. */
function aboveProblems(prop: string, value: number | undefined, other: string, limits: readonly (number | undefined)[]): string[] {
  if (value === undefined || limits.length === 0 || limits.includes(undefined)) return [];
  const most = (limits as number[]).reduce((sum, limit) => sum + limit, 0);
  return value <= most ? [] : [`${prop}: ${value} can never be used: ${other} allows ${most}`];
}

function providersLimit(limit: "rpmLimit" | "tpmLimit", providers: readonly ProviderModel[]): string {
  return providers.map(({ name }) => `providers.${name}.${limit}`).join(" and ");
}

function priceProblems(prop: string, callable: readonly string[], providers: readonly ProviderModel[]): string[] {
  return providers.flatMap((provider) =>
    provider.models
      .filter((model) => callable.includes(model.name) && !hasPrice(provider, model))
      .map(
        ({ name }) =>
          `${prop}: the model "${name}" of provider ${provider.name} has no price, so it would never use up a budget; give it a price` +
          (provider.kind === "azureOpenai" ? " or a baseModel" : ""),
      ),
  );
}

/** LiteLLM knows the prices of models by the providers' names for them; the names of deployments tell nothing. */
function hasPrice({ kind }: ProviderModel, { price, baseModel }: ModelProps): boolean {
  return price !== undefined || baseModel !== undefined || !["azureOpenai", "openai-compatible"].includes(kind);
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

function nameProblems(prop: string, names: readonly string[]): string[] {
  return [
    ...names
      .filter((name) => !NAME.test(name))
      .map(
        (name) => `${prop}: ${JSON.stringify(name)} is not a name of 1 to 63 letters, digits and . _ - that starts with a letter or digit`,
      ),
    ...collisionProblems(prop, names),
  ];
}

/** The name of an agent where only lower-case letters, digits and hyphens may stand; two agents must not share one. */
function cleanName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

function collisionProblems(prop: string, names: readonly string[]): string[] {
  const seen = new Map<string, string>();
  return names.flatMap((name) => {
    const clean = cleanName(name);
    const earlier = seen.get(clean);
    seen.set(clean, earlier ?? name);
    return earlier === undefined ? [] : [`${prop}: "${earlier}" and "${name}" both become "${clean}"; rename one`];
  });
}
