import { AgentsModel, agentsProblems } from "../../src/litellm/agent-problems";
import { AgentQuotas } from "../../src/litellm/agent-props";
import { desiredState } from "../../src/litellm/agents";
import { gatewayModel } from "../../src/litellm/gateway-model";
import { AGENT_ROUTES } from "../../src/litellm/routes";
import { ProvidersProps, usd } from "cdktf-ai-gateway";

const MODELS = ["qwen-max", "gpt-4o"];
const PROVIDERS: ProvidersProps = { dashscope: { models: ["qwen-max"], rpmLimit: 100, tpmLimit: 9000 }, openai: { models: ["gpt-4o"] } };

function problems(
  quotas: AgentQuotas,
  providers = PROVIDERS,
  props: { rpmLimit?: number; aliases?: Record<string, string> } = {},
): string[] {
  const model: AgentsModel = gatewayModel({ providers, ...props });
  return agentsProblems(quotas, model);
}

const one = (agent: AgentQuotas["agents"][string], more: Partial<AgentQuotas> = {}): string[] =>
  problems({ agents: { a: agent }, ...more });

describe("the desired state", () => {
  it("names every model for an agent that names none, since a key without models may call any", () => {
    const { agents, routes, groups } = desiredState({ agents: { b: { qpm: 1 }, a: { models: ["gpt-4o"] } } }, MODELS);
    expect(agents).toEqual([
      { name: "a", secretName: "agents/a", models: ["gpt-4o"], enabled: true },
      { name: "b", secretName: "agents/b", models: MODELS, enabled: true, qpm: 1 },
    ]);
    expect(routes).toBe(AGENT_ROUTES);
    expect(groups).toEqual([]);
  });

  it("has the defaults of all, which an agent changes one by one; labels are added up", () => {
    const agentDefaults = { qpm: 60, dailyTokens: 1000, labels: { team: "core", env: "prod" } };
    const agents = { a: { qpm: 10, labels: { team: "web" } }, b: { enabled: false } };
    expect(desiredState({ agents, agentDefaults }, MODELS).agents).toMatchObject([
      { name: "a", qpm: 10, dailyTokens: 1000, enabled: true, labels: { team: "web", env: "prod" } },
      { name: "b", qpm: 60, dailyTokens: 1000, enabled: false, labels: { team: "core", env: "prod" } },
    ]);
  });

  it("has groups with a budget for the day or the month, and who is in them", () => {
    const agentGroups = { web: { dailyBudgetUsd: 5 }, core: { monthlyBudgetUsd: 90 } };
    const { groups, agents } = desiredState({ agents: { a: { group: "web" } }, agentGroups }, MODELS);
    expect(groups).toEqual([
      { name: "core", budgetUsd: 90, budgetPeriod: "month" },
      { name: "web", budgetUsd: 5, budgetPeriod: "day" },
    ]);
    expect(agents).toMatchObject([{ group: "web" }]);
  });

  it.each([
    ["2026-12-31", "2027-01-01T00:00:00.000Z"],
    ["2026-12-31T18:00:00+08:00", "2026-12-31T10:00:00.000Z"],
  ])("says when a key that expires %s ends", (expires, end) => {
    expect(desiredState({ agents: { a: { expires } } }, MODELS).agents).toMatchObject([{ expires: end }]);
  });
});

