import { once } from "node:events";
import { createServer, Server } from "node:http";
import { AddressInfo } from "node:net";
import { AdminApi, keyHash } from "../../src/cli/keys/admin-api";
import { keySpec, reconcile } from "../../src/cli/keys/reconcile";
import { AgentState } from "../../src/litellm/agents";
import { AGENT_ROUTES } from "../../src/litellm/routes";

const MASTER = "master";
const agent = (name: string, more: Partial<AgentState> = {}): AgentState => ({
  name,
  secretName: `agents/${name}`,
  models: ["a", "b"],
  ...more,
});
const key = (name: string): string => `sk-key-of-${name}-0000`;

/** LiteLLM's key routes as measured: pages of 100 at most, generate on a known key answers 200 and changes nothing. */
class LiteLlm {
  public readonly keys = new Map<string, Record<string, unknown>>();
  public readonly asked: string[] = [];
  public running = 0;
  public most = 0;
  public failing?: string;
  private readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      this.most = Math.max(this.most, ++this.running);
      const url = new URL(request.url!, "http://x");
      const body = chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>) : {};
      this.asked.push(`${request.method} ${url.pathname}`);
      setTimeout(() => {
        this.running -= 1;
        const [status, reply] = request.headers.authorization === `Bearer ${MASTER}` ? this.answer(url, body) : [401, {}];
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(reply));
      }, 5);
    });
  });

  public async start(): Promise<AdminApi> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return new AdminApi(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}`, MASTER);
  }

  public stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private answer(url: URL, body: Record<string, unknown>): [number, object] {
    if (url.pathname === "/key/list") {
      const size = Number(url.searchParams.get("size"));
      if (size > 100) return [422, {}];
      const all = [...this.keys].map(([token, held]) => ({ token, ...held }));
      const first = (Number(url.searchParams.get("page")) - 1) * size;
      return [200, { keys: all.slice(first, first + size), total_pages: Math.ceil(all.length / size) }];
    }
    const { key: given, ...spec } = body as { key: string };
    const held = spec as { key_alias: string };
    if (held.key_alias.startsWith(this.failing ?? "-")) return [500, { error: { type: "internal_error", message: `about ${given}` } }];
    if (url.pathname === "/key/update") {
      if (!this.keys.has(given)) return [404, {}];
      this.keys.set(given, { ...this.keys.get(given), ...spec, spend: 1 });
      return [200, { key: given }];
    }
    if (!given.startsWith("sk-")) return [400, {}];
    // LiteLLM adds to the metadata what is its own.
    const metadata = { ...(body.metadata as object), litellm_note: 1 };
    if (!this.keys.has(keyHash(given))) this.keys.set(keyHash(given), { ...spec, metadata });
    return [200, { key: given }];
  }
}

describe("reconcile", () => {
  let litellm: LiteLlm;
  let api: AdminApi;
  beforeEach(async () => {
    litellm = new LiteLlm();
    api = await litellm.start();
  });
  afterEach(() => litellm.stop());

  it("makes keys with their models, routes and limits, and writes nothing the second time", async () => {
    const wanted = [agent("x", { qpm: 5, dailyTokens: 9, dailyBudgetUsd: 1.5 }), agent("y")].map((one) => ({
      agent: one,
      key: key(one.name),
    }));
    expect(await reconcile(api, AGENT_ROUTES, wanted)).toEqual([
      { agent: "x", action: "made" },
      { agent: "y", action: "made" },
    ]);
    expect(litellm.keys.get(keyHash(key("x")))).toMatchObject({
      models: ["a", "b"],
      allowed_routes: AGENT_ROUTES.map(({ path }) => path),
      rpm_limit: 5,
      tpm_limit: null,
      max_budget: 1.5,
      budget_duration: "1d",
      metadata: { aigw_agent: "x", aigw_daily_tokens: 9 },
    });
    litellm.asked.length = 0;
    expect((await reconcile(api, AGENT_ROUTES, wanted)).map(({ action }) => action)).toEqual(["unchanged", "unchanged"]);
    expect(litellm.asked).toEqual(["GET /key/list"]);
  });

  it.each([
    ["a limit that has come", { qpm: 6 }],
    ["one that has gone", { dailyTokens: undefined }],
    ["other models", { models: ["a"] }],
  ])("changes a key in place for %s", async (_, change) => {
    const before = agent("x", { dailyTokens: 9 });
    await reconcile(api, AGENT_ROUTES, [{ agent: before, key: key("x") }]);
    const after = { ...before, ...change };
    expect(await reconcile(api, AGENT_ROUTES, [{ agent: after, key: key("x") }])).toEqual([{ agent: "x", action: "changed" }]);
    expect(litellm.keys.get(keyHash(key("x")))).toMatchObject({ ...keySpec(after, keyHash(key("x")), AGENT_ROUTES), spend: 1 });
    expect((await reconcile(api, AGENT_ROUTES, [{ agent: after, key: key("x") }]))[0]!.action).toBe("unchanged");
  });

  it("works on eight at a time, over all pages of the list", async () => {
    const wanted = Array.from({ length: 250 }, (_, index) => agent(`agent-${index}`)).map((one) => ({ agent: one, key: key(one.name) }));
    await reconcile(api, AGENT_ROUTES, wanted);
    expect(litellm.keys.size).toBe(250);
    expect(litellm.most).toBe(8);
    litellm.asked.length = 0;
    await reconcile(api, AGENT_ROUTES, wanted);
    expect(litellm.asked).toEqual(Array(3).fill("GET /key/list"));
  });

  it("goes on with the others when one fails, and names it without its key", async () => {
    litellm.failing = "y-";
    const wanted = ["x", "y", "z"].map((name) => ({ agent: agent(name), key: key(name) }));
    const outcomes = await reconcile(api, AGENT_ROUTES, wanted);
    expect(outcomes.map(({ action }) => action)).toEqual(["made", "failed", "made"]);
    expect(outcomes[1]!.problem).toBe("POST /key/generate: 500 (internal_error)");
  });

  it("says when the master key is wrong", async () => {
    litellm.stop();
    litellm = new LiteLlm();
    const { endpoint } = (await litellm.start()) as unknown as { endpoint: string };
    await expect(reconcile(new AdminApi(endpoint, "other"), AGENT_ROUTES, [])).rejects.toThrow("GET /key/list: 401");
  });
});
