import { CLOUDS, CloudName, gatewayIn, minimalProps } from "./support/gateways";
import { AiGatewayProps, ReaderRole } from "cdktf-ai-gateway";
import { AwsPlatform } from "cdktf-ai-gateway/aws";
import { resourcesOfType, synthesized } from "cdktf-ai-gateway/testing";

interface Run {
  readonly depends_on: readonly string[];
  readonly triggers: Readonly<Record<string, string>>;
  readonly provisioner: readonly {
    readonly "local-exec": { readonly interpreter: string[]; readonly command: string; readonly environment: Record<string, string> };
  }[];
}

const NAMES = Object.keys(CLOUDS) as CloudName[];
const RUNNER: Partial<AiGatewayProps> = {
  agents: { "research-agent": { qpm: 120, group: "lab" }, "code-agent": { qpm: 60 } },
  agentGroups: { lab: { monthlyBudgetUsd: 500 } },
  adminFrom: ["10.0.9.0/24"],
  provisioning: "runner",
};

/** What is run of `keys`, by its words. */
function keyRuns(cloud: CloudName, props: Partial<AiGatewayProps>): Map<string, Run> {
  const json = synthesized(gatewayIn(cloud, { ...RUNNER, ...props }).stack);
  const runs = resourcesOfType(json, "null_resource") as unknown as Run[];
  const words = ({ provisioner: [first] }: Run) =>
    [...first!["local-exec"].interpreter.slice(2), first!["local-exec"].command].join(" ").replace(/ --encryption-key \S+/, "");
  return new Map(runs.map((run) => [words(run), run] as const).filter(([text]) => text.startsWith("keys")));
}

