import { keyHash } from "../../../src/cli/keys/admin-api";
import { apply } from "../../../src/cli/keys/apply";
import { diff } from "../../../src/cli/keys/diff";
import { list } from "../../../src/cli/keys/list";
import { revoke } from "../../../src/cli/keys/revoke";
import { usage } from "../../../src/cli/keys/usage";
import { mint } from "../../../src/cli/secrets/secret-value";
import { StoreError } from "../../../src/cli/secrets/store-error";
import { agent, Gateway, group, refusal } from "./support";

const HOUR_MS = 3_600_000;

let gateway: Gateway;
beforeEach(async () => {
  gateway = await new Gateway().start();
  gateway.want([agent("x", { qpm: 3, dailyTokens: 100, group: "g" }), agent("y")], [group("g")]);
  await apply(await gateway.context());
  gateway.forget();
});
afterEach(async () => {
  await gateway.litellm.stop();
  gateway.expectNothingTold();
});

const told = (): string => gateway.said.join("\n");

describe("diff", () => {
  it("ends well where there is none, and with 2 where there is one; it writes nothing", async () => {
    await diff(await gateway.context());
    expect(told()).toBe("gw: the keys of 2 agents are as they should be");
    gateway.forget();
    gateway.give("x");
    gateway.give("gone");
    gateway.give("x", { expires: new Date(Date.now() - HOUR_MS).toISOString() });
    gateway.store.texts.get("gw/agents/y")!.push(mint());
    gateway.want(
      [agent("x", { qpm: 4, models: ["a"] }), agent("y"), agent("z"), agent("over", { expires: "2026-01-01T00:00:00.000Z" })],
      [group("h")],
    );
    expect(await refusal(diff(await gateway.context()))).toMatchObject({
      exitCode: 2,
      message: "gw: 9 differences; `keys apply` settles them",
    });
    expect([...gateway.said].sort()).toEqual(
      [
        /gone: would be revoked, with 1 keys/,
        /group g: would be removed, once it is empty/,
        /group h: would be made/,
        /x: would be changed: models \[a, b\] -> \[a\], team aigw-g -> none, qpm 3 -> 4, dailyTokens 100 -> none, group g -> none/,
        /x: would get an end for, or a change of, its other key [0-9a-f]{8}: .*/,
        /x: would lose its other key [0-9a-f]{8}, which has ended/,
        /y: would get an end for, or a change of, its other key [0-9a-f]{8}: outgoing none -> true, expires none -> .*/,
        /y: would have the store's key [0-9a-f]{8} made known to the gateway/,
        /z: would get a key; the store has none/,
      ].map((line) => expect.stringMatching(new RegExp(`^${line.source}$`)) as string),
    );
    expect([gateway.litellm.writes, gateway.store.writes]).toEqual([[], 0]);
    gateway.forget();
    await refusal(diff(await gateway.context(true)));
    expect((JSON.parse(told()) as { pending: object[] }).pending).toHaveLength(9);
    await apply(await gateway.context());
    gateway.forget();
    await diff(await gateway.context());
  });
});

describe("list", () => {
  it("tells keys by the first digits of their hash, and who has none", async () => {
    const ended = gateway.give("x", { expires: new Date(Date.now() - HOUR_MS).toISOString() });
    gateway.give("gone");
    gateway.litellm.keys.set("of somebody else", { ...gateway.held("x")!, metadata: {} });
    gateway.want([agent("x", { enabled: false }), agent("z", { tpm: 7 })]);
    await list(await gateway.context());
    const [x, y, over] = [gateway.key("x"), gateway.key("y"), ended].map((key) => keyHash(key).slice(0, 8));
    expect(gateway.said[0]).toMatch(/^AGENT +KEY +STATE +QPM +TPM +TOKENS\/DAY +USD\/DAY +GROUP +EXPIRES +MODELS$/);
    expect(told()).toMatch(/^gone +[0-9a-f]{8} +not declared /m);
    expect(told()).toMatch(new RegExp(`^x +${x} +live +3 +- +100 +- +g +- +a,b$`, "m"));
    expect(told()).toMatch(new RegExp(`^x +${over} +ended `, "m"));
    expect(told()).toMatch(new RegExp(`^y +${y} +not declared `, "m"));
    expect(told()).toMatch(/^z +- +absent +- +7 /m);
    expect(gateway.said).toHaveLength(6);
    gateway.forget();
    await list(await gateway.context(true));
    expect((JSON.parse(told()) as { keys: object[] }).keys).toHaveLength(5);
    expect(gateway.litellm.writes).toEqual([]);
  });
});

