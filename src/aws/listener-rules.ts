import { balancerPath, Route } from "../litellm/routes";

/** A rule that lets some paths of one method through. */
export interface ListenerRule {
  readonly id: string;
  readonly priority: number;
  readonly method: Route["method"];
  readonly paths: readonly string[];
}

/** A rule takes five values, the method and four paths, and six wildcards: a path has one at the most. */
const PATHS_OF_RULE = 4;

/** Each method's first priority, so that a new path of one moves no rule of another. */
const FIRST_PRIORITY: Readonly<Record<Route["method"], number>> = { GET: 100, POST: 200, DELETE: 300 };

/** The rules that let exactly these routes through. */
export function listenerRules(routes: readonly Route[]): ListenerRule[] {
  return (Object.keys(FIRST_PRIORITY) as Route["method"][]).flatMap((method) =>
    chunks([...new Set(routes.filter((route) => route.method === method).map(balancerPath))], PATHS_OF_RULE).map((paths, index) => ({
      id: `${method}${index + 1}`,
      priority: FIRST_PRIORITY[method] + index,
      method,
      paths,
    })),
  );
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}
