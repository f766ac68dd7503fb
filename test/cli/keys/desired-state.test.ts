import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CommandError } from "../../../src/cli/command-error";
import { Desired, desiredOf } from "../../../src/cli/keys/desired-state";

const AGENT = { name: "x", secretName: "agents/x", models: ["a"], enabled: true };
const STATE = { version: 1, routes: [], groups: [], agents: [AGENT] };

let output: string;
beforeEach(() => {
  output = mkdtempSync(join(tmpdir(), "out-"));
  write("stacks/one/cdk.tf.json", { locals: {} });
  write("stacks/one/assets/agents.json", STATE);
});
afterEach(() => rmSync(output, { recursive: true }));

function write(path: string, content: object): string {
  const file = join(output, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(content));
  return file;
}

function stack(...documents: object[]): void {
  const locals = Object.fromEntries(
    documents.map((document, index) => [`gw${index}_Agents_Keys_0000000${index}`, JSON.stringify(document)]),
  );
  write("stacks/one/cdk.tf.json", { locals, resource: { aws_lb: { admin: { port: 8080 } } } });
}

const document = (more: object = {}): object => ({ version: 1, gateway: "gw", desiredState: "assets/agents.json", ...more });
const desired = (more: { endpoint?: string } = {}, environment: Record<string, string> = {}): Desired =>
  desiredOf({ output, ...more }, "gw", environment);

function refusal(work: () => unknown): CommandError {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2 });
    return error as CommandError;
  }
  throw new Error("nothing was refused");
}

it("finds the agents and the endpoint of the gateway in what is synthesized", () => {
  stack(document({ gateway: "other", desiredState: "nowhere" }), document({ endpoint: "http://gw.internal:${aws_lb.admin.port}/" }));
  expect(desired().state).toEqual(STATE);
  expect(desired().endpoint()).toBe("http://gw.internal:8080");
});

it("takes what a provisioner hands over, and an endpoint from the command line before all", () => {
  const environment = { AIGW_DESIRED_STATE: write("elsewhere.json", STATE), AIGW_ENDPOINT: "https://one.internal" };
  expect(desired({}, environment).endpoint()).toBe("https://one.internal");
  expect(desired({ endpoint: "https://two.internal:8443/" }, environment).endpoint()).toBe("https://two.internal:8443");
});

it("says how the endpoint is given where only Terraform knows it, once it is needed", () => {
  stack(document({ endpoint: "http://${aws_lb.admin.dns_name}:8080" }));
  expect(refusal(() => desired().endpoint()).message).toMatch(/is known to Terraform only; give it with --endpoint URL or AIGW_ENDPOINT/);
  stack(document());
  expect(refusal(() => desired().endpoint()).message).toMatch(
    /the stack has no admin listener \(adminFrom\); else give it with --endpoint URL/,
  );
  expect(desired({}, { AIGW_ENDPOINT: "http://127.0.0.1:1" }).endpoint()).toBe("http://127.0.0.1:1");
});

it.each(["gw.internal", "ftp://gw.internal", "https://me:word@gw.internal", "https://gw.internal?key=1"])(
  "refuses %s as an endpoint",
  (endpoint) => {
    stack(document());
    expect(refusal(() => desired({ endpoint }).endpoint()).message).toMatch(/^the endpoint is a URL such as/);
  },
);

it("tells a stack without agents, one with too many places for them, and a state that is none", () => {
  expect(refusal(() => desired()).message).toMatch(/says nothing of agents of gw/);
  stack(document(), document());
  expect(refusal(() => desired()).message).toMatch(/in 2 places; name one file in AIGW_DESIRED_STATE/);
  const file = (content: object) => ({ AIGW_DESIRED_STATE: write("state.json", content) });
  const none = /the desired state of agents is not one of version 1/;
  expect(refusal(() => desired({}, file({ ...STATE, version: 2 }))).message).toMatch(none);
  expect(refusal(() => desired({}, file({ ...STATE, agents: [{ ...AGENT, models: [] }] }))).message).toMatch(none);
  expect(refusal(() => desired({}, file({ ...STATE, agents: [{ ...AGENT, name: "a/b" }] }))).message).toMatch(none);
  expect(refusal(() => desired({}, { AIGW_DESIRED_STATE: join(output, "nowhere") })).message).toMatch(/synthesize again/);
});
