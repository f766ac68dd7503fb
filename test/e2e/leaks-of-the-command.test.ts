// Canaries go into every command by every entrance, the wrong ones too; what it says and what `ps` shows is searched for them.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DesiredState } from "../../src/litellm/agents";
import { AGENT_ROUTES } from "../../src/litellm/routes";
import type { SecretStoreSettings } from "../../src/secret-store";
import type { SecretsDocument } from "../../src/secrets-document";
import { readable } from "../cli/scan/support";
import { Canaries } from "../support/leaks/canaries";
import { Call, Commands } from "../support/leaks/commands";
import { ProcessWatch } from "../support/leaks/process-watch";
import { canariesIn, leaksIn } from "../support/leaks/search";
import { alicloudKms, LeakStore, secretsManager, vaultKv } from "../support/leaks/stores";
import { LiteLlmAdmin } from "../support/litellm-admin/litellm-admin";
import { MotoCloud, startMoto } from "../support/moto";
import { KmsDouble } from "../support/secret-stores/alicloud-kms";
import { Answer, Asked, RunningServer, serve } from "../support/secret-stores/server";
import { documentOf } from "../support/secret-stores/tested-stores";
import { VaultDouble } from "../support/secret-stores/vault";

/** Those that no argument holds; the others are seen in the list of processes, which is why they are refused. */
const canaries = new Canaries();
const asArguments = new Canaries();
const kms = new KmsDouble();
const vault = new VaultDouble();
const litellm = new LiteLlmAdmin();
let work: string;
let moto: MotoCloud;
let watch: ProcessWatch;
let commands: Commands;

/** A store, and how the command is led to it, or to somebody else in its place. */
interface DrivenStore {
  readonly store: () => LeakStore;
  readonly settings: (url: string) => SecretStoreSettings;
  readonly url: () => string;
  /** What leads the command there beside the document. */
  readonly at: (url: string) => Readonly<Record<string, string>>;
}

const STORES: Readonly<Record<string, DrivenStore>> = {
  "Secrets Manager": {
    store: () => secretsManager(moto, canaries),
    settings: () => ({ kind: "aws-secrets-manager", region: "eu-central-1" }),
    url: () => moto.endpoint,
    at: (url) => ({ AWS_ENDPOINT_URL: url }),
  },
  KMS: {
    store: () => alicloudKms(kms, { AIGW_KMS_ENDPOINT: kms.url, ...kms.environment }, canaries),
    settings: () => ({ kind: "alicloud-kms", region: "cn-shanghai" }),
    url: () => kms.url,
    at: (url) => ({ AIGW_KMS_ENDPOINT: url }),
  },
  Vault: {
    store: () => vaultKv(vault, canaries),
    settings: (address) => ({ kind: "vault", address, mount: "secret", auth: { method: "aws", mount: "aws", role: "gw" } }),
    url: () => vault.url,
    at: () => ({}),
  },
};

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "leaks-of-the-command-"));
  [moto] = await Promise.all([startMoto(), kms.start(), vault.start(), litellm.start()]);
  commands = new Commands(join(work, "commands"));
  watch = await ProcessWatch.start(join(work, "processes.txt"));
});
afterAll(async () => {
  await Promise.all([moto.stop(), kms.stop(), vault.stop(), litellm.stop()]);
  rmSync(work, { recursive: true });
});

const textOf = (document: SecretsDocument): string => JSON.stringify(document);

