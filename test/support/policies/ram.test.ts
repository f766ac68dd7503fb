import type { PolicyDocument, PolicyStatement } from "./policy-document";
import { ramAllows, RamRequest } from "./ram";

const READ: PolicyStatement = { Effect: "Allow", Action: ["kms:GetSecretValue"], Resource: ["acs:kms:cn-shanghai:1:secret/gw/openai"] };
const REQUEST: RamRequest = { action: "kms:GetSecretValue", resource: "acs:kms:cn-shanghai:1:secret/gw/openai" };

function policy(...Statement: PolicyStatement[]): PolicyDocument {
  return { Version: "1", Statement };
}

function allows(statement: Partial<PolicyStatement>, request: Partial<RamRequest> = {}): boolean {
  return ramAllows([policy({ ...READ, ...statement })], { ...REQUEST, ...request });
}

describe("a policy of RAM", () => {
  it("allows what a statement says, and nothing else", () => {
    expect(allows({})).toBe(true);
    expect(allows({}, { action: "kms:PutSecretValue" })).toBe(false);
    expect(allows({}, { resource: "acs:kms:cn-shanghai:1:secret/gw/openai2" })).toBe(false);
    expect(ramAllows([], REQUEST)).toBe(false);
  });

  it("takes a text for a list of one", () => {
    expect(allows({ Action: "kms:GetSecretValue", Resource: REQUEST.resource })).toBe(true);
  });

  it("denies where any policy does, whatever the order", () => {
    const deny = policy({ Effect: "Deny", Action: "kms:*", Resource: "*" });
    expect(ramAllows([deny, policy(READ)], REQUEST)).toBe(false);
    expect(ramAllows([policy(READ), deny], REQUEST)).toBe(false);
    expect(ramAllows([policy(READ), policy({ Effect: "Deny", Action: "oss:*", Resource: "*" })], REQUEST)).toBe(true);
  });

  it.each([
    ["acs:kms:*:1:secret/*", true],
    ["acs:kms:cn-shanghai:1:secret/gw/open??", true],
    ["acs:kms:cn-shanghai:1:secret/gw/open?", false],
    ["acs:kms:cn-shanghai:1:secret/gw/openai?", false],
    ["acs:kms:cn-shanghai:1:secret/gw/openai*", true],
    ["acs:kms:cn.shanghai:1:secret/gw/openai", false],
    ["acs:kms:cn-shanghai:1:secret/GW/openai", false],
    ["*", true],
  ])("the resource %s: %s", (Resource, expected) => {
    expect(allows({ Resource })).toBe(expected);
  });

  it.each([
    ["kms:Get*", true],
    ["KMS:getsecretvalue", true],
    ["*", true],
    ["oss:*", false],
    ["kms:GetSecretValu?", true],
  ])("the action %s: %s", (Action, expected) => {
    expect(allows({ Action })).toBe(expected);
  });

  it.each([
    [{ StringEquals: { "acs:SourceVpc": "vpc-1" } }, { "acs:SourceVpc": "vpc-1" }, true],
    [{ StringEquals: { "acs:SourceVpc": ["vpc-0", "vpc-1"] } }, { "acs:SourceVpc": "vpc-1" }, true],
    [{ StringEquals: { "acs:SourceVpc": "vpc-1" } }, { "acs:SourceVpc": "vpc-2" }, false],
    [{ StringEquals: { "acs:SourceVpc": "vpc-1" } }, {}, false],
    [{ StringNotEquals: { "acs:SourceVpc": "vpc-1" } }, { "acs:SourceVpc": "vpc-2" }, true],
    [{ StringNotEquals: { "acs:SourceVpc": "vpc-1" } }, {}, true],
    [{ StringLike: { "kms:tag/team": "plat*" } }, { "kms:tag/team": "platform" }, true],
    [{ StringNotLike: { "kms:tag/team": "plat*" } }, { "kms:tag/team": "platform" }, false],
    [{ Bool: { "acs:SecureTransport": "true" } }, { "acs:SecureTransport": "true" }, true],
    [{ Bool: { "acs:SecureTransport": "true" }, StringEquals: { a: "b" } }, { "acs:SecureTransport": "true" }, false],
  ])("the condition %j of %j: %s", (Condition, context, expected) => {
    expect(allows({ Condition }, { context: context })).toBe(expected);
  });

  it("is not judged where it holds what is not known here", () => {
    expect(() => ramAllows([{ ...policy(READ), Version: "2012-10-17" }], REQUEST)).toThrow('has the version "1"');
    expect(() => allows({ NotAction: ["kms:*"] } as object)).toThrow("NotAction of a statement");
    expect(() => allows({ Condition: { IpAddress: { "acs:SourceIp": "10.0.0.0/8" } } })).toThrow("IpAddress is not evaluated");
  });
});