describe.each(NAMES)("the keys of agents on %s", (cloud) => {
  it("are made one by one, groups before their agents, and then looked at all together", () => {
    const runs = keyRuns(cloud, {});
    expect([...runs.keys()].sort()).toEqual([
      "keys apply",
      "keys apply --agent code-agent",
      "keys apply --agent research-agent",
      "keys apply --group lab",
    ]);
    const others = [...runs.keys()].filter((words) => words !== "keys apply").length;
    expect(runs.get("keys apply")!.depends_on.filter((address) => /Agents_(Group|Key)-/.test(address))).toHaveLength(others);
    const group = (words: string) => runs.get(words)!.depends_on.filter((address) => address.includes("Agents_Group"));
    expect(group("keys apply --agent research-agent")).toEqual(
      ["null_resource.gateway_Agents_Group-lab"].map((name) => expect.stringContaining(name) as string),
    );
    expect(group("keys apply --agent code-agent")).toEqual([]);
    const { environment } = runs.get("keys apply --agent code-agent")!.provisioner[0]!["local-exec"];
    expect(environment).toEqual({
      AIGW_SECRETS: expect.stringMatching(/^\$\{local\./) as string,
      AIGW_DESIRED_STATE: expect.stringMatching(/agents\.json$/) as string,
      AIGW_ENDPOINT: expect.stringMatching(/^http:\/\/\$\{/) as string,
    });
  });

  it.each([
    ["a limit", { agents: { ...RUNNER.agents, "code-agent": { qpm: 61 } } }, ["keys apply", "keys apply --agent code-agent"]],
    ["a group's budget", { agentGroups: { lab: { monthlyBudgetUsd: 501 } } }, ["keys apply", "keys apply --group lab"]],
    ["an agent that is gone", { agents: { "research-agent": RUNNER.agents!["research-agent"]! } }, ["keys apply"]],
  ])("a change of %s sets off what it must", (_, props, expected) => {
    const [before, after] = [keyRuns(cloud, {}), keyRuns(cloud, props)];
    const changed = [...after].filter(([words, run]) => JSON.stringify(before.get(words)?.triggers) !== JSON.stringify(run.triggers));
    expect(changed.map(([words]) => words)).toEqual(expected);
  });

  it.each([
    ["the runner, where there is an admin listener", { agents: RUNNER.agents, adminFrom: RUNNER.adminFrom }, true, false],
    ["the nodes, where there is none", { agents: RUNNER.agents }, false, true],
    ["the nodes, also where the last agent goes", { agents: {} }, false, true],
    ["nobody, where nobody asks for agents", { adminFrom: RUNNER.adminFrom }, false, false],
    ["who is named", { agents: RUNNER.agents, adminFrom: RUNNER.adminFrom, provisioning: "gateway" }, false, true],
  ] as const)("are made by %s", (_, props, byRunner, byNodes) => {
    const json = synthesized(gatewayIn(cloud, { agentGroups: RUNNER.agentGroups, ...props }).stack);
    expect(JSON.stringify(json.resource.null_resource ?? {}).includes('"keys"')).toBe(byRunner);
    expect(JSON.stringify(json.locals).includes('\\"provisioning\\"')).toBe(byNodes);
  });

  it("may be read by the role that is named, one agent's by one role, and by no other", () => {
    const { stack, gateway } = gatewayIn(cloud, RUNNER);
    const { platform } = minimalProps(cloud);
    gateway.agents.grantKeyRead("research-agent", ReaderRole.fromRoleName(stack, "box", { platform, roleName: "research-box" }));
    const type = cloud === "aws" ? "aws_iam_role_policy" : "alicloud_ram_policy";
    const texts = resourcesOfType(synthesized(stack), type).map((resource) => String(resource.policy ?? resource.policy_document));
    const reading = texts.filter((text) => text.includes("/agents/research-agent"));
    expect(reading).toHaveLength(1);
    expect(reading[0]).not.toContain("code-agent");
    expect(reading[0]).not.toContain("master-key");
    expect(() => gateway.agents.grantKeyRead("reserch-agent", gateway.role)).toThrow('did you mean "research-agent"');
    expect(() => gateway.agents.grantKeyRead("toString", gateway.role)).toThrow('grantKeyRead: "toString" is not an agent');
  });

  it("a name of a role that the cloud does not take is refused", () => {
    const { stack } = gatewayIn(cloud);
    expect(() => ReaderRole.fromRoleName(stack, "box", { ...minimalProps(cloud), roleName: "a role" })).toThrow(
      'roleName: "a role" is not',
    );
  });
});

describe("the secrets of agents on AWS", () => {
  it("are declared empty, one for each agent, with the gateway's key", () => {
    const secrets = resourcesOfType(synthesized(gatewayIn("aws", RUNNER).stack), "aws_secretsmanager_secret");
    const agents = secrets.filter(({ name }) => String(name).includes("/agents/"));
    expect(agents.map(({ name }) => name)).toEqual(["gateway/agents/code-agent", "gateway/agents/research-agent"]);
    expect(agents.map(({ kms_key_id: key }) => key)).toEqual(secrets.slice(0, 2).map(({ kms_key_id: key }) => key));
  });

  it("are waited for by their own agent's key only, so that 1,000 agents name no million dependencies", () => {
    const waited = keyRuns("aws", {})
      .get("keys apply --agent code-agent")!
      .depends_on.filter((address) => address.includes("Agents_Secrets"));
    expect(waited).toEqual([expect.stringContaining("code-agent") as string]);
  });

  it("are open to administrators and to the agent's own reader, where administrators are named", () => {
    const administrators = ["arn:aws:iam::123456789012:role/apply"];
    const platform = new AwsPlatform({ region: "eu-central-1", secrets: { administrators, writeOnly: { openai: 1 } } });
    const { stack, gateway } = gatewayIn("aws", { ...RUNNER, platform });
    gateway.agents.grantKeyRead("research-agent", ReaderRole.fromRoleName(stack, "box", { platform, roleName: "research-box" }));
    const policies = resourcesOfType(synthesized(stack), "aws_secretsmanager_secret_policy").filter(({ secret_arn: arn }) =>
      String(arn).includes("Agents_Secrets"),
    );
    const open = policies.map(({ policy }) => /"aws:PrincipalArn":(\[[^\]]*\])/.exec(String(policy))![1]);
    expect(open).toEqual([
      '["arn:aws:iam::123456789012:role/apply"]',
      expect.stringMatching(/^\["arn:aws:iam::123456789012:role\/apply","arn:.*:role\/research-box"\]$/),
    ]);
  });
});