describe("revoke", () => {
  it("shuts, retires, deletes; the second time it does nothing; the next apply makes another key", async () => {
    const keys = [gateway.key("x"), gateway.give("x")];
    const order: string[] = [];
    gateway.litellm.after = (_, action) => {
      if (action.startsWith("POST")) order.push(action);
      return false;
    };
    const put = gateway.store.put.bind(gateway.store);
    gateway.store.put = (secret, text) => {
      order.push("the store");
      return put(secret, text);
    };
    await revoke(await gateway.context(), "x", false);
    expect(order).toEqual(["POST /key/block", "POST /key/block", "the store", "POST /key/delete", "POST /key/delete"]);
    expect(keys.map((key) => gateway.litellm.letIn(key))).toEqual([401, 401]);
    expect(gateway.key("x")).toMatch(/^revoked 20/);
    expect((await gateway.store.versions({ name: "gw/agents/x" }))!.map(({ stage }) => stage)).toEqual([undefined, "current"]);
    expect(told()).toContain("x: revoked: 2 keys deleted; gw/agents/x says that it was revoked");
    expect(gateway.warned[0]).toContain("x is still declared");
    gateway.forget();
    await revoke(await gateway.context(), "x", false);
    expect([gateway.litellm.writes, gateway.store.writes, gateway.said[0]]).toEqual([[], 0, "x: unchanged: it had no key"]);
    await apply(await gateway.context(), { agent: "x" });
    expect(gateway.litellm.letIn(gateway.key("x"))).toBe(200);
    expect(keys).not.toContain(gateway.key("x"));
  });

  it("takes away all that are named no more, whose secrets may be gone with them", async () => {
    gateway.want([agent("y")]);
    gateway.give("a");
    gateway.store.denied.add("gw/agents/a");
    const gone = gateway.key("x");
    gateway.store.dropPrevious = ({ name }) =>
      Promise.reject(new StoreError(name, "the store", "DeletedDate", "it is scheduled for deletion"));
    expect(await refusal(revoke(await gateway.context(), undefined, true))).toMatchObject({ exitCode: 1 });
    expect([gateway.litellm.letIn(gone), gateway.litellm.live("a"), gateway.litellm.letIn(gateway.key("y"))]).toEqual([401, [], 200]);
    expect(told()).toMatch(
      /a: failed: key [0-9a-f]{8} deleted at the gateway, but gw\/agents\/a still holds a value, which opens nothing: .*AccessDenied/,
    );
    expect(told()).toMatch(/x: revoked: key [0-9a-f]{8} deleted; there is no value in gw\/agents\/x/);
    expect(told()).toContain("group g: removed");
    gateway.forget();
    await revoke(await gateway.context(), undefined, true);
    expect(gateway.litellm.writes).toEqual([]);
  });

  it("refuses who is known nowhere, what is no name, and none or both", async () => {
    for (const [name, absent] of [
      ["xx", false],
      ["somebody-else", false],
      ["../x", false],
      [undefined, false],
      ["x", true],
    ] as const) {
      expect(await refusal(revoke(await gateway.context(), name, absent))).toMatchObject({ exitCode: 2 });
    }
    expect(gateway.litellm.writes).toEqual([]);
  });
});

describe("usage", () => {
  const day = (back: number): string => new Date(Date.now() - back * 24 * HOUR_MS).toISOString().slice(0, 10);
  const route = "GET /user/daily/activity/aggregated/keys";

  it("sums what an agent used today with all keys that it has and had, against its caps, and tells groups' budgets", async () => {
    const deleted = keyHash(mint());
    gateway.litellm.activity = [
      { day: day(0), hash: keyHash(gateway.key("x")), tokens: 40, spend: 0.5, requests: 2 },
      { day: day(0), hash: deleted, alias: `x-${deleted.slice(0, 8)}`, tokens: 2, spend: 0.25, requests: 1 },
      { day: day(0), hash: keyHash(mint()), alias: "somebody", tokens: 1000, spend: 9, requests: 9 },
      { day: day(1), hash: keyHash(gateway.key("x")), tokens: 77, spend: 1, requests: 1 },
      { day: day(2), hash: keyHash(gateway.key("x")), tokens: 1234, spend: 0.0321, requests: 1 },
      ...Array.from({ length: 120 }, () => ({ day: day(0), hash: keyHash(mint()), tokens: 1, spend: 0, requests: 1 })),
    ];
    gateway.litellm.teams.set("aigw-g", { ...gateway.litellm.teams.get("aigw-g"), spend: 2.5 });
    await usage(await gateway.context(), false);
    expect(told()).toMatch(/^x +3 +42 +100 +42 % +0\.7500 +-$/m);
    expect(told()).toMatch(/^y +0 +0 +- +0\.0000 +-$/m);
    expect(told()).toMatch(/^g +2\.5000 +5 +50 % +month$/m);
    gateway.forget();
    await usage(await gateway.context(true), true);
    const { agents, groups } = JSON.parse(told()) as { agents: object[]; groups: object[] };
    expect(agents).toEqual([
      {
        agent: "x",
        requests: 3,
        tokens: 42,
        spendUsd: 0.75,
        dailyTokens: 100,
        dailyBudgetUsd: null,
        suggested: { dailyTokens: 13000, dailyBudgetUsd: 10 },
      },
      { agent: "y", requests: 0, tokens: 0, spendUsd: 0, dailyTokens: null, dailyBudgetUsd: null },
    ]);
    expect(groups).toEqual([{ group: "g", spendUsd: 2.5, budgetUsd: 5, budgetPeriod: "month" }]);
    // Readiness, the keys, the teams, two pages of today, a page for each day before.
    expect(gateway.litellm.asked).toHaveLength(35);
  });

  it("says so where the listener does not let it through", async () => {
    gateway.litellm.closed.add(route);
    expect((await refusal(usage(await gateway.context(), false))).message).toContain(`the admin listener does not let ${route} through`);
  });
});
