import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAlicloudRole } from "../../../src/cli/role/alicloud-role";
import { readAwsRole } from "../../../src/cli/role/aws-role";
import { checkRole } from "../../../src/cli/role/check";
import { AlicloudAccount } from "../../support/secret-stores/alicloud-account";
import { RamDouble } from "../../support/secret-stores/alicloud-ram";

const ARN = "acs:ram::1234567890123456:role/nodes";
const SECRET = "acs:kms:cn-shanghai:1234567890123456:secret/gw/openai";
const READ = { Effect: "Allow", Action: ["kms:GetSecretValue"], Resource: [SECRET] };
const LOG = { Effect: "Allow", Action: "log:PostLogStoreLogs", Resource: "acs:log:*:*:project/gw/logstore/requests" };
const TRUST = { Version: "1", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: ["ecs.aliyuncs.com"] } }] };

const account = new AlicloudAccount();
const ram = new RamDouble(account);
const folder = mkdtempSync(join(tmpdir(), "role-"));
const environment = { ...process.env };

beforeAll(() => ram.start());
afterAll(async () => {
  await ram.stop();
  rmSync(folder, { recursive: true });
  process.env = environment;
});
beforeEach(() => {
  process.env = { ...environment, ...account.environment, AIGW_RAM_ENDPOINT: ram.url };
  ram.denied.clear();
  ram.roles.clear();
  ram.roles.set("nodes", { arn: ARN, trust: TRUST, policies: { one: policy(READ), two: policy(LOG) } });
});

function policy(...Statement: object[]): string {
  return JSON.stringify({ Version: "1", Statement });
}

async function checked(required: string, json = false, role = "nodes"): Promise<[number, string]> {
  const file = join(folder, "policy.json");
  writeFileSync(file, required);
  let text = "";
  const code = await checkRole(role, { policy: file, json }, (part) => (text += part), { aws: readAwsRole, alicloud: readAlicloudRole });
  return [code, text];
}

it("reads all policies of a role, and ends with 0 when they are what is needed", async () => {
  expect(await checked(policy(READ, LOG))).toEqual([0, `${ARN}: 0 missing, 0 too much\n`]);
});

it("tells each difference, and ends with 2", async () => {
  const other = SECRET.replace("openai", "other");
  const [code, text] = await checked(policy(READ, { ...READ, Resource: [other] }));
  expect(code).toBe(2);
  expect(text.split("\n")).toEqual([
    `missing   kms:GetSecretValue on ${other}`,
    `too much  ${LOG.Action} on ${LOG.Resource}`,
    `${ARN}: 1 missing, 1 too much`,
    "",
  ]);
  const [, json] = await checked(policy(READ), true);
  expect(JSON.parse(json)).toEqual({ role: ARN, missing: [], tooMuch: [`${LOG.Action} on ${LOG.Resource}`] });
});

it("tells who else may take the role", async () => {
  const trust = {
    Version: "1",
    Statement: [...TRUST.Statement, { Effect: "Allow", Action: "sts:AssumeRole", Principal: { RAM: ["acs:ram::9:root"] } }],
  };
  ram.roles.set("nodes", { arn: ARN, trust, policies: { one: policy(READ) } });
  expect(await checked(policy(READ))).toEqual([2, `too much  trust in acs:ram::9:root\n${ARN}: 0 missing, 1 too much\n`]);
});

it.each([["no json"], ['{"Version":"2008-10-17","Statement":[]}'], ['{"Version":"1"}']])("refuses %j for a policy", async (text) => {
  await expect(checked(text)).rejects.toThrow("policy.json: ");
});

it.each(["acs:ram::1234567890123456:role/nodes", "corp/nodes", ""])("refuses %j for a name", async (name) => {
  await expect(checked(policy(READ), false, name)).rejects.toThrow(
    `${JSON.stringify(name)}: give the role's name alone, without ARN and path`,
  );
});

it("tells that the credentials are of another account", async () => {
  ram.roles.set("nodes", { arn: ARN.replace("1234567890123456", "9999999999999999"), trust: TRUST, policies: {} });
  await expect(checked(policy(READ))).rejects.toThrow(
    "nodes: these credentials are of the account 9999999999999999, and what the policy is about lies in 1234567890123456",
  );
});

it("tells what to do when RAM refuses", async () => {
  await expect(checked(policy(READ), false, "other")).rejects.toThrow(
    "other: RAM answered EntityNotExist.Role: there is no such role in the account of these credentials",
  );
  ram.denied.add("GetPolicy");
  await expect(checked(policy(READ))).rejects.toThrow("the caller needs ram:GetRole, ListPoliciesForRole and GetPolicy");
  process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET = "of-another-key";
  await expect(checked(policy(READ))).rejects.toThrow("the credentials are not good; they are looked for where the aliyun CLI looks");
});
