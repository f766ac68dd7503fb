import { CommandError, NodesUnknown } from "../../../src/cli/command-error";
import { ensure } from "../../../src/cli/secrets/ensure";
import { NewValue, put } from "../../../src/cli/secrets/put";
import { retire, rollback, rotate } from "../../../src/cli/secrets/rotate";
import { status } from "../../../src/cli/secrets/status";
import { StoreError } from "../../../src/cli/secrets/store-error";
import { FakeContext } from "./support";

const HUSH = "hush-hush";
let context: FakeContext;
beforeEach(() => (context = new FakeContext()));

/** Why it failed; the value is never in it. */
async function refusal(done: Promise<unknown>): Promise<CommandError> {
  const error: unknown = await done.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CommandError);
  expect((error as CommandError).message).not.toContain(HUSH);
  return error as CommandError;
}

const putting = (name: string, given: string, value: NewValue = {}): Promise<void> => {
  context.given = given;
  return put(context, name, value);
};

describe("put", () => {
  it("takes the value from standard input without one line break, or from a variable", async () => {
    await putting("openai", `${HUSH}\n`);
    context.environment = { KEY: "other" };
    await put(context, "gw/openai", { fromEnv: "KEY" });
    expect(context.store.texts.get("gw/openai")).toEqual([HUSH, "other"]);
    expect(context.said).toEqual(["gw/openai: version v1 is the current one", "gw/openai: version v2 is the current one"]);
  });

  it.each([
    ["", "gw/openai: the value is empty"],
    ["\n", "gw/openai: the value is empty"],
    [`${HUSH}\n\n`, "gw/openai: the value holds a line break or another control character"],
    [`${HUSH}\u0000`, "gw/openai: the value holds a line break or another control character"],
    ["x".repeat(70_000), "standard input holds more than 65536 bytes, which no store takes"],
  ])("refuses %j", async (given, message) => {
    expect((await refusal(putting("openai", given))).message).toBe(message);
    expect(context.store.texts.size).toBe(0);
  });

  it("refuses a terminal and a variable that is not there, which may be the value", async () => {
    context.isTTY = true;
    expect(await refusal(put(context, "openai", {}))).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("by standard input") as string,
    });
    expect(await refusal(put(context, "openai", { fromEnv: HUSH }))).toMatchObject({ exitCode: 2 });
  });

  it("names the secret that was most likely meant, and repeats no word that is far from all", async () => {
    expect((await refusal(putting("opennai", HUSH))).message).toContain('did you mean "openai"?');
    expect((await refusal(putting(`${HUSH}-and-more`, "x"))).message).toBe(
      "what was given is not a secret of gw (known: azure, database, master-key, openai, salt-key)",
    );
  });

  it("takes several fields as an object or one at a time, and says what is still missing", async () => {
    const wrong = "a JSON object with exactly the fields client_id, client_secret, each a text, is wanted";
    for (const given of [HUSH, "{}", JSON.stringify({ client_id: HUSH }), JSON.stringify({ client_id: 1, client_secret: HUSH })]) {
      expect((await refusal(putting("azure", given))).message).toContain(wrong);
    }
    await putting("azure", "one", { field: "client_id" });
    expect(context.said.at(-1)).toBe("gw/azure: still without client_secret: secrets put gw/azure --field client_secret");
    await putting("azure", "two", { field: "client_secret" });
    await putting("azure", '{\n  "client_id": "three",\n  "client_secret": "four"\n}\n');
    expect(context.store.texts.get("gw/azure")!.map((text) => JSON.parse(text) as unknown)).toEqual([
      { client_id: "one" },
      { client_id: "one", client_secret: "two" },
      { client_id: "three", client_secret: "four" },
    ]);
    expect((await refusal(putting("azure", HUSH, { field: "client-secret" }))).message).toContain('did you mean "client_secret"?');
    expect((await refusal(putting("azure", "x", { field: `${HUSH}-and-more` }))).message).toContain(
      "what was given is not one of its fields",
    );
    expect((await refusal(putting("openai", HUSH, { field: "key" }))).message).toBe("gw/openai: it has no fields; leave --field out");
  });

  it("takes the bare value of a secret with one field", async () => {
    await putting("database", HUSH);
    expect(context.store.texts.get("gw/database")).toEqual([JSON.stringify({ password: HUSH })]);
  });

  it("writes nothing where the value is the current one already, so that the previous one stays", async () => {
    for (const given of ["one", "two", "two"]) await putting("openai", given);
    expect(context.store.texts.get("gw/openai")).toEqual(["one", "two"]);
    expect(context.said.at(-1)).toBe("gw/openai: that is the current value already; nothing was written");
  });

  it("needs not read a bare value, but one of which a field is changed", async () => {
    context.store.read = () => Promise.reject(new StoreError("gw/x", "the store", "AccessDeniedException"));
    await putting("openai", "one");
    expect(context.store.texts.get("gw/openai")).toEqual(["one"]);
    await expect(putting("azure", "one", { field: "client_id" })).rejects.toThrow("AccessDeniedException");
  });

  it("takes a salt key once, and a master key only if LiteLLM does", async () => {
    await putting("salt-key", "brought-along");
    expect((await refusal(putting("salt-key", HUSH))).message).toContain("is never changed: LiteLLM encrypts with it");
    expect(context.store.texts.get("gw/salt-key")).toEqual(["brought-along"]);
    expect((await refusal(putting("master-key", HUSH))).message).toBe('gw/master-key: LiteLLM takes only a value that begins with "sk-"');
  });
});

