import { secondsProblems } from "../duration";
import { wholeNumberProblems } from "../limits";
import { unknownName } from "../nearest";
import { duration, number, object, Shape, shapeProblems, text } from "../shape";
import { Fallbacks, RoutingProps, STRATEGIES } from "./routing-props";

/** The longest that a call may take, in seconds: the limit of Alibaba's balancer. */
export const LONGEST_CALL_SECONDS = 600;

const FALLBACK_PROPS = ["fallbacks", "contextWindowFallbacks", "contentPolicyFallbacks"] as const;

const ROUTING_SHAPE: Shape<RoutingProps> = {
  strategy: text,
  defaultModel: text,
  fallbackModel: text,
  fallbacks: object,
  contextWindowFallbacks: object,
  contentPolicyFallbacks: object,
  retries: number,
  timeout: duration,
  allowedFails: number,
  cooldown: duration,
};

/** All that is wrong with the routing, given the names that can be called. */
export function routingProblems(routing: RoutingProps, known: readonly string[], aliases: Aliases): string[] {
  const shape = [
    ...shapeProblems("routing", routing, ROUTING_SHAPE),
    ...FALLBACK_PROPS.flatMap((prop) => fallbackShapeProblems(`routing.${prop}`, routing[prop] ?? {})),
  ];
  if (shape.length > 0) return shape;
  const strategy = routing.strategy;
  return [
    ...(strategy !== undefined && !Object.hasOwn(STRATEGIES, strategy)
      ? [`routing.strategy: ${unknownName(strategy, "a routing strategy", Object.keys(STRATEGIES))}`]
      : []),
    ...modelProblems("routing.defaultModel", routing.defaultModel, known),
    ...modelProblems("routing.fallbackModel", routing.fallbackModel, known),
    ...FALLBACK_PROPS.flatMap((prop) => fallbackProblems(`routing.${prop}`, routing[prop] ?? {}, known)),
    ...loopProblems(routing, known, aliases),
    ...wholeNumberProblems("routing.retries", routing.retries, 0, 10),
    ...wholeNumberProblems("routing.allowedFails", routing.allowedFails, 0, 1000),
    ...secondsProblems("routing.timeout", routing.timeout, 1, LONGEST_CALL_SECONDS),
    ...secondsProblems("routing.cooldown", routing.cooldown, 0, 3600),
  ];
}

function modelProblems(prop: string, model: string | undefined, known: readonly string[]): string[] {
  if (model === undefined || known.includes(model)) return [];
  return [`${prop}: ${unknownName(model, "a model of this gateway", known)}`];
}

function fallbackShapeProblems(prop: string, fallbacks: Fallbacks): string[] {
  return Object.entries(fallbacks)
    .filter(([, targets]) => !Array.isArray(targets))
    .map(([model, targets]) => `${prop}.${model}: ${JSON.stringify(targets)} is not a list`);
}

function fallbackProblems(prop: string, fallbacks: Fallbacks, known: readonly string[]): string[] {
  return Object.entries(fallbacks).flatMap(([model, targets]) => [
    ...modelProblems(prop, model, known),
    ...(targets.length === 0 ? [`${prop}.${model}: no fallback is given; name at least one, or leave the model out`] : []),
    ...targets.flatMap((target) => modelProblems(`${prop}.${model}`, target, known)),
  ]);
}

function loopProblems(routing: RoutingProps, known: readonly string[], aliases: Aliases): string[] {
  const rendered = renderedFallbacks(routing, aliases);
  return FALLBACK_PROPS.flatMap((prop) => {
    const fallbacks = prop === "fallbacks" ? withGeneral(rendered.fallbacks, routing.fallbackModel, known) : rendered[prop];
    const loop = findLoop(withoutAliases(fallbacks, aliases));
    return loop === undefined ? [] : [`routing.${prop}: ${loop.join(" -> ")} is a loop; a failing call would come back to where it failed`];
  });
}

/** Other names for models, by alias. */
export type Aliases = Readonly<Record<string, string>>;

/**
 * The fallbacks as LiteLLM must be told of them. It looks a call's fallbacks up by the name that the call gave, and takes
 * the general one for a model only that has none of its own: so each alias gets its model's, and each list the general one
 * at its end.
 */
export function renderedFallbacks(routing: RoutingProps, aliases: Aliases): Record<(typeof FALLBACK_PROPS)[number], Fallbacks> {
  const general = routing.fallbackModel;
  const ended = Object.entries(routing.fallbacks ?? {}).map(([model, targets]) => {
    const isEnded = general === undefined || model === general || aliases[model] === general || targets.includes(general);
    return [model, isEnded ? targets : [...targets, general]] as const;
  });
  return {
    fallbacks: underAliases(Object.fromEntries(ended), aliases),
    contextWindowFallbacks: underAliases(routing.contextWindowFallbacks ?? {}, aliases),
    contentPolicyFallbacks: underAliases(routing.contentPolicyFallbacks ?? {}, aliases),
  };
}

function underAliases(fallbacks: Fallbacks, aliases: Aliases): Fallbacks {
  const added = Object.entries(aliases).filter(([, model]) => fallbacks[model] !== undefined);
  return { ...fallbacks, ...Object.fromEntries(added.map(([alias, model]) => [alias, fallbacks[alias] ?? fallbacks[model]!])) };
}

/** Every model without fallbacks of its own falls back to the general one. */
function withGeneral(fallbacks: Fallbacks, general: string | undefined, known: readonly string[]): Fallbacks {
  if (general === undefined) return fallbacks;
  const others = known.filter((model) => model !== general);
  return { ...Object.fromEntries(others.map((model) => [model, [general]])), ...fallbacks };
}

function withoutAliases(fallbacks: Fallbacks, aliases: Aliases): Fallbacks {
  const resolved = (name: string): string => aliases[name] ?? name;
  const own = Object.entries(fallbacks).filter(([model]) => aliases[model] === undefined);
  const viaAlias = Object.entries(fallbacks).filter(([model]) => aliases[model] !== undefined);
  return Object.fromEntries([...viaAlias, ...own].map(([model, targets]) => [resolved(model), targets.map(resolved)]));
}

function findLoop(fallbacks: Fallbacks): string[] | undefined {
  const safe = new Set<string>();
  const walk = (model: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(model)) return [...path.slice(path.indexOf(model)), model];
    if (safe.has(model)) return undefined;
    for (const target of fallbacks[model] ?? []) {
      const loop = walk(target, [...path, model]);
      if (loop !== undefined) return loop;
    }
    safe.add(model);
    return undefined;
  };
  for (const model of Object.keys(fallbacks)) {
    const loop = walk(model, []);
    if (loop !== undefined) return loop;
  }
  return undefined;
}
