import { ChildProcess } from "node:child_process";
import type { SecretsDocument } from "../../src/secrets-document";
import type { Answer } from "../support/secret-stores/server";
import {
  ALICLOUD_REGION,
  AWS_REGION,
  canary,
  documentOf,
  StoreName,
  surroundings,
  TestedStore,
  TestedStores,
} from "../support/secret-stores/tested-stores";
import { Ended, SecretsCommand } from "../support/secrets-command";

const NOWHERE = "http://127.0.0.1:1";
const ACCOUNT = "222222222222";
const tested = new TestedStores();
const { kms, vault } = tested;
let command: SecretsCommand;

beforeAll(async () => {
  command = new SecretsCommand();
  await tested.start();
});
afterAll(async () => {
  await tested.stop();
  command.dispose();
});
beforeEach(() => tested.forget());
afterEach(() => tested.clear());

/** What is wrong, and how each store's half of the command says it. */
interface Fault {
  /** Before it, `openai` and the fields of `azure` have values. */
  readonly words?: readonly string[] | ((store: StoreName) => readonly string[]);
  /** Instead of a canary. */
  readonly input?: string;
  readonly code?: number;
  /** Makes it so; may answer what the command finds in its environment. */
  readonly arrange?: Partial<Record<StoreName, (store: TestedStore) => unknown>>;
  readonly says: Readonly<Partial<Record<StoreName, string | RegExp>>>;
}

type Around = Record<string, string>;

const ALL = (text: string | RegExp): Fault["says"] => ({ "AWS Secrets Manager": text, "Alibaba Cloud KMS": text, "HashiCorp Vault": text });

/** Answers in the place of Secrets Manager, which moto lets anyone call, to all but the actions that are named. */
async function awsAnswers(store: TestedStore, type: string, actions: RegExp): Promise<Around> {
  const { between, url } = await tested.standBefore(store);
  const answer: Answer = { status: 400, body: JSON.stringify({ __type: type, message: "in words" }) };
  between.before = (_, action) => (actions.test(action) ? answer : undefined);
  return surroundings(store, url);
}

/** The document with `openai` under another name. */
function renamed(store: TestedStore, name: string): Around {
  const document: SecretsDocument = documentOf(store.settings(store.url()));
  const secrets = document.secrets.map((secret) => (secret.name === "gw/openai" ? { ...secret, name } : secret));
  return { ...surroundings(store), AIGW_SECRETS: JSON.stringify({ ...document, secrets }) };
}

const awsArn = (region: string): string => `arn:aws:secretsmanager:${region}:${ACCOUNT}:secret:team/openai-AbCdEf`;
const kmsArn = (region: string): string => `acs:kms:${region}:${ACCOUNT}:secret/team-openai`;

