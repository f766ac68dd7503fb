import { secondsProblems } from "../duration";
import { wholeNumberProblems } from "../limits";
import { unknownName } from "../nearest";
import { Fallbacks, RoutingProps, STRATEGIES } from "./routing-props";

/** The longest that a call may take, in seconds: the limit of Alibaba's balancer. */
export const LONGEST_CALL_SECONDS = 600;

const FALLBACK_PROPS = ["fallbacks", "contextWindowFallbacks", "contentPolicyFallbacks"] as const;

/** All that is wrong with the routing, given the names that can be called. */
export function routingProblems(routing: RoutingProps, known: readonly string[]): string[] {
  const strategy = routing.strategy;
  return [
    ...(strategy !== undefined && !(strategy in STRATEGIES)
      ? [`routing.strategy: ${unknownName(strategy, "a routing strategy", Object.keys(STRATEGIES))}`]
      : []),
    ...modelProblems("routing.defaultModel", routing.defaultModel, known),
    ...modelProblems("routing.fallbackModel", routing.fallbackModel, known),
    ...FALLBACK_PROPS.flatMap((prop) => fallbackProblems(`routing.${prop}`, routing[prop] ?? {}, known)),
    ...loopProblems(routing, known),
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

function fallbackProblems(prop: string, fallbacks: Fallbacks, known: readonly string[]): string[] {
  return Object.entries(fallbacks).flatMap(([model, targets]) => [
    ...modelProblems(prop, model, known),
    ...(targets.length === 0 ? [`${prop}.${model}: no fallback is given; name at least one, or leave the model out`] : []),
    ...targets.flatMap((target) => modelProblems(`${prop}.${model}`, target, known)),
  ]);
}

function loopProblems(routing: RoutingProps, known: readonly string[]): string[] {
  return FALLBACK_PROPS.flatMap((prop) => {
    const fallbacks = prop === "fallbacks" ? withGeneralFallback(routing, known) : (routing[prop] ?? {});
    const loop = findLoop(fallbacks);
    return loop === undefined ? [] : [`routing.${prop}: ${loop.join(" -> ")} is a loop; a failing call would come back to where it failed`];
  });
}

/** The general fallback serves every model that has no fallbacks of its own, as LiteLLM does it. */
function withGeneralFallback(routing: RoutingProps, known: readonly string[]): Fallbacks {
  const general = routing.fallbackModel;
  if (general === undefined) return routing.fallbacks ?? {};
  const others = known.filter((model) => model !== general);
  return { ...Object.fromEntries(others.map((model) => [model, [general]])), ...routing.fallbacks };
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
