import { keyHash } from "../../../src/cli/keys/admin-api";
import { apply } from "../../../src/cli/keys/apply";
import { rotate, RotateOptions } from "../../../src/cli/keys/rotate";
import { mint } from "../../../src/cli/secrets/secret-value";
import { StoreError } from "../../../src/cli/secrets/store-error";
import { agent, Gateway, group, refusal } from "./support";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const proof = { tries: 2, pauseMs: 10 };

let gateway: Gateway;
beforeEach(async () => {
  gateway = await new Gateway().start();
  gateway.want([agent("x", { qpm: 3, group: "g" }), agent("y")], [group("g")]);
  await apply(await gateway.context());
  gateway.forget();
});
afterEach(async () => {
  await gateway.litellm.stop();
  gateway.expectNothingTold();
});

const rotated = async (name?: string, options: RotateOptions = {}): Promise<void> =>
  rotate(await gateway.context(), name, { proof, ...options });
const endOf = (key: string): number => Date.parse(gateway.litellm.held(key)!.expires!) - Date.now();

describe("rotate", () => {
  it("makes the new key known before any agent can read it, and gives the old one its end", async () => {
    const old = gateway.key("x");
    let known: number | undefined;
    const put = gateway.store.put.bind(gateway.store);
    gateway.store.put = (secret, text) => {
      known = gateway.litellm.letIn(text);
      return put(secret, text);
    };
    await rotated("x");
    expect([known, gateway.litellm.letIn(gateway.key("x")), gateway.litellm.letIn(old)]).toEqual([200, 200, 200]);
    expect(gateway.key("x")).not.toBe(old);
    expect(gateway.held("x")).toMatchObject({ expires: null, team_id: "aigw-g", metadata: { aigw_qpm: 3 } });
    expect(Math.abs(endOf(old) - DAY_MS)).toBeLessThan(30_000);
    expect(gateway.litellm.writes).toEqual(["POST /key/generate", "POST /key/update"]);
    expect(gateway.said[0]).toMatch(/^x: rotated \(key [0-9a-f]{8}\): the old one, [0-9a-f]{8} ends 20.*Z$/);
    gateway.forget();
    await apply(await gateway.context());
    expect(gateway.litellm.writes).toEqual([]);
  });

  it("takes another overlap, which later applies keep", async () => {
    const old = gateway.key("x");
    await rotated("x", { overlap: 72 * HOUR_MS });
    await apply(await gateway.context());
    expect(Math.abs(endOf(old) - 72 * HOUR_MS)).toBeLessThan(30_000);
  });

  it("rotates all whose keys are old enough, and gives an end to what an interrupted rotation left", async () => {
    const left = gateway.give("x");
    const keys = ["x", "y"].map((name) => gateway.key(name));
    await rotated(undefined, { all: true, olderThan: DAY_MS });
    expect(["x", "y"].map((name) => gateway.key(name))).toEqual(keys);
    expect(gateway.said).toContain("y: unchanged: its key is 0 days old");
    expect(Math.abs(endOf(left) - DAY_MS)).toBeLessThan(30_000);
    gateway.store.made = new Date(Date.now() - 91 * DAY_MS);
    await rotated(undefined, { all: true, olderThan: 90 * DAY_MS });
    expect(["x", "y"].map((name) => gateway.key(name) === keys[name === "x" ? 0 : 1])).toEqual([false, false]);
    expect(keys.map((key) => gateway.litellm.letIn(key))).toEqual([200, 200]);
  });

  it("leaves the old key alone, and the new one nowhere, where the gateway refuses the new one", async () => {
    const old = gateway.key("x");
    gateway.litellm.before = (_, action) => (action === "GET /key/info" ? { status: 401, body: "{}" } : undefined);
    expect(await refusal(rotated("x"))).toMatchObject({ exitCode: 1, message: "1 of 1 failed: x" });
    expect(gateway.said[0]).toContain("x: failed: the gateway refuses its new key, which is deleted again; the old one is untouched");
    expect([gateway.key("x"), gateway.litellm.held(old)!.expires, gateway.litellm.live("x")]).toEqual([
      old,
      null,
      [gateway.litellm.held(old)],
    ]);
  });

  it("brings the old value back where the gateway refuses the new one once it is in the store", async () => {
    const old = gateway.key("x");
    let proofs = 0;
    gateway.litellm.before = (_, action) => (action === "GET /key/info" && ++proofs > 1 ? { status: 401, body: "{}" } : undefined);
    await refusal(rotated("x"));
    expect(gateway.said[0]).toContain("so the store has the old one again");
    expect([gateway.key("x"), gateway.litellm.held(old)!.expires, gateway.litellm.live("x")]).toEqual([
      old,
      null,
      [gateway.litellm.held(old)],
    ]);
  });

  it("deletes the new key where the store refuses it", async () => {
    const old = gateway.key("x");
    gateway.store.put = ({ name }) => Promise.reject(new StoreError(name, "the store", "AccessDeniedException"));
    await refusal(rotated("x"));
    expect([gateway.key("x"), gateway.litellm.live("x")]).toEqual([old, [gateway.litellm.held(old)]]);
  });

  it("lets the key of another rotation stand that writes at the same time", async () => {
    const put = gateway.store.put.bind(gateway.store);
    const other = mint();
    gateway.store.put = async (secret, text) => {
      await put(secret, text);
      return put(secret, other);
    };
    await refusal(rotated("x"));
    expect(gateway.said[0]).toContain("another one has written its secret at the same time");
    expect(gateway.key("x")).toBe(other);
    await apply(await gateway.context());
    expect(gateway.litellm.live("x").filter(({ expires }) => expires === null)).toEqual([gateway.litellm.held(other)]);
  });

  it("waits for a store that answers with the old value for a moment, and ends neither key where it goes on to", async () => {
    const [old, read] = [gateway.key("x"), gateway.store.read.bind(gateway.store)];
    let late = 1;
    gateway.store.read = async (secret, stage) => {
      const isLate = gateway.key("x") !== old && secret.name === "gw/agents/x" && late-- > 0;
      return isLate ? { text: old, version: "v1" } : read(secret, stage);
    };
    await rotated("x");
    const current = gateway.key("x");
    expect([gateway.litellm.letIn(current), gateway.held("x")!.expires]).toEqual([200, null]);
    gateway.store.read = async (secret, stage) => (secret.name === "gw/agents/x" ? { text: current, version: "v2" } : read(secret, stage));
    gateway.forget();
    await refusal(rotated("x"));
    expect(gateway.said[0]).toContain("the store answers with the old key still, so neither is ended");
    expect([gateway.litellm.held(current)!.expires, gateway.held("x")!.expires]).toEqual([null, null]);
  });

  it("is told to be wrong where the old key would outlive its agent, or nobody is named", async () => {
    gateway.want([agent("x", { expires: new Date(Date.now() + HOUR_MS).toISOString() })]);
    const error = await refusal(rotated("x"));
    expect(error).toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^--overlap: 24 h is longer than what is left of x \(expires /) as string,
    });
    await rotated("x", { overlap: HOUR_MS / 2 });
    for (const [name, options] of [
      [undefined, {}],
      ["x", { all: true }],
      ["x", { olderThan: 1 }],
      ["xyz", {}],
    ] as const) {
      expect(await refusal(rotated(name, options))).toMatchObject({ exitCode: 2 });
    }
  });

  it("says why a key is not rotated", async () => {
    gateway.want([agent("off", { enabled: false }), agent("new"), agent("over", { expires: "2026-01-01T00:00:00.000Z" })]);
    for (const [name, problem] of [
      ["off", "off: failed: it is switched off, and a key that is not let in can not be proved"],
      ["new", "new: failed: it has no key yet; run `keys apply --agent new`"],
      ["over", "over: failed: it has come to its expires; it needs no key"],
    ] as const) {
      gateway.said = [];
      await refusal(rotated(name));
      expect(gateway.said[0]).toBe(problem);
    }
  });

  it("ends the old key also where the agent has an end of its own", async () => {
    gateway.want([agent("x", { expires: new Date(Date.now() + 30 * DAY_MS).toISOString() })]);
    await apply(await gateway.context());
    const old = gateway.key("x");
    await rotated("x");
    expect(Math.abs(endOf(old) - DAY_MS)).toBeLessThan(60_000);
    expect(Math.abs(endOf(gateway.key("x")) - 30 * DAY_MS)).toBeLessThan(60_000);
    expect(keyHash(old)).not.toBe(keyHash(gateway.key("x")));
  });
});
