import { inspect } from "node:util";
import { FakeStore, mintKey } from "./support";
import { AgentKey, AgentKeyError } from "cdktf-ai-gateway/agent";

const store = new FakeStore();

beforeEach(() => {
  jest.useFakeTimers();
  Object.assign(store, { value: mintKey(), reads: 0, failure: undefined, gate: Promise.resolve() });
});
afterEach(() => jest.useRealTimers());

const MINUTE = 60_000;

describe("an agent's key", () => {
  it("is read once and held, however many ask for it", async () => {
    const key = store.key();
    const asked = await Promise.all([1, 2, 3].map(() => key.current()));
    expect(asked).toEqual([store.value, store.value, store.value]);
    jest.advanceTimersByTime(15 * MINUTE - 1);
    expect(await key.current()).toBe(store.value);
    expect(store.reads).toBe(1);
  });

  it("is read anew after the refresh, so that an old one is not met when it ends", async () => {
    const [usual, quick] = [store.key(), store.key({ refreshSeconds: 10 })];
    const old = await usual.current();
    await quick.current();
    store.value = mintKey();
    jest.advanceTimersByTime(10_000);
    expect(await quick.current()).toBe(store.value);
    expect(await usual.current()).toBe(old);
    jest.advanceTimersByTime(15 * MINUTE - 10_000);
    expect(await usual.current()).toBe(store.value);
  });

  it("outlives a store that fails, which is asked again a minute later", async () => {
    const key = store.key();
    const held = await key.current();
    store.failure = new Error("away");
    jest.advanceTimersByTime(15 * MINUTE);
    expect(await key.current()).toBe(held);
    expect(await key.current()).toBe(held);
    expect(store.reads).toBe(2);
    Object.assign(store, { failure: undefined, value: mintKey() });
    jest.advanceTimersByTime(MINUTE);
    expect(await key.current()).toBe(store.value);
  });

  it("is not waited for more than two seconds where there is one, and comes when it comes", async () => {
    const key = store.key();
    const held = await key.current();
    let open = (): void => undefined;
    Object.assign(store, { value: mintKey(), gate: new Promise<void>((opened) => (open = opened)) });
    jest.advanceTimersByTime(15 * MINUTE);
    const late = Promise.all([key.current(), key.current()]);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await late).toEqual([held, held]);
    open();
    await jest.advanceTimersByTimeAsync(0);
    expect(await key.current()).toBe(store.value);
    expect(store.reads).toBe(2);
    expect(jest.getTimerCount()).toBe(0);
  });

  it("fails with the store where there is none yet, and is asked for again", async () => {
    const key = store.key();
    store.failure = new Error("away");
    await expect(key.current()).rejects.toThrow("away");
    store.failure = undefined;
    expect(await key.current()).toBe(store.value);
  });

  it("is replaced once for all that were refused with the same one", async () => {
    const key = store.key();
    const old = await key.current();
    store.value = mintKey();
    expect(await Promise.all([1, 2, 3].map(() => key.insteadOf(old)))).toEqual([store.value, store.value, store.value]);
    expect(await key.insteadOf(old)).toBe(store.value);
    expect(store.reads).toBe(2);
  });

  it("stays the same where the store has no other, and the store is not asked about each refusal", async () => {
    const key = store.key();
    const old = await key.current();
    expect(await key.insteadOf(old)).toBe(old);
    expect(await key.insteadOf(old)).toBe(old);
    expect(store.reads).toBe(2);
    store.value = mintKey();
    jest.advanceTimersByTime(5_000);
    expect(await key.insteadOf(old)).toBe(store.value);
  });

  it.each([
    ["empty", () => "\n"],
    ["of several lines", (key: string) => `${key}\n${key}`],
    ["an object", (key: string) => JSON.stringify({ value: key })],
    ["another kind of key", (key: string) => `AKIA${key}`],
  ])("is refused when it is %s, and not repeated", async (_, spoilt) => {
    const value = mintKey();
    const error = (await AgentKey.from(() => Promise.resolve(spoilt(value)))
      .current()
      .catch((failure: unknown) => failure)) as AgentKeyError;
    expect(error).toBeInstanceOf(AgentKeyError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(value);
  });

  it("may end with a line break, as a file does", async () => {
    const value = mintKey();
    expect(await AgentKey.from(() => Promise.resolve(`${value}\n`)).current()).toBe(value);
  });

  it("shows itself to nobody", async () => {
    const key = store.key();
    await key.insteadOf(await key.current());
    expect(inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key)).not.toContain(store.value);
  });

  it("refuses a refresh that is no time", () => {
    for (const refreshSeconds of [0, -1, NaN])
      expect(() => store.key({ refreshSeconds })).toThrow(`refreshSeconds: ${refreshSeconds} is not`);
  });
});
