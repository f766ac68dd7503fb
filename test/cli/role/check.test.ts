import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkRole } from "../../../src/cli/role/check";
import { compareAccess, StatementJson } from "../../../src/cli/role/compare-access";
import { alicloudPolicies, asking, awsPolicies } from "../../../src/cli/role/live-policies";

const READ = "s3:GetObject on arn:aws:s3:::gw/bundles/*";
const NEEDED: StatementJson = { Effect: "Allow", Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::gw/bundles/*"] };
const DECRYPT: StatementJson = {
  Effect: "Allow",
  Action: "kms:Decrypt",
  Resource: "arn:key",
  Condition: { StringEquals: { "kms:ViaService": ["secretsmanager"] } },
};

function compared(needed: StatementJson, ...live: StatementJson[]) {
  return compareAccess([{ Statement: [needed] }], [{ Statement: live }]);
}

describe("a live role", () => {
  it("that has what is needed does not differ, however it is written", () => {
    expect(compared(NEEDED, { Effect: "Allow", Action: "S3:getobject", Resource: "arn:aws:s3:::gw/bundles/*" })).toEqual({
      missing: [],
      tooMuch: [],
    });
    const same = { ...DECRYPT, Condition: { StringEquals: { "kms:ViaService": "secretsmanager" } } };
    expect(compared(DECRYPT, same)).toEqual({ missing: [], tooMuch: [] });
  });

  it.each([
    ["nothing", [], [READ], []],
    ["another resource", [{ ...NEEDED, Resource: "arn:aws:s3:::other/*" }], [READ], ["s3:GetObject on arn:aws:s3:::other/*"]],
    ["more resources", [{ ...NEEDED, Resource: "arn:aws:s3:::gw/*" }], [], ["s3:GetObject on arn:aws:s3:::gw/*"]],
    ["fewer resources", [{ ...NEEDED, Resource: "arn:aws:s3:::gw/bundles/0?" }], [READ], []],
    ["more actions", [{ ...NEEDED, Action: "s3:*" }], [], ["s3:* on arn:aws:s3:::gw/bundles/*"]],
    ["a condition", [{ ...NEEDED, Condition: { Bool: { a: "true" } } }], [READ], []],
    ["a denial", [NEEDED, { Effect: "Deny", Action: "s3:*", Resource: "*" }], [READ], []],
    ["a denial in part", [NEEDED, { Effect: "Deny", Action: "s3:Get*", Resource: "arn:aws:s3:::gw/bundles/0.tar" }], [READ], []],
    ["a denial of another", [NEEDED, { Effect: "Deny", Action: "s3:Put*", Resource: "*" }], [], []],
    ["all but something", [NEEDED, { Effect: "Allow", NotAction: "iam:*", Resource: "*" }], [], ['Allow of all but "iam:*"']],
  ] as const)("with %s", (_, live, missing, tooMuch) => {
    expect(compared(NEEDED, ...live)).toEqual({ missing, tooMuch });
  });

  it("that may decrypt without the condition may too much", () => {
    expect(compared(DECRYPT, { ...DECRYPT, Condition: undefined })).toEqual({ missing: [], tooMuch: ["kms:Decrypt on arn:key"] });
  });
});

describe("role check", () => {
  const folder = mkdtempSync(join(tmpdir(), "role-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  function policyFile(policy: unknown): string {
    const file = join(folder, "policy.json");
    writeFileSync(file, typeof policy === "string" ? policy : JSON.stringify(policy));
    return file;
  }

  /** A cloud that answers what it is asked by its first words. */
  function cloud(answers: Readonly<Record<string, unknown>>) {
    return (words: readonly string[]): Promise<unknown> => Promise.resolve(answers[words[1]!]);
  }

  const aws = awsPolicies(
    cloud({
      "list-role-policies": { PolicyNames: ["gateway"] },
      "get-role-policy": { PolicyDocument: { Statement: [NEEDED] } },
      "list-attached-role-policies": { AttachedPolicies: [{ PolicyArn: "arn:policy" }] },
      "get-policy": { Policy: { DefaultVersionId: "v2" } },
      "get-policy-version": { PolicyVersion: { Document: { Statement: DECRYPT } } },
    }),
  );
  const alicloud = alicloudPolicies(
    cloud({
      ListPoliciesForRole: { Policies: { Policy: [{ PolicyName: "gateway", PolicyType: "Custom" }] } },
      GetPolicy: { DefaultPolicyVersion: { PolicyDocument: JSON.stringify({ Version: "1", Statement: [NEEDED] }) } },
    }),
  );

  async function checked(policy: unknown, json = false): Promise<[number, string]> {
    let text = "";
    const code = await checkRole("nodes", { policy: policyFile(policy), json }, (part) => (text += part), { aws, alicloud });
    return [code, text];
  }

  it("reads inline and attached policies, and ends with 0 when they are what is needed", async () => {
    expect(await checked({ Version: "2012-10-17", Statement: [NEEDED, DECRYPT] })).toEqual([0, "nodes: 0 missing, 0 too much\n"]);
    expect(await checked({ Version: "1", Statement: [NEEDED] })).toEqual([0, "nodes: 0 missing, 0 too much\n"]);
  });

  it("tells each difference, and ends with 2", async () => {
    const put = { Effect: "Allow", Action: "s3:PutObject", Resource: "arn:x" };
    const [code, text] = await checked({ Version: "2012-10-17", Statement: [NEEDED, put] });
    expect(code).toBe(2);
    expect(text.split("\n")).toEqual([
      "missing   s3:PutObject on arn:x",
      'too much  kms:Decrypt on arn:key if {"StringEquals":{"kms:ViaService":"secretsmanager"}}',
      "nodes: 1 missing, 1 too much",
      "",
    ]);
    expect(JSON.parse((await checked({ Version: "1", Statement: [put] }, true))[1])).toEqual({
      missing: ["s3:PutObject on arn:x"],
      tooMuch: [READ],
    });
  });

  it.each([["no json"], [{ Version: "2008-10-17", Statement: [] }], [{ Version: "1" }]])("refuses %j for a policy", async (policy) => {
    await expect(checked(policy)).rejects.toThrow("policy.json: ");
  });

  it("says which program is missing", async () => {
    // None that exists: a test asks no real cloud.
    const ask = asking("no-such-command-of-a-cloud", []);
    await expect(awsPolicies(ask)("nodes")).rejects.toThrow("no-such-command-of-a-cloud is not on the PATH");
  });
});
