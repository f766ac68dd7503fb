import { AlicloudApi } from "../secrets/alicloud-api";
import type { PolicyJson } from "./compare-access";
import { LiveRole, readFrom } from "./live-role";

const ADVICE = [
  [/^EntityNotExist/, "there is no such role in the account of these credentials"],
  [/^(NoPermission|Forbidden)/, "the caller needs ram:GetRole, ListPoliciesForRole and GetPolicy"],
  [
    /AccessKey|Signature|SecurityToken|InvalidToken|Credential/i,
    "the credentials are not good; they are looked for where the aliyun CLI looks (ALIBABA_CLOUD_ACCESS_KEY_ID, a profile, a role)",
  ],
  [/ENOTFOUND|ECONNREFUSED|Timeout/i, "nothing answers there; is the network open, or AIGW_RAM_ENDPOINT set?"],
] as const;

interface Listed {
  readonly Policies: { readonly Policy: readonly { readonly PolicyName: string; readonly PolicyType: string }[] };
}

/**
 * A role of RAM and its attached policies, those of Alibaba Cloud among them, each in the version that holds.
 * `AIGW_RAM_ENDPOINT` names another endpoint than RAM's one for all regions.
 * @see https://www.alibabacloud.com/help/en/ram/developer-reference/api-ram-2015-05-01-listpoliciesforrole: it knows no pages
 */
export async function readAlicloudRole(name: string): Promise<LiveRole> {
  return readFrom(name, "RAM", ADVICE, read(name));
}

async function read(RoleName: string): Promise<LiveRole> {
  const ram = new AlicloudApi({ version: "2015-05-01", endpoint: process.env.AIGW_RAM_ENDPOINT || "ram.aliyuncs.com" });
  const { Role } = await ram.call<{ Role: { Arn: string; AssumeRolePolicyDocument: string } }>("GetRole", { RoleName });
  const { Policies } = await ram.call<Listed>("ListPoliciesForRole", { RoleName });
  const policies = Policies.Policy.map(async ({ PolicyName, PolicyType }) => {
    const reply = await ram.call<{ DefaultPolicyVersion: { PolicyDocument: string } }>("GetPolicy", { PolicyName, PolicyType });
    return JSON.parse(reply.DefaultPolicyVersion.PolicyDocument) as PolicyJson;
  });
  return { arn: Role.Arn, trust: JSON.parse(Role.AssumeRolePolicyDocument) as PolicyJson, policies: await Promise.all(policies) };
}