describe("ensure", () => {
  it("mints what is the gateway's own, once, prints no value, and names what else is missing", async () => {
    const missing = await refusal(ensure(context, {}));
    expect(missing).toMatchObject({ exitCode: 3 });
    expect(missing.message).toBe(
      [
        "3 of 5 secrets have no value yet; put each, then apply again:",
        "  secrets put gw/openai < FILE",
        "  secrets put gw/azure < FILE",
        "  secrets put gw/database < FILE",
      ].join("\n"),
    );
    const minted = ["gw/master-key", "gw/salt-key"].map((name) => context.store.texts.get(name)!);
    for (const texts of minted) expect(texts).toEqual([expect.stringMatching(/^sk-[0-9a-f]{48}$/)]);
    expect(minted[0]).not.toEqual(minted[1]);
    expect(context.said).toEqual(["gw/master-key: minted", "gw/salt-key: minted"]);
    await ensure(context, { allowMissing: true });
    expect(context.warned).toEqual([missing.message]);
    expect(["gw/master-key", "gw/salt-key"].map((name) => context.store.texts.get(name)!)).toEqual(minted);
  });

  it("is content once all have a value, with all of its fields", async () => {
    await putting("openai", "one");
    await putting("database", "one");
    await putting("azure", "one", { field: "client_id" });
    expect((await refusal(ensure(context, {}))).message).toContain("  secrets put gw/azure --field client_secret < FILE");
    await putting("azure", "two", { field: "client_secret" });
    await ensure(context, {});
    expect(context.said.at(-1)).toBe("gw: all 5 secrets have a value");
  });

  it("tells all that stores refuse", async () => {
    context.store.versions = ({ name }) => Promise.reject(new StoreError(name, "the store", "Throttling"));
    expect(await refusal(ensure(context, {}))).toMatchObject({
      exitCode: 1,
      message: expect.stringContaining("gw/azure: the store answered Throttling") as string,
    });
  });
});

