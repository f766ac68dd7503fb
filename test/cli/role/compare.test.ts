import { compareAccess, StatementJson } from "../../../src/cli/role/compare-access";
import { compareTrust } from "../../../src/cli/role/compare-trust";

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
    expect(compareAccess([{ Statement: NEEDED }], [{ Statement: NEEDED }])).toEqual({ missing: [], tooMuch: [] });
  });

  it.each([
    ["nothing", [], [READ], []],
    ["another resource", [{ ...NEEDED, Resource: "arn:aws:s3:::other/*" }], [READ], ["s3:GetObject on arn:aws:s3:::other/*"]],
    ["more resources", [{ ...NEEDED, Resource: "arn:aws:s3:::gw/*" }], [], ["s3:GetObject on arn:aws:s3:::gw/*"]],
    ["fewer resources", [{ ...NEEDED, Resource: "arn:aws:s3:::gw/bundles/0?" }], [READ], []],
    ["more actions", [{ ...NEEDED, Action: "s3:*" }], [], ["s3:* on arn:aws:s3:::gw/bundles/*"]],
    ["a condition", [{ ...NEEDED, Condition: { Bool: { a: "true" } } }], [READ], []],
    ["a denial", [NEEDED, { Effect: "Deny", Action: "s3:*", Resource: "*" }], [`${READ}, denied by s3:* on *`], []],
    [
      "a denial in part",
      [NEEDED, { Effect: "Deny", Action: "s3:Get*", Resource: "arn:aws:s3:::gw/bundles/0.tar" }],
      [`${READ}, denied by s3:Get* on arn:aws:s3:::gw/bundles/0.tar`],
      [],
    ],
    [
      "a denial on a condition",
      [NEEDED, { Effect: "Deny", Action: "*", Resource: "*", Condition: { Bool: { a: "false" } } }],
      [`${READ}, denied by * on * if {"Bool":{"a":"false"}}`],
      [],
    ],
    ["a denial of another", [NEEDED, { Effect: "Deny", Action: "s3:Put*", Resource: "*" }], [], []],
    ["all but something", [NEEDED, { Effect: "Allow", NotAction: "iam:*", Resource: "*" }], [], ['Allow of all but "iam:*"']],
  ] as const)("with %s", (_, live, missing, tooMuch) => {
    expect(compared(NEEDED, ...live)).toEqual({ missing, tooMuch });
  });

  it("that may decrypt without the condition may too much", () => {
    expect(compared(DECRYPT, { ...DECRYPT, Condition: undefined })).toEqual({ missing: [], tooMuch: ["kms:Decrypt on arn:key"] });
  });
});

describe("the trust of a live role", () => {
  const trusting = (...Principal: NonNullable<StatementJson["Principal"]>[]) => ({
    Statement: Principal.map((one) => ({ Effect: "Allow", Action: "sts:AssumeRole", Principal: one })),
  });

  it.each([
    ["aws", trusting({ Service: "ec2.amazonaws.com" }), [], []],
    ["aws", trusting({ Service: "ec2.amazonaws.com.cn" }), [], []],
    ["alicloud", trusting({ Service: ["ecs.aliyuncs.com"] }), [], []],
    ["alicloud", trusting({ Service: ["fc.aliyuncs.com"] }), ["trust in ecs.aliyuncs.com"], ["trust in fc.aliyuncs.com"]],
    ["aws", trusting({ Service: "ec2.amazonaws.com" }, { AWS: "arn:aws:iam::1:root" }), [], ["trust in arn:aws:iam::1:root"]],
    ["aws", trusting("*"), ["trust in ec2.amazonaws.com"], ["trust in *"]],
  ] as const)("on %s in %j", (cloud, trust, missing, tooMuch) => {
    expect(compareTrust(cloud, trust)).toEqual({ missing, tooMuch });
  });
});
