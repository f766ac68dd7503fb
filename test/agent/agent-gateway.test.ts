import { inspect } from "node:util";
import { FakeGateway, FakeStore, mintKey } from "./support";
import { AgentGateway, AgentGatewayProps, AgentKeyError } from "cdktf-ai-gateway/agent";

const gateway = new FakeGateway();
const store = new FakeStore();

beforeAll(() => gateway.start());
afterAll(() => gateway.stop());
beforeEach(() => {
  Object.assign(store, { value: mintKey(), reads: 0, failure: undefined, gate: Promise.resolve() });
  gateway.forget(store.value);
});

const agent = (more: Partial<AgentGatewayProps> = {}): AgentGateway =>
  new AgentGateway({ endpoint: gateway.url, key: store.key(), ...more });
const QUESTION = { method: "POST", body: '{"model":"qwen-max"}', headers: { "content-type": "application/json" } };
const ask = (by: AgentGateway, init: RequestInit = QUESTION): Promise<Response> => by.fetch("/v1/chat/completions", init);
const rotate = (): string => {
  gateway.keys.clear();
  gateway.keys.add((store.value = mintKey()));
  return store.value;
};

describe("a call", () => {
  it("is sent with the key in place of whatever the SDK sends, and otherwise as it is", async () => {
    const headers = { authorization: "Bearer set by the gateway's fetch", "x-api-key": "as above", "anthropic-version": "2023-06-01" };
    const { fetch } = agent();
    const response = await fetch(`${gateway.url}/v1/messages?beta=true`, { ...QUESTION, headers });
    expect(await response.json()).toEqual({ object: "chat.completion" });
    expect(gateway.asked).toMatchObject([
      { method: "POST", body: QUESTION.body, headers: { authorization: `Bearer ${store.value}`, "anthropic-version": "2023-06-01" } },
    ]);
    expect(gateway.asked[0]!.url.href).toContain("/v1/messages?beta=true");
  });

  it("goes to the gateway only", async () => {
    const elsewhere = new FakeGateway();
    await elsewhere.start();
    elsewhere.keys.add(store.value);
    for (const address of [
      elsewhere.url,
      `${elsewhere.url}/v1/models`,
      elsewhere.url.replace("http:", ""),
      gateway.url.replace(":", "s:"),
    ]) {
      await expect(agent().fetch(address)).rejects.toThrow(`is not the gateway; the agent's key is sent to ${gateway.url} only`);
    }
    gateway.answers = [{ status: 307, body: "", headers: { location: `${elsewhere.url}/v1/models` } }];
    expect((await agent().fetch("/v1/models")).status).toBe(307);
    expect(elsewhere.asked).toEqual([]);
    await elsewhere.stop();
  });

  it.each<[string, () => [string | URL | Request, RequestInit?]]>([
    ["a text", () => ["/v1/chat/completions", { method: "POST", body: "question" }]],
    ["bytes", () => ["/v1/chat/completions", { method: "POST", body: Buffer.from("question") }]],
    ["a stream", () => ["/v1/chat/completions", { method: "POST", body: new Blob(["question"]).stream(), duplex: "half" }]],
    ["a request", () => [new Request(`${gateway.url}/v1/chat/completions`, { method: "POST", body: "question" })]],
    ["a URL and a form", () => [new URL("/v1/chat/completions", gateway.url), { method: "POST", body: form() }]],
  ])("can be repeated when it is %s", async (_, call) => {
    const by = agent();
    await by.fetch("/v1/models");
    rotate();
    const [input, init] = call();
    expect((await by.fetch(input, init)).status).toBe(200);
    const [, refused, again] = gateway.asked;
    expect(again).toMatchObject({ method: "POST", body: expect.stringContaining("question") as string });
    expect(again!.url.pathname).toBe("/v1/chat/completions");
    expect(refused!.body.length).toBe(again!.body.length);
  });
});

function form(): FormData {
  const made = new FormData();
  made.set("file", new Blob(["question"]), "question.wav");
  return made;
}

