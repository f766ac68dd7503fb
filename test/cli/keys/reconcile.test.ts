import { AdminApi, keyHash } from "../../../src/cli/keys/admin-api";
import { keySpec } from "../../../src/cli/keys/key-spec";
import { expiryOf, reconcile } from "../../../src/cli/keys/reconcile";
import { mint } from "../../../src/cli/secrets/secret-value";
import { AGENT_ROUTES } from "../../../src/litellm/routes";
import { LiteLlmAdmin } from "../../support/litellm-admin/litellm-admin";
import { agent } from "./support";

let litellm: LiteLlmAdmin;
let api: AdminApi;
beforeEach(async () => {
  litellm = new LiteLlmAdmin();
  await litellm.start();
  api = new AdminApi(litellm.url, litellm.masterKey);
});
afterEach(() => litellm.stop());

it("makes the keys that it is given, in their order, and writes nothing the second time", async () => {
  const wanted = ["y", "x"].map((name) => ({ agent: agent(name, { qpm: 3 }), key: mint() }));
  const done: string[] = [];
  const outcomes = await reconcile(api, AGENT_ROUTES, wanted, (outcome) => done.push(outcome.agent));
  expect(outcomes).toEqual(wanted.map(({ agent: { name }, key }) => ({ agent: name, action: "made", key: keyHash(key).slice(0, 8) })));
  expect(done.sort()).toEqual(["x", "y"]);
  for (const { agent: own, key } of wanted) {
    expect(litellm.held(key)).toMatchObject({ models: own.models, key_alias: keySpec(own, keyHash(key), AGENT_ROUTES).key_alias });
  }
  litellm.asked.length = 0;
  expect((await reconcile(api, AGENT_ROUTES, wanted)).map(({ action }) => action)).toEqual(["unchanged", "unchanged"]);
  expect(litellm.asked).toEqual(["GET /key/list"]);
});

it("changes a key that was there when it was to be made", async () => {
  const [key, own] = [mint(), agent("x", { qpm: 3 })];
  litellm.before = (_, action) => {
    // Another one is faster, with other limits.
    if (action === "POST /key/generate" && litellm.keys.size === 0) {
      const spec = keySpec(agent("x"), keyHash(key), AGENT_ROUTES);
      litellm.keys.set(keyHash(key), { ...spec, expires: null, metadata: { ...spec.metadata } });
    }
    return undefined;
  };
  expect(await reconcile(api, AGENT_ROUTES, [{ agent: own, key }])).toMatchObject([{ action: "made" }]);
  expect(litellm.writes).toEqual(["POST /key/generate", "POST /key/update"]);
  expect(litellm.held(key)!.metadata.aigw_qpm).toBe(3);
});

it.each(["2026-12-31T18:00:00Z", "2026-12-31T18:00:00.000+00:00", "2026-12-31T18:00:00", "2026-12-31T19:00:00+01:00"])(
  "takes %s for the instant that it is",
  (expires) => expect(expiryOf({ token: "", expires })).toBe(Date.UTC(2026, 11, 31, 18)),
);

it("says when the master key is wrong", async () => {
  await expect(reconcile(new AdminApi(litellm.url, mint()), AGENT_ROUTES, [])).rejects.toThrow("GET /key/list: 401");
});
