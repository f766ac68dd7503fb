// A thousand agents on the world of test/e2e/agents-on-two-nodes.test.ts: the real LiteLLM with two gateway processes, real Terraform.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProcessWatch } from "../support/leaks/process-watch";
import { canariesIn, placesOf } from "../support/leaks/search";
import { provisionMany } from "../support/two-nodes/many-agents";
import { TwoNodes } from "../support/two-nodes/two-nodes";

const COUNT = 1_000;

const work = mkdtempSync(join(tmpdir(), "many-agents-"));
const world = new TwoNodes(work);
const processes = join(work, "processes.txt");
let watch: ProcessWatch | undefined;

beforeAll(async () => {
  watch = await ProcessWatch.start(processes);
  await world.start();
  await world.apply();
}, 900_000);
afterAll(async () => {
  await watchNoMore();
  await world.stop();
  rmSync(work, { recursive: true });
});

async function watchNoMore(): Promise<void> {
  await watch?.stop();
  watch = undefined;
}

it("a thousand agents get their keys, and a second run writes nothing", () => provisionMany(world, COUNT));

it("none of their keys is in state, what was said, the nodes' folders and logs, or a process's arguments", async () => {
  await watchNoMore();
  const folders = [work, world.terraform.folder, world.gateway.folder];
  expect(world.canaries.values.length).toBeGreaterThan(COUNT);
  expect(await canariesIn(folders, world.canaries)).toEqual([]);
  // A key that lies somewhere is found.
  const planted = join(work, "planted.txt");
  writeFileSync(planted, await world.key("agent-0"));
  expect(await canariesIn([planted], world.canaries)).toEqual([`a key that the command made -> ${planted}`]);
  rmSync(planted);
  const places = await placesOf(folders, "agent-999", "secrets-read");
  for (const place of [join(world.said, "command.txt"), join(world.gateway.folder, "gateway.log")]) {
    expect(places).toContainEqual(expect.stringContaining(place));
  }
  expect(await placesOf([processes], "aigw_node serve")).toEqual([processes]);
});