describe("status", () => {
  beforeEach(async () => {
    await putting("openai", HUSH);
    await putting("openai", `${HUSH}-2`);
    await putting("salt-key", HUSH);
    context.said.length = 0;
  });

  it("tells age, versions and owner of each, and no value", async () => {
    context.store.made = new Date(Date.now() - 3 * 86_400_000);
    await status(context, { json: true });
    const [openai, azure] = JSON.parse(context.said[0]!) as object[];
    expect(openai).toEqual({
      name: "gw/openai",
      purpose: "the key of provider openai",
      store: "alicloud-kms",
      owner: "user",
      state: "present",
      version: "v2",
      previousVersion: "v1",
      ageDays: 3,
      lastRotation: context.store.made.toISOString(),
      readers: [],
    });
    expect(azure).toMatchObject({ state: "absent" });
    await status(context, {});
    expect(context.said[1]).toMatch(/gw\/openai +present +3 days +v2 +v1 +\d{4}-\d\d-\d\d +0 nodes +you/);
    expect(context.said.join()).not.toContain(HUSH);
    expect(context.warned).toEqual([]);
  });

  it("tells which nodes said lately that they read which version", async () => {
    const nodes = [
      { node: "a", versions: ["v2"] },
      { node: "b", versions: ["v1"] },
      { node: "c", versions: [] },
    ];
    context.reports = [nodes, nodes.slice(0, 1)];
    await status(context, {});
    expect(context.said[0]).toMatch(/NAME .* READ BY +OWNER\n/);
    expect(context.said[0]).toMatch(/gw\/openai .* 1 of 3 nodes +you/);
    expect(context.said[0]).toMatch(/gw\/azure +absent .* - +you/);
    await status(context, { json: true });
    expect(JSON.parse(context.said[1]!)).toMatchObject([{ readers: [{ node: "a", versions: ["v2"] }] }, {}, {}, {}, {}]);
    await status(context, {});
    expect(context.said[2]).toMatch(/gw\/openai .* 1 node +you/);
  });

  it("tells the rest where the log can not be asked, warns of it, and not where there are no nodes", async () => {
    context.nodes = new CommandError("which nodes use it can not be told: the log store x answered Unauthorized");
    await status(context, {});
    expect(context.said[0]).toMatch(/gw\/openai +present .* - +you/);
    expect(context.warned).toEqual(["warning: which nodes use it can not be told: the log store x answered Unauthorized"]);
    context.nodes = new NodesUnknown("nowhere");
    await status(context, { json: true });
    expect(JSON.parse(context.said[1]!)).not.toMatchObject([{ readers: expect.anything() as unknown }]);
    expect(context.warned).toHaveLength(1);
  });

  it("waits no longer than five seconds for the log", async () => {
    context.useReport = () => Promise.resolve({ uses: () => new Promise(() => undefined), usesOfAll: () => new Promise(() => undefined) });
    const started = Date.now();
    await status(context, {});
    expect(Date.now() - started).toBeLessThan(9_000);
    expect(context.warned).toEqual(["warning: which nodes use it can not be told: the nodes' log does not answer in time"]);
  });

  it("warns of values over 90 days, and ends with 2 where a limit was given; the salt key has no age", async () => {
    context.store.made = new Date(Date.now() - 91 * 86_400_000);
    await status(context, {});
    expect(context.warned).toEqual(["gw/openai is 91 days old: secrets rotate gw/openai"]);
    expect(await refusal(status(context, { maxAge: 90 }))).toMatchObject({ exitCode: 2, message: context.warned[0] });
    await status(context, { maxAge: 91 });
  });

  it("fails where a store does not answer, and tells the rest", async () => {
    const versions = context.store.versions.bind(context.store);
    context.store.versions = (secret) =>
      secret.name === "gw/azure" ? Promise.reject(new StoreError(secret.name, "the store", "Throttling")) : versions(secret);
    expect(await refusal(status(context, { json: true }))).toMatchObject({
      exitCode: 1,
      message: "gw/azure: the store answered Throttling",
    });
    expect(JSON.parse(context.said[0]!)).toMatchObject([{ state: "present" }, { state: "unknown" }, {}, {}, {}]);
  });
});

