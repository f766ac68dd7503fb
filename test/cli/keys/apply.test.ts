import { keyHash } from "../../../src/cli/keys/admin-api";
import { apply } from "../../../src/cli/keys/apply";
import { diff } from "../../../src/cli/keys/diff";
import { keySpec } from "../../../src/cli/keys/key-spec";
import { revoke } from "../../../src/cli/keys/revoke";
import { mint } from "../../../src/cli/secrets/secret-value";
import { StoreError } from "../../../src/cli/secrets/store-error";
import { AGENT_ROUTES, keyRoutes } from "../../../src/litellm/routes";
import { agent, Gateway, group, refusal } from "./support";

const HOUR_MS = 3_600_000;
const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString();

let gateway: Gateway;
beforeEach(async () => (gateway = await new Gateway().start()));
afterEach(async () => {
  await gateway.litellm.stop();
  gateway.expectNothingTold();
});

const applied = async (options: { agent?: string; group?: string } = {}, json = false): Promise<void> =>
  apply(await gateway.context(json), options);

describe("apply", () => {
  it("mints keys with their models, routes and limits, and writes nothing the second time", async () => {
    const limits = { qpm: 5, tpm: 6, dailyTokens: 7, dailyBudgetUsd: 1.5, labels: { team: "ai" } };
    gateway.want([agent("x", { ...limits, group: "g", expires: inHours(48) }), agent("y", { enabled: false })], [group("g")]);
    await applied();
    expect(gateway.litellm.writes.sort()).toEqual(["POST /key/generate", "POST /key/generate", "POST /team/new"]);
    const held = gateway.held("x")!;
    expect(held).toMatchObject({
      models: ["a", "b"],
      allowed_routes: keyRoutes(AGENT_ROUTES),
      rpm_limit: null,
      max_budget: null,
      team_id: "aigw-g",
      blocked: false,
      metadata: {
        aigw_agent: "x",
        aigw_qpm: 5,
        aigw_tpm: 6,
        aigw_daily_tokens: 7,
        aigw_daily_budget_usd: 1.5,
        aigw_group: "g",
        aigw_labels: { team: "ai" },
      },
    });
    expect(Math.abs(Date.parse(held.expires!) - Date.now() - 48 * HOUR_MS)).toBeLessThan(30_000);
    expect(gateway.litellm.letIn(gateway.key("y"))).toBe(401);
    expect(gateway.litellm.teams.get("aigw-g")).toMatchObject({ max_budget: 5, budget_duration: "1mo" });
    expect(gateway.said).toEqual([
      "group g: made",
      expect.stringMatching(/^x: made \(key [0-9a-f]{8}\)$/),
      expect.stringMatching(/^y: made/),
      "2 agents: 2 made; 1 group: 1 made",
    ]);
    gateway.forget();
    await applied();
    expect([gateway.litellm.writes, gateway.store.writes]).toEqual([[], 0]);
    expect(gateway.litellm.asked).toEqual(["GET /key/list", "GET /key/list", "GET /team/list"]);
    expect(gateway.said.at(-1)).toBe("2 agents: 2 unchanged; 1 group: 1 unchanged");
  });

  it("asks once for one agent that is as it should be, and writes once for one that is not", async () => {
    gateway.want([agent("x"), agent("y")]);
    await applied({ agent: "x" });
    expect([...gateway.store.texts.keys()].filter((name) => name.includes("agents"))).toEqual(["gw/agents/x"]);
    gateway.forget();
    await applied({ agent: "x" });
    expect(gateway.litellm.asked).toEqual(["GET /key/list", "GET /key/info"]);
    gateway.want([agent("x", { qpm: 9 })]);
    gateway.forget();
    await applied({ agent: "x" });
    expect([gateway.litellm.writes, gateway.store.writes]).toEqual([["POST /key/update"], 0]);
    expect(gateway.said[0]).toMatch(/^x: changed \(key [0-9a-f]{8}\): qpm none -> 9$/);
  });

  it.each([
    ["a limit that has come", { qpm: 6 }],
    ["one that has gone", { dailyTokens: undefined }],
    ["other models", { models: ["a"] }],
    ["no group any more", { group: undefined }],
    ["an end", { expires: inHours(9) }],
    ["an end that has come", { expires: inHours(-1) }],
    ["being switched off", { enabled: false }],
    ["other labels", { labels: { team: "b" } }],
  ])("changes a key in place for %s", async (_, change) => {
    const before = agent("x", { dailyTokens: 9, group: "g", labels: { team: "a" } });
    gateway.want([before], [group("g")]);
    await applied();
    const [key, after] = [gateway.key("x"), { ...before, ...change }];
    for (const [agents, action] of [
      [after, "changed"],
      [after, "unchanged"],
      [before, "changed"],
    ] as const) {
      gateway.want([agents], [group("g")]);
      gateway.forget();
      await applied({ agent: "x" });
      expect(gateway.said[0]).toMatch(new RegExp(`^x: ${action}`));
      expect(gateway.litellm.writes).toEqual(action === "changed" ? ["POST /key/update"] : []);
      expect(gateway.held("x")).toMatchObject({ ...keySpec(agents, keyHash(key), AGENT_ROUTES), metadata: expect.anything() as object });
    }
    expect([gateway.key("x"), gateway.held("x")!.expires]).toEqual([key, null]);
    expect(gateway.litellm.letIn(key)).toBe(200);
  });

  it.each([240_000, -240_000, 7 * HOUR_MS])("writes nothing again for an end when the gateway's clock is %i ms ahead", async (ahead) => {
    gateway.litellm.aheadMs = ahead;
    gateway.want([agent("x", { expires: inHours(48) })]);
    await applied();
    gateway.forget();
    await applied();
    await applied({ agent: "x" });
    expect(gateway.litellm.writes).toEqual([]);
    expect(Math.abs(Date.parse(gateway.held("x")!.expires!) - Date.parse(gateway.state.agents[0]!.expires!))).toBeLessThan(60_000);
  });

  it("makes no key for an agent that has come to its end", async () => {
    gateway.want([agent("x", { expires: inHours(-1) })]);
    await applied();
    expect([gateway.litellm.writes, gateway.store.writes, gateway.said[0]]).toEqual([[], 0, "x: ended"]);
  });

  it("heals towards the store: the value there is made known, and any other key of the agent gets an end, once", async () => {
    gateway.want([agent("x")]);
    await applied();
    const old = gateway.key("x");
    gateway.store.texts.get("gw/agents/x")!.push(mint());
    await applied();
    expect(gateway.litellm.letIn(gateway.key("x"))).toBe(200);
    const ends = Date.parse(gateway.litellm.held(old)!.expires!) - Date.now();
    expect(Math.abs(ends - 24 * HOUR_MS)).toBeLessThan(30_000);
    gateway.forget();
    await applied();
    expect(gateway.litellm.writes).toEqual([]);
    // One that was given a longer end keeps it, and gets the agent's new limits.
    gateway.litellm.keys.set(keyHash(old), { ...gateway.litellm.held(old)!, expires: inHours(72) });
    gateway.want([agent("x", { qpm: 3 })]);
    await applied({ agent: "x" });
    expect(gateway.litellm.held(old)).toMatchObject({ metadata: { aigw_qpm: 3, aigw_outgoing: true } });
    expect(Date.parse(gateway.litellm.held(old)!.expires!)).toBeGreaterThan(Date.now() + 70 * HOUR_MS);
    // Back to the old one: it lives on, and the other one ends.
    const newer = gateway.key("x");
    gateway.store.texts.get("gw/agents/x")!.push(old);
    await applied();
    expect(gateway.held("x")).toMatchObject({ expires: null, metadata: { aigw_qpm: 3 } });
    expect(gateway.held("x")!.metadata).not.toHaveProperty("aigw_outgoing");
    expect(gateway.litellm.held(newer)!.expires).not.toBeNull();
  });

  it.each([
    ["another agent", "y"],
    ["somebody that we have made none for", undefined],
  ])("does not say that it has made what is the key of %s, and leaves both as they are", async (owner, name) => {
    gateway.want([agent("x"), agent("y")]);
    await applied();
    const [own, other] = [gateway.key("x"), name === undefined ? mint() : gateway.key(name)];
    if (name === undefined) gateway.litellm.keys.set(keyHash(other), { ...gateway.litellm.held(own)!, key_alias: "by-hand", metadata: {} });
    gateway.store.texts.get("gw/agents/x")!.push(other);
    const before = [gateway.litellm.held(own), gateway.litellm.held(other)];
    gateway.forget();
    for (const options of [{}, { agent: "x" }]) await expect(applied(options)).rejects.toThrow(/failed: x$/);
    const problem = `what its secret holds is key ${keyHash(other).slice(0, 8)} of ${name ?? owner}; \`keys revoke x\` and \`keys apply\` give it one of its own`;
    expect(gateway.said.filter((line) => line.startsWith("x: "))).toEqual([`x: failed: ${problem}`, `x: failed: ${problem}`]);
    expect([gateway.litellm.writes, gateway.litellm.held(own), gateway.litellm.held(other)]).toEqual([[], ...before]);
    await expect(diff(await gateway.context())).rejects.toThrow("1 differences");
    expect(gateway.said).toContain(`x: would fail: ${problem}`);
    await revoke(await gateway.context(), "x", false);
    await applied();
    expect([gateway.key("x") === other, gateway.litellm.letIn(gateway.key("x")), gateway.litellm.letIn(other)]).toEqual([false, 200, 200]);
  });

  it("takes the key that another one puts into the store meanwhile for the agent's", async () => {
    gateway.want([agent("x")]);
    await applied();
    const before = gateway.key("x");
    let after: string | undefined;
    let lists = 0;
    gateway.litellm.before = (_, action) => {
      lists += action === "GET /key/list" ? 1 : 0;
      // By the first it is seen whether the gateway is ready; with the second the store has been asked.
      if (after !== undefined || lists < 2) return undefined;
      after = gateway.give("x", { ...keySpec(agent("x"), keyHash(before), AGENT_ROUTES) });
      gateway.store.texts.get("gw/agents/x")!.push(after);
      return undefined;
    };
    await applied();
    expect([gateway.key("x"), gateway.litellm.held(after!)?.expires ?? null]).toEqual([after, null]);
    expect(gateway.litellm.held(before)).toMatchObject({ expires: expect.any(String) as string });
  });

  it("removes keys that have ended, shuts all of an agent that is switched off, and never opens a shut one for being older", async () => {
    gateway.want([agent("x")]);
    await applied();
    const [ended, other, shut] = [gateway.give("x", { expires: inHours(-1) }), gateway.give("x"), gateway.give("x", { blocked: true })];
    gateway.want([agent("x", { enabled: false })]);
    await applied({ agent: "x" });
    expect(gateway.litellm.held(ended)).toBeUndefined();
    expect(gateway.litellm.live("x")).toEqual([]);
    gateway.want([agent("x")]);
    await applied();
    expect([gateway.key("x"), shut].map((key) => gateway.litellm.letIn(key))).toEqual([200, 401]);
    expect(gateway.litellm.letIn(other)).toBe(401);
  });

  it("revokes who is named no more, removes groups that are empty, and touches nobody else's", async () => {
    gateway.want([agent("x", { group: "g" }), agent("y", { group: "h" })], [group("g"), group("h")]);
    await applied();
    const [gone, own] = [gateway.key("y"), gateway.give("ours")];
    gateway.litellm.keys.set(keyHash(own), { ...gateway.litellm.held(own)!, metadata: { purpose: "somebody's" }, team_id: "aigw-h" });
    gateway.litellm.teams.set("theirs", { team_id: "theirs", metadata: {} });
    gateway.want([agent("x")], []);
    gateway.said = [];
    await applied();
    expect(gateway.litellm.letIn(gone)).toBe(401);
    expect(gateway.litellm.letIn(own)).toBe(200);
    expect([...gateway.litellm.teams.keys()].sort()).toEqual(["aigw-h", "theirs"]);
    expect(gateway.key("y")).toMatch(/^revoked 20/);
    expect(gateway.said.join("\n")).toMatch(
      /x: changed .*\ny: revoked: key [0-9a-f]{8} deleted; gw\/agents\/y says that it was revoked.*\ngroup g: removed\ngroup h: kept: 1 keys are still in it/,
    );
    // Named again, it gets another key.
    gateway.want([agent("x"), agent("y")]);
    await applied();
    expect(gateway.litellm.letIn(gateway.key("y"))).toBe(200);
    expect(gateway.key("y")).not.toBe(gone);
  });

  it("makes one group, and the group of an agent that is not there yet: LiteLLM would make a key that can not be used", async () => {
    gateway.want([agent("x", { group: "g" })], [group("g", 5, "day")]);
    await applied({ agent: "x" });
    expect(gateway.litellm.letIn(gateway.key("x"))).toBe(200);
    gateway.want([agent("x", { group: "g" })], [group("g", 7, "month")]);
    gateway.forget();
    await applied({ group: "g" });
    expect(gateway.litellm.writes).toEqual(["POST /team/update"]);
    expect(gateway.said[0]).toBe("group g: changed: budget 5 -> 7, budget period 1d -> 1mo");
    await applied({ group: "g" });
    expect(gateway.litellm.writes).toHaveLength(1);
  });

  it("works on eight at a time, over all pages of the list, for 1,000 agents in less than 200 MB", async () => {
    gateway.want(Array.from({ length: 1000 }, (_, index) => agent(`agent-${index}`, { qpm: index + 1, labels: { team: `t${index}` } })));
    gateway.litellm.slowMs = 10;
    await applied();
    expect([gateway.litellm.keys.size, gateway.litellm.most]).toEqual([1000, 8]);
    expect(gateway.litellm.writes).toHaveLength(1000);
    gateway.forget();
    const before = process.memoryUsage().rss;
    await applied();
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
    // Readiness, ten pages, the teams.
    expect([gateway.litellm.asked.length, gateway.litellm.writes]).toEqual([12, []]);
  });

  it("goes on with the others when one may not be read, names it, and ends with 1", async () => {
    gateway.want([agent("x"), agent("y"), agent("z")]);
    gateway.store.denied.add("gw/agents/y");
    expect(await refusal(applied())).toMatchObject({ exitCode: 1, message: "1 of 3 failed: y" });
    expect(gateway.said).toContain("y: failed: gw/agents/y: the store answered AccessDeniedException");
    expect(gateway.said.at(-1)).toBe("3 agents: 1 failed, 2 made");
    expect(gateway.litellm.keys.size).toBe(2);
  });

  it("makes no key of a group that could not be made", async () => {
    gateway.want([agent("x", { group: "g" }), agent("y")], [group("g")]);
    gateway.litellm.before = (_, action) => (action === "POST /team/new" ? { status: 422, body: "{}" } : undefined);
    expect((await refusal(applied())).message).toBe("2 of 3 failed: group g, x");
    expect(gateway.said).toContain("x: failed: its group g could not be made: POST /team/new: 422");
    expect([...gateway.litellm.keys.values()].map(({ metadata }) => metadata.aigw_agent)).toEqual(["y"]);
  });

  it("tells all of it to machines", async () => {
    gateway.want([agent("x")]);
    await applied({}, true);
    expect(gateway.said).toHaveLength(1);
    const key = keyHash(gateway.key("x")).slice(0, 8);
    expect(JSON.parse(gateway.said[0]!)).toEqual({
      gateway: "gw",
      agents: [{ agent: "x", action: "made", key }],
      groups: [],
      warnings: [],
    });
  });

  it("warns of a budget that no price makes bite, once the listener tells prices", async () => {
    gateway.want([agent("x", { dailyBudgetUsd: 2 })]);
    gateway.litellm.closed.add("GET /model/info");
    await applied();
    expect(gateway.warned).toEqual([]);
    gateway.litellm.closed.clear();
    gateway.litellm.models = [
      { model_name: "a", model_info: { input_cost_per_token: 1e-6 } },
      { model_name: "b", model_info: { input_cost_per_token: 0 } },
    ];
    gateway.want([agent("x", { dailyBudgetUsd: 3 })]);
    await applied();
    expect(gateway.warned).toEqual([
      "warning: x: its dailyBudgetUsd holds for all models but b, of which the gateway knows no price; set the model's prop price",
    ]);
    gateway.want([agent("x", { group: "lab" })], [{ name: "lab", budgetUsd: 5, budgetPeriod: "month" }]);
    await applied();
    expect(gateway.warned[1]).toMatch(/^warning: x: its group's budget holds for all models but b, /);
  });
});

describe("what goes wrong", () => {
  beforeEach(() => gateway.want([agent("x")]));

  it("says at once which values are missing, before it waits", async () => {
    gateway.store.texts.delete("gw/master-key");
    gateway.store.texts.delete("gw/openai");
    gateway.waiting = { timeout: 600 };
    const error = await refusal(applied());
    expect(error.exitCode).toBe(3);
    expect(error.message).toBe(
      "2 of 5 secrets have no value, and nodes wait for them: gw/master-key, gw/openai; set them, then run this again:\n  secrets ensure\n  secrets put gw/openai < FILE",
    );
    expect(gateway.litellm.asked).toEqual([]);
    gateway.store.texts.set("gw/master-key", [gateway.litellm.masterKey]);
    gateway.litellm.before = () => ({ status: 503, body: "{}" });
    expect(await refusal(applied())).toMatchObject({ exitCode: 3, message: expect.stringContaining("gw/openai") as string });
    // A gateway that is ready needs them no more.
    gateway.litellm.before = () => undefined;
    await applied();
  });

  it("waits for a gateway that is not ready, and tells what it waits for", async () => {
    gateway.litellm.before = (call) => (call < 3 ? { status: 503, body: "{}" } : undefined);
    await applied();
    expect(gateway.warned).toEqual([expect.stringMatching(/^waiting for http:.*GET \/key\/list: 503, no node is ready yet/)]);
    gateway.litellm.before = () => ({ status: 0 });
    expect((await refusal(applied())).message).toMatch(/was not ready within 1 s: GET \/key\/list: no answer \(/);
  });

  it.each([
    [{ status: 401, body: "{}" }, "GET /key/list: 401: the gateway's nodes have another master key than the store"],
    [{ status: 200, body: "<html>" }, "the answer is not LiteLLM's; is the endpoint right?"],
    [{ status: 404, body: "{}" }, "GET /key/list: 404, is that the admin endpoint?"],
  ])("tells what an answer of %j means", async (answer, message) => {
    gateway.litellm.before = () => answer;
    expect((await refusal(applied())).message).toContain(message);
  });

  it("tries again where a failure may pass, also where the answer got lost", async () => {
    let lost = 0;
    gateway.litellm.before = (call, action) => (action === "GET /key/list" && call === 1 ? { status: 500, body: "{}" } : undefined);
    gateway.litellm.after = (_, action) => action === "POST /key/generate" && ++lost === 1;
    await applied();
    expect(gateway.said[0]).toMatch(/^x: made/);
    expect(gateway.litellm.keys.size).toBe(1);
    expect(gateway.litellm.letIn(gateway.key("x"))).toBe(200);
  });

  it("tells a lasting failure by its kind", async () => {
    gateway.litellm.before = (_, action) =>
      action === "POST /key/generate" ? { status: 422, body: JSON.stringify({ error: { type: "bad_thing" } }) } : undefined;
    await refusal(applied());
    expect(gateway.said[0]).toBe("x: failed: POST /key/generate: 422 (bad_thing)");
  });

  it("does not take a key for its own that another one holds by its alias", async () => {
    gateway.store.texts.set("gw/agents/x", [mint()]);
    const alias = `x-${keyHash(gateway.key("x")).slice(0, 8)}`;
    gateway.give("other", { key_alias: alias, metadata: {} });
    await refusal(applied({ agent: "x" }));
    expect(gateway.said[0]).toBe("x: failed: POST /key/generate: 400 (bad_request_error)");
  });

  it("refuses what is no key in the store, and names its secret", async () => {
    gateway.store.texts.set("gw/agents/x", ["hush"]);
    await refusal(applied());
    expect(gateway.said[0]).toContain("gw/agents/x: its value is no key");
  });

  it("says that the store throttles", async () => {
    gateway.store.putFirst = ({ name }) => Promise.reject(new StoreError(name, "the store", "Throttling", "run it again later"));
    await refusal(applied());
    expect(gateway.said[0]).toBe("x: failed: gw/agents/x: the store answered Throttling: run it again later");
  });

  it("names the agent that was most likely meant, and repeats no word that is far from all", async () => {
    expect(await refusal(applied({ agent: "xx" }))).toMatchObject({ exitCode: 2, message: expect.stringContaining('"x"') as string });
    expect((await refusal(applied({ agent: "something-else/entirely" }))).message).toBe("what was given is not an agent of gw (known: x)");
    expect((await refusal(applied({ group: "something-else" }))).message).toBe(
      "what was given is not a group of agents of gw (known: none)",
    );
    expect(await refusal(applied({ agent: "x", group: "g" }))).toMatchObject({ exitCode: 2 });
  });
});
