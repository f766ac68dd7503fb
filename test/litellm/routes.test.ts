import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AGENT_ROUTES, balancerPath, keyRoutes, Route } from "../../src/litellm/routes";

/** What the node's front knows how to serve. */
function specsOfTheFront(): string[] {
  const file = join(__dirname, "..", "..", "src", "node", "files", "aigw_node", "front", "routes.py");
  const specs = readFileSync(file, "utf8").matchAll(/^ {4}RouteSpec\(\s*"[\w-]+",\s*"([A-Z]+)",\s*"([^"]+)"/gm);
  return [...specs].map(([, method, path]) => `${method} ${path}`);
}

const names = (routes: readonly Route[]): string[] => routes.map(({ method, path }) => `${method} ${path}`);

describe("the routes of agents", () => {
  it("are those that the node's front knows, all of them and no others", () => {
    expect(names(AGENT_ROUTES).sort()).toEqual(specsOfTheFront().sort());
    expect(new Set(names(AGENT_ROUTES)).size).toBe(AGENT_ROUTES.length);
  });

  it("reach no object of the provider's account but one's own responses", () => {
    expect(names(AGENT_ROUTES).join("\n")).not.toMatch(
      /files|batches|vector|assistants|threads|containers|conversations|fine|translations/,
    );
  });

  it("are wildcards at the balancer", () => {
    const path = "/v1/responses/{response}/cancel";
    expect(balancerPath({ method: "POST", path })).toBe("/v1/responses/*/cancel");
    expect(balancerPath({ method: "POST", path: "/v1/responses" })).toBe("/v1/responses");
  });

  it("stand in a key as LiteLLM matches them: a wildcard at the end, each once", () => {
    const routes = keyRoutes(AGENT_ROUTES);
    expect(routes.filter((route) => /[{*]/.test(route))).toEqual(["/v1/models/*", "/v1/responses/*"]);
    expect(new Set(routes).size).toBe(routes.length);
  });
});
