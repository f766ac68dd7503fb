import { agentStates, agentsProblems } from "../../src/litellm/agents";

const MODELS = ["qwen-max", "gpt-4o"];

describe("agents", () => {
  it("get every model by name when they name none, since a key without models may call any", () => {
    const states = agentStates({ b: { qpm: 1 }, a: { models: ["gpt-4o"] } }, MODELS, (agent) => `agents/${agent}`);
    expect(states).toEqual([
      { name: "a", secretName: "agents/a", models: ["gpt-4o"] },
      { name: "b", secretName: "agents/b", models: MODELS, qpm: 1 },
    ]);
  });

  it("are judged together", () => {
    const problems = agentsProblems({ "Code Agent": { qpm: -1 }, "code.agent": {}, "code-agent": { models: ["gpt4o"] } }, MODELS);
    expect(problems).toEqual([
      'agents: "Code Agent" and "code.agent" both become "code-agent"; rename one',
      'agents: "Code Agent" and "code-agent" both become "code-agent"; rename one',
      expect.stringContaining('agents: "Code Agent" is not a name'),
      "agents.Code Agent.qpm: -1 is not a whole number of at least 1",
      'agents.code-agent.models: "gpt4o" is not a model of this gateway; did you mean "gpt-4o"? (known: gpt-4o, qwen-max)',
    ]);
  });
});
