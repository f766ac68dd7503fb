import { balancerPath, Route } from "../litellm/routes";

/** What one forwarding rule lets through: some paths by one method. */
export interface RuleMatch {
  readonly method: Route["method"];
  readonly paths: readonly string[];
}

/**
 * ALB counts every value of a condition; its Basic edition ends at 5, Standard at 10.
 * @see https://www.alibabacloud.com/help/en/slb/application-load-balancer/quotas-and-limits
 */
const PATHS_OF_A_RULE = 5;

/** As few rules as let these routes through, and no other combination of method and path. */
export function ruleMatches(routes: readonly Route[]): RuleMatch[] {
  const methods = [...new Set(routes.map(({ method }) => method))];
  return methods.flatMap((method) => {
    const paths = routes.filter((route) => route.method === method).map(balancerPath);
    return chunks(paths, PATHS_OF_A_RULE).map((chunk) => ({ method, paths: chunk }));
  });
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}