const FAULTS: Readonly<Record<string, Fault>> = {
  "a secret that is not there": {
    words: ["rotate", "gw/openai"],
    arrange: {
      "AWS Secrets Manager": () => tested.forget(),
      "Alibaba Cloud KMS": () => tested.forget(),
      "HashiCorp Vault": () => tested.forget(),
    },
    says: ALL("gw/openai: it has no value to rotate; cdktf-ai-gateway secrets put gw/openai"),
  },
  "a secret that the gateway does not have": {
    words: ["put", "openia"],
    code: 2,
    says: ALL('"openia" is not a secret of gw; did you mean "openai"?'),
  },
  "a field that the secret does not have": {
    words: ["put", "azure", "--field", "client-id"],
    says: ALL('gw/azure: "client-id" is not one of its fields; did you mean "client_id"?'),
  },
  "an object with another field": {
    words: ["put", "azure"],
    input: JSON.stringify({ client_id: "a", tenant: "b" }),
    says: ALL("gw/azure: a JSON object with exactly the fields client_id, client_secret, each a text, is wanted; or put one at a time"),
  },
  "a stored object without its field": {
    words: ["ensure"],
    code: 3,
    arrange: {
      "AWS Secrets Manager": () => tested.secretsManager("PutSecretValue", { SecretId: "gw/azure", SecretString: '{"client_id":"a"}' }),
      "Alibaba Cloud KMS": () =>
        kms.secrets.get("gw/azure")!.versions.push({ id: "x", text: '{"client_id":"a"}', made: new Date(), stages: takenFrom("gw/azure") }),
      "HashiCorp Vault": () => vault.secrets.get("gw/azure")!.push({ data: { client_id: "a" }, made: new Date() }),
    },
    says: ALL("  cdktf-ai-gateway secrets put gw/azure --field client_secret < FILE"),
  },
  "an empty value": { input: " \n", says: ALL("gw/openai: the value is empty") },
  "no permission": {
    arrange: {
      "AWS Secrets Manager": (store) => awsAnswers(store, "AccessDeniedException", /^PutSecretValue$/),
      "Alibaba Cloud KMS": () => kms.denied.add("PutSecretValue"),
      "HashiCorp Vault": () => vault.denied.add("POST data"),
    },
    says: {
      "AWS Secrets Manager": `gw/openai: Secrets Manager in ${AWS_REGION} answered AccessDeniedException: no permission; the caller needs secretsmanager:PutSecretValue on the secret`,
      "Alibaba Cloud KMS": `gw/openai: KMS in ${ALICLOUD_REGION} answered Forbidden.NoPermission: no permission; the caller needs kms:PutSecretValue on the secret`,
      "HashiCorp Vault":
        /^error: gw\/openai: Vault at \S+ answered HTTP 403: no permission, or the token has ended; it needs create, read and update/,
    },
  },
  "throttling that does not end": {
    arrange: {
      "AWS Secrets Manager": (store) => awsAnswers(store, "ThrottlingException", /./),
      "Alibaba Cloud KMS": () => (kms.throttled = 1000),
      "HashiCorp Vault": () => (vault.throttled = 1000),
    },
    says: ALL(/^error: gw\/openai: .* answered \S+( 429)?: throttled, also after three more tries; run it again later\n$/),
  },
  "an ARN of another region": {
    words: ["status"],
    code: 2,
    arrange: {
      "AWS Secrets Manager": (store) => renamed(store, awsArn("us-east-1")),
      "Alibaba Cloud KMS": (store) => renamed(store, kmsArn("cn-beijing")),
      "HashiCorp Vault": (store) => renamed(store, awsArn("us-east-1")),
    },
    says: {
      "AWS Secrets Manager": `${awsArn("us-east-1")}: it is the ARN of a secret in us-east-1, and the store is in ${AWS_REGION}`,
      "Alibaba Cloud KMS": `${kmsArn("cn-beijing")}: it is the ARN of a secret in cn-beijing, and the store is in ${ALICLOUD_REGION}`,
      "HashiCorp Vault": `${awsArn("us-east-1")}: it is an ARN, and the store is a Vault, in which a secret is named by its path`,
    },
  },
  "an ARN of another account, which may not be read": {
    words: ["status"],
    arrange: {
      "AWS Secrets Manager": async (store) => ({
        ...(await awsAnswers(store, "AccessDeniedException", /^DescribeSecret$/)),
        AIGW_SECRETS: renamed(store, awsArn(AWS_REGION)).AIGW_SECRETS!,
      }),
      "Alibaba Cloud KMS": (store) => {
        kms.denied.add("DescribeSecret");
        return renamed(store, kmsArn(ALICLOUD_REGION));
      },
    },
    says: {
      "AWS Secrets Manager": `${awsArn(AWS_REGION)}: Secrets Manager in ${AWS_REGION} answered AccessDeniedException: no permission; the caller needs secretsmanager:DescribeSecret on the secret, and its key where it has one of its own; if account ${ACCOUNT} is not the caller's, the policies of the secret and of its key must allow it too`,
      "Alibaba Cloud KMS": new RegExp(
        `${kmsArn(ALICLOUD_REGION)}: KMS in ${ALICLOUD_REGION} answered Forbidden.NoPermission: no permission; .*; if account ${ACCOUNT} is not the caller's, the policies`,
      ),
    },
  },
  "an ARN of another account, which is not there": {
    words: (store) => ["put", store === "AWS Secrets Manager" ? awsArn(AWS_REGION) : kmsArn(ALICLOUD_REGION)],
    arrange: {
      "AWS Secrets Manager": (store) => renamed(store, awsArn(AWS_REGION)),
      "Alibaba Cloud KMS": (store) => renamed(store, kmsArn(ALICLOUD_REGION)),
    },
    says: {
      "AWS Secrets Manager": `answered ResourceNotFoundException: there is no such secret in account ${ACCOUNT}, or the caller may not know of it; one that is named by its ARN is made there, not here`,
      "Alibaba Cloud KMS": `answered Forbidden.ResourceNotFound: there is no such secret in account ${ACCOUNT}`,
    },
  },
  "a deleted secret in its recovery window": {
    arrange: {
      "AWS Secrets Manager": () => tested.secretsManager("DeleteSecret", { SecretId: "gw/openai", RecoveryWindowInDays: 7 }),
      "Alibaba Cloud KMS": () => (kms.secrets.get("gw/openai")!.leaves = new Date(Date.now() + 86_400_000)),
      "HashiCorp Vault": () => (vault.secrets.get("gw/openai")!.at(-1)!.deleted = new Date()),
    },
    says: {
      "AWS Secrets Manager": `it is scheduled for deletion; bring it back with: aws secretsmanager restore-secret --region ${AWS_REGION} --secret-id gw/openai`,
      "Alibaba Cloud KMS": `it is scheduled for deletion; bring it back with: aliyun kms RestoreSecret --RegionId ${ALICLOUD_REGION} --SecretName gw/openai`,
      "HashiCorp Vault": "its newest version is deleted; bring it back with: vault kv undelete -versions=1 -mount=secret gw/openai",
    },
  },
  "a key that is not where the secret is": {
    arrange: {
      "AWS Secrets Manager": (store) => awsAnswers(store, "EncryptionFailure", /^PutSecretValue$/),
      "Alibaba Cloud KMS": () =>
        kms.secrets.delete("gw/openai") && kms.keys.set("key-of-another", { id: "key-of-another", instance: "kst-1" }),
    },
    words: ["put", "openai", "--encryption-key", "key-of-another", "--kms-instance", "kst-2"],
    says: {
      "AWS Secrets Manager": "answered EncryptionFailure: its key can not be used; is the key disabled, or of another account or region?",
      "Alibaba Cloud KMS":
        /^error: gw\/openai: KMS in \S+ answered \S+: a secret and its key must be in the same KMS instance; name both with --kms-instance/,
    },
  },
  "a store that is away": {
    arrange: {
      "AWS Secrets Manager": (store) => surroundings(store, NOWHERE),
      "Alibaba Cloud KMS": (store) => surroundings(store, NOWHERE),
      "HashiCorp Vault": (store) => surroundings(store, NOWHERE),
    },
    says: {
      "AWS Secrets Manager": `gw/openai: Secrets Manager in ${AWS_REGION} answered ECONNREFUSED: nothing answers there; is AWS_ENDPOINT_URL set?`,
      "Alibaba Cloud KMS": `gw/openai: KMS in ${ALICLOUD_REGION} answered ECONNREFUSED: nothing answers there; is AIGW_KMS_ENDPOINT set?`,
      "HashiCorp Vault": `gw/openai: Vault at ${NOWHERE} answered ECONNREFUSED: nothing answers there`,
    },
  },
};