describe.each(Object.entries(STORES))("secrets in %s", (kind, { store, settings, url, at }) => {
  const around = (where = url()) => ({
    ...store().environment,
    ...at(where),
    AIGW_SECRETS: textOf(documentOf(settings(where), "anthropic")),
  });
  const into = (what: string) => canaries.passwordInto(`${kind}: ${what}`);

  it("are put, minted, told of, rotated, rolled back and retired", async () => {
    const environment = around();
    const works = (words: string, input?: string, code = 0, more: Record<string, string> = {}) =>
      commands.works({ words: ["secrets", ...words.split(" ")], input, environment: { ...environment, ...more } }, code);
    await store().hold("gw/anthropic", into("put by another program"));
    await works("put openai", into("put, standard input"));
    await works("put openai --from-env KEY", "", 0, { KEY: into("put, --from-env") });
    await works("put azure --field client_secret", into("put, standard input, --field"));
    await works("ensure", into("ensure, standard input, which it does not read"), 3);
    await works("put azure --field client_id --from-env KEY", "", 0, { KEY: into("put, --from-env, --field") });
    const whole = { client_id: into("put, an object's field"), client_secret: into("put, an object's other field") };
    await works("put azure", JSON.stringify(whole));
    await works("ensure");
    await works("rotate openai", into("rotate, standard input"));
    await works("rotate openai --from-env KEY", "", 0, { KEY: into("rotate, --from-env") });
    await works("rotate master-key");
    await works("rollback openai", into("rollback, standard input, which it does not read"));
    await works("retire openai --force", into("retire, standard input, which it does not read"));
    await works("status");
    await works("status --json");
    for (const { name, value } of await store().values()) canaries.known(`${kind}: what the store holds, ${name}`, value);
  });

  it("are refused in a wrong shape", async () => {
    const refused = (words: string, input: string, code = 1) =>
      commands.works({ words: ["secrets", ...words.split(" ")], input, environment: around() }, code);
    await refused("put openai", `${into("two lines, the first")}\n${into("two lines, the second")}\n`);
    await refused("put openai", `${into("more than a store takes")}${"x".repeat(70_000)}`);
    await refused("put azure", into("an object's place"));
    await refused("put azure", `{"client_secret": "${canaries.into(`${kind}: JSON that ends early`)}`);
    await refused("put azure", JSON.stringify({ client_secret: into("an object without a field") }));
    await refused("put azure", JSON.stringify({ client_id: 1, password: into("an object with another field"), client_secret: "x" }));
    await refused("put master-key", into("a master key that LiteLLM does not take"));
    await refused("put salt-key", into("another salt key"));
    await refused("rotate salt-key", into("rotate, another salt key"));
  });

  it("are in a store that is not there, or refuses, or repeats all that it is asked", async () => {
    const trouble: Record<string, (asked: Asked) => Answer> = {
      "ends the connection": () => ({ status: 0 }),
      "refuses and repeats": (asked) => ({ status: 403, body: JSON.stringify(refusal(asked)) }),
      "refuses in words that are no JSON": (asked) => ({ status: 403, body: `${asked.body}${asked.url.search}` }),
      "answers what is no JSON": (asked) => ({ status: 200, body: `${valueIn(asked)} ${JSON.stringify(asked.headers)}` }),
      "answers JSON of another kind": (asked) => ({ status: 200, body: JSON.stringify({ [valueIn(asked)]: valueIn(asked) }) }),
    };
    const nobody: RunningServer = { url: "http://127.0.0.1:1", stop: () => Promise.resolve() };
    const servers = Object.entries(trouble).map(async ([what, answer]) => [what, await serve(answer)] as const);
    const cases = [["is not there", nobody] as const, ...(await Promise.all(servers))].map(async ([what, server]) => {
      try {
        const call = (words: string): Call => ({
          words: ["secrets", ...words.split(" ")],
          input: into(`${words}, in a store that ${what}`),
          environment: around(server.url),
        });
        const all = ["put openai", "put azure --field client_id", "ensure", "status", "status --json", "rotate openai", "rollback openai"];
        const codes = await Promise.all([...all, "retire openai --force"].map(async (words) => (await commands.run(call(words))).code));
        expect({ what, others: codes.filter((code) => ![0, 1, 3].includes(code ?? -1)) }).toEqual({ what, others: [] });
      } finally {
        await server.stop();
      }
    });
    await Promise.all(cases);
  });
});

/** What leads `keys` to the agents and to the gateway. */
function keysAround(): Record<string, string> {
  const file = join(work, "agents.json");
  const agents = [{ name: "x", secretName: "agents/x", models: ["a"], enabled: true }];
  writeFileSync(file, JSON.stringify({ version: 1, routes: AGENT_ROUTES, groups: [], agents } satisfies DesiredState));
  return { AIGW_DESIRED_STATE: file, AIGW_ENDPOINT: litellm.url };
}