describe("a call that is answered 401", () => {
  it("takes up a rotated key without a restart", async () => {
    const by = agent();
    await ask(by);
    rotate();
    expect((await ask(by)).status).toBe(200);
    expect((await ask(by)).status).toBe(200);
    expect([store.reads, gateway.asked.length]).toEqual([2, 4]);
  });

  it("reads the key once for all that are refused at the same time", async () => {
    const by = agent();
    await ask(by);
    rotate();
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(by)));
    expect(all.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(store.reads).toBe(2);
  });

  it("ends with it when the store has the same key, or the new one is refused too", async () => {
    const by = agent();
    gateway.keys.clear();
    const same = await ask(by);
    expect([same.status, await same.json()]).toEqual([401, { error: { code: "401" } }]);
    expect(gateway.asked.length).toBe(1);
    rotate();
    const other = agent();
    await ask(other);
    rotate();
    gateway.keys.clear();
    gateway.asked.length = 0;
    expect((await ask(other)).status).toBe(401);
    expect(new Set(gateway.asked.map(({ headers }) => headers.authorization)).size).toBe(2);
    expect(gateway.asked.length).toBe(2);
  });

  it("says so when the store can not tell of a new one", async () => {
    const by = agent();
    await ask(by);
    rotate();
    store.failure = new AgentKeyError(
      "gw/agents/a: Secrets Manager in eu-central-1 answered AccessDeniedException",
      "AccessDeniedException",
    );
    await expect(ask(by)).rejects.toMatchObject({
      name: "AgentKeyError",
      code: "AccessDeniedException",
      message:
        "the gateway refused the agent's key (401), and no other could be read: gw/agents/a: Secrets Manager in eu-central-1 answered AccessDeniedException",
    });
  });
});

/** Calls by the clock of the test: when each was sent, in ms from the first. */
describe("a call that is answered 429 or 503", () => {
  let sent: number[];
  let answers: (() => Response)[];
  const busy = (status: number, retryAfter?: string) => (): Response =>
    new Response("{}", { status, headers: retryAfter === undefined ? {} : { "retry-after": retryAfter } });
  const good = (): Response => new Response("{}");
  const timed = (more: Partial<AgentGatewayProps> = {}): AgentGateway =>
    agent({
      ...more,
      fetch: () => {
        sent.push(Date.now());
        return Promise.resolve((answers.length > 1 ? answers.shift()! : answers[0]!)());
      },
    });
  /** The answer's status, once all pauses are over, and the times between the tries. */
  const ended = async (call: Promise<Response>): Promise<[number, ...number[]]> => {
    await jest.runAllTimersAsync();
    const { status } = await call;
    return [status, ...sent.slice(1).map((time, index) => time - sent[index]!)];
  };

  beforeEach(() => {
    // A date has no parts of a second.
    jest.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
    [sent, answers] = [[], [good]];
    jest.spyOn(Math, "random").mockReturnValue(0.5);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it("waits as long as Retry-After says, and a while at random", async () => {
    answers = [busy(429, "60"), busy(503, "5"), good];
    expect(await ended(ask(timed()))).toEqual([200, 60_250, 5_500]);
    sent = [];
    jest.setSystemTime(Date.UTC(2026, 0, 1, 1));
    answers = [busy(429, "Thu, 01 Jan 2026 01:00:30 GMT"), good];
    expect(await ended(ask(timed()))).toEqual([200, 30_250]);
  });

  it("waits anything from nothing up to a bound that doubles, where nothing is said", async () => {
    const bounds = [500, 1_000, 2_000, 4_000, 8_000, 8_000];
    for (const part of [0, 0.25, 0.999]) {
      jest.spyOn(Math, "random").mockReturnValue(part);
      sent = [];
      answers = [...bounds.map(() => busy(503)), good];
      const waited = await ended(ask(timed({ maxTries: 7 })));
      expect(waited).toEqual([200, ...bounds.map((bound) => Math.floor(bound * part))]);
    }
  });

  it("tries five times, and hands on the last answer as it is", async () => {
    answers = [busy(503)];
    expect((await ended(ask(timed())))[0]).toBe(503);
    expect(sent.length).toBe(5);
    sent = [];
    expect((await ended(ask(timed({ maxTries: 1 }))))[0]).toBe(503);
    expect(sent.length).toBe(1);
  });

  it("does not wait in vain: neither longer than it may in all, nor until tomorrow", async () => {
    answers = [busy(429, "50"), busy(429, "50"), busy(429, "50"), good];
    expect(await ended(ask(timed()))).toEqual([429, 50_250, 50_500]);
    sent = [];
    answers = [busy(429, "40000"), good];
    expect(await ended(ask(timed()))).toEqual([429]);
    sent = [];
    answers = [busy(429, "40000"), good];
    expect((await ended(ask(timed({ maxWaitSeconds: 50_000 }))))[0]).toBe(200);
  });

  it.each(["-1", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT"])("takes a Retry-After of %j for none", async (retryAfter) => {
    answers = [busy(429, retryAfter), good];
    expect(await ended(ask(timed()))).toEqual([200, 250]);
  });

  it("ends at once when it is aborted, in a pause as in a read of the key, and leaves no timer", async () => {
    answers = [busy(429, "60")];
    const abort = new AbortController();
    const call = ask(timed(), { ...QUESTION, signal: abort.signal });
    const failed = expect(call).rejects.toThrow("enough");
    await jest.advanceTimersByTimeAsync(10_000);
    abort.abort(new Error("enough"));
    await failed;
    expect([sent.length, jest.getTimerCount()]).toEqual([1, 0]);
    store.gate = new Promise(() => undefined);
    const reading = new AbortController();
    const early = ask(timed(), { signal: reading.signal });
    reading.abort();
    await expect(early).rejects.toThrow("aborted");
    await expect(ask(timed(), { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
    expect(sent.length).toBe(1);
  });

  it("takes a key that was rotated meanwhile", async () => {
    const keys: (string | null)[] = [];
    answers = [busy(429, "60"), good];
    const by = agent({
      key: store.key({ refreshSeconds: 30 }),
      fetch: (_, init) => {
        keys.push(new Headers(init?.headers).get("authorization"));
        return Promise.resolve(answers.shift()!());
      },
    });
    const call = ask(by);
    await jest.advanceTimersByTimeAsync(1_000);
    const old = store.value;
    store.value = mintKey();
    await jest.runAllTimersAsync();
    expect((await call).status).toBe(200);
    expect(keys).toEqual([`Bearer ${old}`, `Bearer ${store.value}`]);
  });

  it.each([400, 403, 404, 422, 500, 502, 504])("is none of those that are answered %i: that is handed on", async (status) => {
    answers = [busy(status, "1")];
    expect(await ended(ask(timed()))).toEqual([status]);
  });
});

it("a stream is handed on untouched, also one that breaks off", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new Error("broken off"));
    },
  });
  const streamed = new Response(body);
  const calls = jest.fn(() => Promise.resolve(streamed));
  const response = await ask(agent({ fetch: calls }));
  expect(response).toBe(streamed);
  expect(response.bodyUsed).toBe(false);
  await expect(response.text()).rejects.toThrow("broken off");
  expect(calls).toHaveBeenCalledTimes(1);
});