describe("rotate", () => {
  const rotating = (name: string, given: string, options = {}): Promise<void> => {
    context.given = given;
    return rotate(context, name, options);
  };

  it("makes the new value current, keeps the old one, and says what comes next", async () => {
    await putting("openai", "one");
    await rotating("openai", "two");
    expect(context.store.texts.get("gw/openai")).toEqual(["one", "two"]);
    expect(context.said.slice(1)).toEqual([
      "gw/openai: version v2 is the current one, v1 is kept as the previous one",
      expect.stringContaining("nodes take it over at their next refresh"),
      "If calls fail: secrets rollback gw/openai",
      "Once all nodes use it: secrets retire gw/openai",
    ]);
    await rollback(context, "openai");
    expect(context.store.texts.get("gw/openai")!.at(-1)).toBe("one");
  });

  it("mints a new master key, which nodes take at their start, and never a salt key", async () => {
    await refusal(ensure(context, {}));
    await rotating("master-key", "");
    expect(context.store.texts.get("gw/master-key")![1]).toMatch(/^sk-[0-9a-f]{48}$/);
    expect(context.said.join("\n")).toContain("a node takes it over at its start: replace the nodes");
    expect((await refusal(rotating("master-key", "", { wait: true }))).message).toContain("--wait can not be answered");
    expect((await refusal(retire(context, "master-key", {}))).message).toContain("retire without --force can not be answered");
    for (const act of [rotating("salt-key", HUSH), rollback(context, "salt-key"), retire(context, "salt-key", { force: true })]) {
      expect((await refusal(act)).message).toContain("is never changed");
    }
    expect(context.store.texts.get("gw/salt-key")).toHaveLength(1);
  });

  it("needs a value to take the place of", async () => {
    expect((await refusal(rotating("openai", HUSH))).message).toBe("gw/openai: it has no value to rotate; secrets put gw/openai");
  });

  it("waits until each process of each node has said the new version and no other", async () => {
    await putting("openai", "one");
    const node = (name: string, ...versions: string[]) => ({ node: name, versions });
    context.reports = [
      [node("a", "v1"), node("b")],
      [node("a", "v1", "v2"), node("b", "v2")],
      [node("a", "v2"), node("b", "v2")],
    ];
    await rotating("openai", "two", { wait: true, poll: 0.01 });
    expect(context.warned).toEqual(["waiting for a (said v1); b (has said nothing lately)", "waiting for a (said v1)"]);
    expect(context.said).toContain("gw/openai: all 2 nodes use v2");
  });

  it("waits no longer than it was told, and not for a fleet that says nothing", async () => {
    await putting("openai", "one");
    context.reports = [[{ node: "a", versions: ["v1"] }]];
    expect((await refusal(rotating("openai", "two", { wait: true, poll: 0.01, timeout: 0.05 }))).message).toBe(
      "gw/openai: not all nodes use v2 in time: a (said v1)",
    );
    context.reports = [[]];
    expect((await refusal(rotating("openai", "two", { wait: true, poll: 0.01, timeout: 0.05 }))).message).toContain(
      "no node has said anything yet",
    );
    expect(context.store.texts.get("gw/openai")).toEqual(["one", "two"]);
  });
});

describe("retire", () => {
  beforeEach(async () => {
    for (const given of ["one", "two"]) await putting("openai", given);
  });

  it.each([
    [[{ node: "a", versions: ["v1"] }], "it is not sure that only v2 is in use: a (said v1)"],
    [[{ node: "a", versions: ["v2", "v1"] }], "it is not sure that only v2 is in use: a (said v1)"],
    [[{ node: "a", versions: [] }], "a (has said nothing lately)"],
    [[], "no node has said which version it uses"],
  ])("refuses while it is not sure that all use the new one: %j", async (uses, message) => {
    context.reports = [uses];
    expect((await refusal(retire(context, "openai", {}))).message).toContain(message);
    expect(await context.store.read({ name: "gw/openai" }, "previous")).toBeDefined();
  });

  it("takes the previous version away once all do, or by force, and reminds of the provider", async () => {
    context.reports = [[{ node: "a", versions: ["v2"] }]];
    await retire(context, "openai", {});
    expect(await context.store.read({ name: "gw/openai" }, "previous")).toBeUndefined();
    expect(context.said.at(-1)).toContain("revoke the old key at the provider");
    await retire(context, "openai", {});
    expect(context.said.at(-1)).toBe("gw/openai: there is no previous version");
    await putting("openai", "three");
    context.reports = [[]];
    await retire(context, "openai", { force: true });
    expect(await context.store.read({ name: "gw/openai" }, "previous")).toBeUndefined();
  });
});

describe("rollback", () => {
  it("waits, where it is told to, until all nodes are back", async () => {
    for (const given of ["one", "two"]) await putting("openai", given);
    context.reports = [[{ node: "a", versions: ["v2"] }], [{ node: "a", versions: ["v3"] }]];
    await rollback(context, "openai", { wait: true, poll: 0.01 });
    expect(await context.store.read({ name: "gw/openai" }, "current")).toEqual({ text: "one", version: "v3" });
    expect(context.warned).toEqual(["waiting for a (said v2)"]);
    expect(context.said.at(-1)).toBe("gw/openai: all 1 nodes use v3");
    expect((await refusal(rollback(context, "master-key", { wait: true }))).message).toContain("--wait can not be answered");
  });
});