describe("agents' keys", () => {
  it("are made, told of, rotated and revoked, at a gateway that knows them, has another master key, or repeats all that it is asked", async () => {
    const own = new VaultDouble();
    await own.start();
    const document = textOf(documentOf(STORES.Vault!.settings(own.url)));
    const environment = { ...keysAround(), VAULT_TOKEN: canaries.known("the token of Vault", own.token), AIGW_SECRETS: document };
    const works = (words: string, code = 0) => commands.works({ words: ["keys", ...words.split(" ")], environment }, code);
    const value = canaries.known("the master key", litellm.masterKey);
    own.secrets.set("gw/master-key", [{ data: { value }, made: new Date() }]);
    for (const words of ["apply", "apply --json", "apply --agent x", "diff", "list", "list --json", "rotate x", "rotate --all --json"])
      await works(words);
    for (const words of ["usage", "usage --json", "usage --suggest", "diff --json"]) await works(words);
    // Whatever is written fails; what asks whether the gateway is ready does not.
    litellm.before = (_, action, body) => {
      const message = `${action} ${JSON.stringify(body)}`;
      return action.startsWith("POST ") ? { status: 500, body: JSON.stringify({ error: { type: "x", message } }) } : undefined;
    };
    for (const words of ["rotate x", "revoke x"]) await works(words, 1);
    litellm.before = () => undefined;
    await works("revoke x");
    litellm.masterKey = canaries.into("another master key");
    await works("list", 1);
    const kept = (own.secrets.get("gw/agents/x") ?? []).map(({ data }) => data.value as string).filter((text) => text.startsWith("sk-"));
    expect(kept.length).toBeGreaterThan(2);
    kept.forEach((key) => canaries.known("an agent's key", key));
    await own.stop();
  });
});

/** What three stores' refusals look like, with all that was asked in every place for words. */
function refusal({ method, url, headers, body }: Asked): object {
  const words = `${method} ${url.href} ${JSON.stringify(headers)} ${body}`;
  return {
    __type: "AccessDeniedException",
    message: words,
    Code: "Forbidden.NoPermission",
    Message: words,
    RequestId: words,
    errors: [words],
  };
}

/** The value that a store is asked to keep, or what it was asked. */
function valueIn({ url, body }: Asked): string {
  const sent = /"(?:SecretString|value|client_id)"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(body)?.[1];
  return url.searchParams.get("SecretData") ?? (sent === undefined ? body : (JSON.parse(sent) as string));
}

/** What a hurried hand types where a value should have come by standard input. */
const MISTAKES = [
  ...["VALUE", "put VALUE", "put openai VALUE", "openai=VALUE", "--token=VALUE", "-xVALUE", "help VALUE", "--version VALUE"],
  ...["local VALUE", "local --port VALUE", "local --output VALUE", "local --gateway VALUE", "local --token=VALUE"],
  ...["synth-check VALUE", "synth-check . VALUE", "synth-check --token=VALUE", "synth-check --json=VALUE"],
  ...["scan VALUE", "scan . --token=VALUE", "scan --canary-file VALUE .", "scan --allow VALUE .", "scan --json=VALUE ."],
  ...["role VALUE", "role check VALUE", "role check VALUE --policy policy.json", "role check gateway --policy VALUE"],
  ...["role check gateway --policy policy.json VALUE", "role check gateway --token=VALUE"],
  ...["keys VALUE", "keys --token=VALUE", "keys apply VALUE", "keys apply --agent VALUE", "keys apply --group VALUE", "keys rotate VALUE"],
  ...["keys rotate x VALUE", "keys rotate x --overlap VALUE", "keys revoke VALUE", "keys list --endpoint VALUE", "keys usage --key=VALUE"],
  ...["secrets VALUE", "secrets --token=VALUE", "secrets help VALUE", "secrets -pVALUE"],
  ...["put", "rotate", "retire", "rollback"].flatMap((command) =>
    ["VALUE", "openai VALUE", "openai --value VALUE", "openai --value=VALUE", "openai -pVALUE"].map((rest) => `secrets ${command} ${rest}`),
  ),
  ...["ensure", "status"].flatMap((command) => ["VALUE", "--value VALUE", "--value=VALUE"].map((rest) => `secrets ${command} ${rest}`)),
  ...["document", "output", "stack", "gateway", "workspace"].flatMap((option) => [
    `secrets put openai --${option} VALUE`,
    `secrets status --${option} VALUE`,
  ]),
  ...["put openai --from-env", "put openai --field", "put azure --field", "put openai --encryption-key", "put openai --kms-instance"].map(
    (words) => `secrets ${words} VALUE`,
  ),
  ...["ensure --encryption-key", "ensure --kms-instance", "ensure --allow-missing", "status --max-age", "rotate openai --timeout"].map(
    (words) => `secrets ${words} VALUE`,
  ),
  ...["rotate openai --poll", "retire openai --log-group", "retire openai --scaling-group"].map((words) => `secrets ${words} VALUE`),
];

