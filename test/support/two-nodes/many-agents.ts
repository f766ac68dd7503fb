import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DesiredState } from "../../../src/litellm/agents";
import { ask } from "./agent-client";
import type { TwoNodes } from "./two-nodes";

const ASKED = 5;

/** Makes the keys of so many agents beside those that the stack names: once each, and both nodes let them in. */
export async function provisionMany(world: TwoNodes, count: number): Promise<void> {
  const many = Array.from({ length: count }, (_, index) => ({
    name: `agent-${index}`,
    secretName: `agents/agent-${index}`,
    models: ["qwen-plus"],
    enabled: true,
    qpm: 10,
  }));
  const desired: DesiredState = { ...world.desired, agents: [...world.desired.agents, ...many] };
  const file = join(world.output, "many-agents.json");
  writeFileSync(file, JSON.stringify(desired));
  const apply = async (): Promise<string> => {
    world.forget();
    const { code, stdout, stderr } = await world.keys(["apply"], { AIGW_DESIRED_STATE: file });
    expect([code, stderr]).toEqual([0, ""]);
    return stdout.trimEnd().split("\n").at(-1)!;
  };
  // Of those that the stack names some may have an older key, which has ended meanwhile.
  expect(await apply()).toMatch(new RegExp(`\\b${count} made\\b`));
  expect(await apply()).toBe(`${desired.agents.length} agents: ${desired.agents.length} unchanged`);
  expect(world.writes).toEqual([]);
  for (let asked = 0; asked < ASKED; asked += 1) {
    const key = await world.key(`agent-${Math.floor(Math.random() * count)}`);
    const statuses = await Promise.all(world.gateway.nodes.map(async ({ endpoint }) => (await ask(endpoint, key)).status));
    expect(statuses).toEqual([200, 200]);
  }
}