describe("agents", () => {
  it("are judged together", () => {
    expect(problems({ agents: { "Code Agent": { qpm: -1 }, "code.agent": {}, "code-agent": { models: ["gpt4o"] } } })).toEqual([
      expect.stringContaining('agents: "Code Agent" is not a name'),
      'agents: "Code Agent" and "code.agent" both become "code-agent"; rename one',
      'agents: "Code Agent" and "code-agent" both become "code-agent"; rename one',
      "agents.Code Agent.qpm: -1 is not a whole number of at least 1",
      'agents.code-agent.models: "gpt4o" is not a model of this gateway; did you mean "gpt-4o"? (known: gpt-4o, qwen-max)',
    ]);
  });

  it.each([
    [{ qpm: 0 }, "agents.a.qpm: 0 is not a whole number of at least 1"],
    [{ tpm: 1.5 }, "agents.a.tpm: 1.5 is not a whole number of at least 1"],
    [{ dailyTokens: 0 }, "agents.a.dailyTokens: 0 is not a whole number of at least 1"],
    [{ dailyBudgetUsd: 0 }, "agents.a.dailyBudgetUsd: 0 is not a number above 0"],
    [{ models: [] }, "agents.a.models: [] allows nothing"],
    [{ expires: "31.12.2026" }, 'agents.a.expires: "31.12.2026" is neither a day such as "2026-12-31" nor an instant'],
    [{ expires: "2026-02-31" }, 'agents.a.expires: "2026-02-31" is neither'],
    [{ expires: "2026-12-31T18:00:00" }, "is neither a day"],
    [{ group: "web" }, 'agents.a.group: "web" is not one of agentGroups (known: none)'],
    [
      { labels: Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`label-${index}`, "x"])) },
      "agents.a.labels: 11 are more than 10",
    ],
    [{ labels: { "1st": "x" } }, 'agents.a.labels: "1st" is not a name of 1 to 63'],
    [{ labels: { team: "a\nb" } }, 'agents.a.labels.team: "a\\nb" is not a text of 1 to 128'],
    [{ enabled: "no" as unknown as boolean }, 'agents.a.enabled: "no" is not true or false'],
  ])("%j is refused", (agent, problem) => {
    expect(one(agent)).toEqual([expect.stringContaining(problem)]);
  });

  it("a name that would lead out of its place in the store is refused", () => {
    expect(problems({ agents: { "../master-key": {} } })).toEqual([expect.stringContaining('agents: "../master-key" is not a name')]);
  });

  it("what is wrong with the defaults is told once", () => {
    expect(one({}, { agentDefaults: { qpm: 0 } })).toEqual(["agentDefaults.qpm: 0 is not a whole number of at least 1"]);
  });

  it("a group has one budget", () => {
    const both = { dailyBudgetUsd: 1, monthlyBudgetUsd: 2 };
    expect(one({ group: "web" }, { agentGroups: { web: both } })).toEqual([
      "agentGroups.web: give one of dailyBudgetUsd and monthlyBudgetUsd",
    ]);
    expect(one({}, { agentGroups: { web: {} } })).toEqual(["agentGroups.web: give one of dailyBudgetUsd and monthlyBudgetUsd"]);
    expect(one({}, { agentGroups: { web: { dailyBudgetUsd: -1 } } })).toEqual([expect.stringContaining("-1 is not a number above 0")]);
  });

  it("limits that can never be met are refused: above those of the providers whose models may be called, and the gateway's", () => {
    expect(one({ qpm: 101, models: ["qwen-max"] })).toEqual([
      "agents.a.qpm: 101 can never be used: providers.dashscope.rpmLimit allows 100",
    ]);
    expect(one({ tpm: 9001, models: ["qwen-max"] })).toEqual([
      "agents.a.tpm: 9001 can never be used: providers.dashscope.tpmLimit allows 9000",
    ]);
    expect(one({ qpm: 101 })).toEqual([]);
    expect(problems({ agents: { a: { qpm: 51 } } }, PROVIDERS, { rpmLimit: 50 })).toEqual([
      "agents.a.qpm: 51 can never be used: rpmLimit allows 50",
    ]);
  });

  it("a budget needs a price for each model that may be called, also by an alias", () => {
    const own = { kind: "openai-compatible", baseUrl: "https://llm.corp.example/v1" } as const;
    const providers: ProvidersProps = { ...PROVIDERS, pai: { ...own, models: ["tuned"] } };
    const expected = [
      'agents.a.dailyBudgetUsd: the model "tuned" of provider pai has no price, so it would never use up a budget; give it a price',
    ];
    expect(problems({ agents: { a: { dailyBudgetUsd: 1 } } }, providers)).toEqual(expected);
    const aliased = { agents: { a: { dailyBudgetUsd: 1, models: ["mine"] } } };
    expect(problems(aliased, providers, { aliases: { mine: "tuned" } })).toEqual(expected);
    const shared = { agents: { a: { group: "lab" } }, agentGroups: { lab: { monthlyBudgetUsd: 1 } } };
    expect(problems(shared, providers)).toEqual([expected[0]!.replace("dailyBudgetUsd", "group")]);
    expect(problems({ agents: { a: { dailyBudgetUsd: 1, models: ["gpt-4o"] } } }, providers)).toEqual([]);
    const price = { inputUsdPerMillionTokens: 1, outputUsdPerMillionTokens: 2 };
    const priced: ProvidersProps = { pai: { ...own, models: [{ name: "tuned", price }] } };
    expect(problems({ agents: { a: { dailyBudgetUsd: 1 } } }, priced)).toEqual([]);
  });
});

describe("usd", () => {
  it("turns another currency into dollars at the rate that is stated", () => {
    expect(usd(800, { perUsd: 7.25 })).toBe(110.3448);
    expect(() => usd(0, { perUsd: 7.25 })).toThrow("usd: amount: 0 is not a number above 0");
    expect(() => usd(1, { perUsd: Number.NaN })).toThrow("usd: perUsd: NaN is not");
  });
});