describe("a value in a wrong place", () => {
  const said: { readonly words: string; readonly value: string; readonly text: string }[] = [];

  async function say(words: string, value: string, call: Omit<Call, "words">): Promise<void> {
    const { stdout, stderr } = await commands.run({ words: words.split(" ").map((word) => word.replace("VALUE", value)), ...call });
    said.push({ words, value, text: stdout + stderr });
  }

  /** No eight characters in a row: messages shorten what they repeat. */
  const repeating = (): string[] => said.splice(0).flatMap(({ words, value, text }) => (readable([value], text).length > 0 ? [words] : []));

  beforeAll(() => {
    writeFileSync(join(work, "commands", "policy.json"), JSON.stringify({ Version: "2012-10-17", Statement: [] }));
  });

  it("is not repeated, whichever word it is", async () => {
    const document = textOf(documentOf(STORES.KMS!.settings(kms.url), "anthropic"));
    const environment = { ...STORES.KMS!.store().environment, ...keysAround(), AIGW_SECRETS: document };
    const drive = (words: string, around: Readonly<Record<string, string>>) =>
      say(words, asArguments.into(`argument: ${words}`), { environment: around });
    await Promise.all(MISTAKES.map((words) => drive(words, environment)));
    // Where the document comes from the synthesized stack that the word names.
    const choices = MISTAKES.filter((words) => /^secrets \S+.* --(output|stack|gateway|workspace) /.test(words));
    await Promise.all(choices.map((words) => drive(words, { ...environment, AIGW_SECRETS: "" })));
    expect(repeating()).toEqual([]);
  });

  it("is not repeated when it is in a file or a variable that should hold something else", async () => {
    const texts: Record<string, (value: string) => string> = {
      bare: (value) => `${value}\n`,
      "in lines": (value) => `x ${value}\ny ${value} ${value}\n`,
      "in JSON": (value) => JSON.stringify({ [value]: value, version: 1, gateway: value, stores: { [value]: value }, secrets: [value] }),
      "in JSON that ends early": (value) => `{"Version": "${value}`,
      "in a policy": (value) => JSON.stringify({ Version: value, Statement: value }),
    };
    const uses = [
      "secrets put openai --document FILE",
      "secrets status --document FILE",
      "role check gateway --policy FILE",
      "scan --allow FILE .",
      "scan --canary-file FILE empty",
      "scan FILE",
      "scan --json --verbose FILE",
    ];
    const cases = Object.entries(texts).flatMap(([how, text], index) =>
      uses.map(async (words) => {
        const value = canaries.into(`file of ${words}, ${how}`);
        const file = join(work, "files", `${index}-${uses.indexOf(words)}`);
        mkdirSync(join(work, "files"), { recursive: true });
        writeFileSync(file, text(value));
        await say(words.replace("FILE", file), value, {});
      }),
    );
    const inVariables = Object.entries(texts).flatMap(([how, text]) =>
      Object.entries({
        AIGW_SECRETS: "secrets status",
        AIGW_CANARIES: "scan empty",
        AIGW_AGENT: "keys apply",
        TF_WORKSPACE: "secrets status",
      }).map(([name, words]) => {
        const value = canaries.into(`${name} of ${words}, ${how}`);
        return say(words, value, { environment: { [name]: text(value) } });
      }),
    );
    await Promise.all([...cases, ...inVariables]);
    expect(repeating()).toEqual([]);
  });
});

describe("all of it", () => {
  beforeAll(() => watch.stop());

  it("has said no canary", async () => {
    expect(readdirSync(join(work, "commands")).length).toBeGreaterThan(300);
    const all = new Canaries();
    for (const given of [canaries, asArguments]) given.values.forEach((value) => all.known(given.entranceOf(value), value));
    expect(await leaksIn([join(work, "commands")], all)).toEqual([]);
    const files = readdirSync(join(work, "commands")).filter((name) => /\.std(out|err)$/.test(name));
    const text = files.map((name) => readFileSync(join(work, "commands", name), "utf8")).join("\n");
    // An object's names are said, its values are looked for one by one.
    expect(
      readable(
        canaries.values.filter((value) => !value.startsWith("{")),
        text,
      ),
    ).toEqual([]);
  });

  it("was in no process's arguments but where a hand typed it, which is seen there", async () => {
    const file = join(work, "processes.txt");
    expect(await canariesIn([file], canaries)).toEqual([]);
    expect((await canariesIn([file], asArguments)).length).toBeGreaterThan(MISTAKES.length / 2);
  });
});