/** Takes the stages of a secret away from its versions. */
function takenFrom(name: string): Set<string> {
  for (const { stages } of kms.secrets.get(name)!.versions) stages.clear();
  return new Set(["ACSCurrent"]);
}

describe.each(Object.entries(tested.all) as [StoreName, TestedStore][])("%s", (name, store) => {
  const value = canary();

  it.each(Object.entries(FAULTS).filter(([, { says }]) => says[name] !== undefined))("%s is told", async (_, fault) => {
    const { words = ["put", "gw/openai"], input = value, code = 1, arrange, says } = fault;
    const [openai, client] = [canary(), canary()];
    const before = surroundings(store);
    await Promise.all([
      command.run(["put", "openai"], { input: openai, environment: before }),
      command.run(["put", "azure"], { input: JSON.stringify({ client_id: client, client_secret: client }), environment: before }),
    ]);
    const around = await arrange?.[name]?.(store);
    const isAround = typeof around === "object" && around !== null && "AIGW_SECRETS" in around;
    const called = typeof words === "function" ? words(name) : words;
    const started = Date.now();
    const ended = await command.run(called, { input, environment: isAround ? (around as Around) : before });
    expect(Date.now() - started).toBeLessThan(30_000);
    const said = says[name]!;
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({
      code,
      stderr: (typeof said === "string" ? expect.stringContaining(said) : expect.stringMatching(said)) as string,
    });
    expect(ended.stderr).toMatch(/^error: /);
    for (const hidden of [value, openai, client]) expect(ended.stdout + ended.stderr).not.toContain(hidden);
  });

  it("is asked again when it is throttled", async () => {
    const around = name === "AWS Secrets Manager" ? await throttledTwice(store) : surroundings(store);
    kms.throttled = vault.throttled = 2;
    expect(await command.run(["put", "openai"], { input: value, environment: around })).toMatchObject({ code: 0, stderr: "" });
    expect(await store.value("gw/openai")).toBe(value);
  });

  it("is whole wherever a put is killed, the first one and the next, and it can be run again", async () => {
    const { between, url } = await tested.standBefore(store);
    const environment = surroundings(store, url);
    const put = (input: string, started?: (child: ChildProcess) => void): Promise<Ended> =>
      command.run(["put", "openai"], { input, environment, started });
    for (const old of [undefined, canary()]) {
      const prepare = async (): Promise<void> => {
        await tested.forget();
        if (old !== undefined) await put(old);
        between.calls.length = 0;
      };
      await prepare();
      await put(value);
      const calls = between.calls.length;
      expect(calls).toBeGreaterThanOrEqual(2);
      for (const moment of ["before", "after"] as const) {
        for (let last = 0; last < calls; last += 1) {
          await prepare();
          let child: ChildProcess | undefined;
          const killed = (call: number): boolean => call === last && child!.kill("SIGKILL");
          if (moment === "before") between.before = (call) => (killed(call) ? { status: 0 } : undefined);
          else between.after = killed;
          await put(value, (started) => (child = started));
          between.before = () => undefined;
          between.after = () => false;
          expect(child!.signalCode).toBe("SIGKILL");
          expect([old, value]).toContain(await store.value("gw/openai"));
          expect((await put(value)).code).toBe(0);
          expect([await store.value("gw/openai"), await store.value("gw/openai", "previous")]).toEqual([value, old]);
        }
      }
    }
  });
});

async function throttledTwice(store: TestedStore): Promise<Around> {
  const { between, url } = await tested.standBefore(store);
  between.before = (call) => (call < 2 ? { status: 400, body: JSON.stringify({ __type: "ThrottlingException" }) } : undefined);
  return surroundings(store, url);
}

describe("a deleted secret in Vault", () => {
  const store = tested.all["HashiCorp Vault"];
  const run = (words: readonly string[], input = ""): Promise<Ended> => command.run(words, { input, environment: surroundings(store) });

  it("is not minted anew: a new salt key would make all unreadable", async () => {
    await run(["ensure", "--allow-missing"]);
    vault.secrets.get("gw/salt-key")!.at(-1)!.deleted = new Date();
    expect(await run(["ensure"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("gw/salt-key: Vault at") as string,
    });
    expect(vault.secrets.get("gw/salt-key")).toHaveLength(1);
  });

  it("is one whose time has come, not one that will be deleted some day", async () => {
    const value = canary();
    await run(["put", "openai"], value);
    vault.secrets.get("gw/openai")!.at(-1)!.deleted = new Date(Date.now() + 3_600_000);
    expect((await run(["put", "openai"], value)).stdout).toContain("that is the current value already");
  });
});