it("a connection that fails is not tried again: the gateway may have done what was asked", async () => {
  gateway.answers = [{ status: 0 }];
  await expect(ask(agent())).rejects.toThrow("fetch failed");
  expect(gateway.asked.length).toBe(1);
});

it("no key is in an error, nor in what is seen of a gateway", async () => {
  const key = store.key();
  const by = agent({ key });
  await ask(by);
  gateway.answers = [{ status: 0 }];
  const errors = [
    await ask(by).catch((error: unknown) => error),
    await by.fetch("http://127.0.0.1:9/").catch((error: unknown) => error),
    await ask(agent({ key, endpoint: "http://127.0.0.1:1" })).catch((error: unknown) => error),
    await ask(by, { signal: AbortSignal.abort() }).catch((error: unknown) => error),
  ];
  const seen = [by, by.fetch, ...errors].map((what) => inspect(what, { depth: 12, showHidden: true })).join("\n");
  expect(errors.map((error) => (error as Error).name)).toEqual(["TypeError", "TypeError", "TypeError", "AbortError"]);
  expect(seen + JSON.stringify(by)).not.toContain(store.value.slice(3));
});

it.each([
  [{ endpoint: "https://llm.corp.example/v1" }, "endpoint: https://llm.corp.example/v1 is not a gateway's bare address"],
  [{ endpoint: "llm.corp.example" }, "endpoint: what was given is not a gateway's"],
  [{ endpoint: "ftp://llm.corp.example" }, "endpoint: ftp://llm.corp.example"],
  [{ endpoint: "https://me:hidden@llm.corp.example" }, "endpoint: https://llm.corp.example/ is not"],
  [{ endpoint: "https://llm.corp.example", maxTries: 0 }, "maxTries: 0 is not a whole number of at least 1"],
  [{ endpoint: "https://llm.corp.example", maxWaitSeconds: Infinity }, "maxWaitSeconds: Infinity is not a finite number"],
])("%j is refused by name", (props, message) => {
  const make = () => new AgentGateway({ ...props, key: store.key() });
  expect(make).toThrow(message);
  expect(make).not.toThrow("hidden");
});
