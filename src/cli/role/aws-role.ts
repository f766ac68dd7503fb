import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  paginateListAttachedRolePolicies,
  paginateListRolePolicies,
} from "@aws-sdk/client-iam";
import { awsClientConfig } from "../secrets/aws-client-config";
import type { PolicyJson } from "./compare-access";
import { LiveRole, readFrom } from "./live-role";

/** IAM has one place for all regions of a partition. */
const REGIONS: Readonly<Record<string, string>> = { "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1" };

const ADVICE = [
  [/^NoSuchEntity/, "there is no such role in the account of these credentials"],
  [
    /^AccessDenied/,
    "the caller needs iam:GetRole, ListRolePolicies, GetRolePolicy, ListAttachedRolePolicies, GetPolicy and GetPolicyVersion",
  ],
  [
    /Credential|Token|Signature|ClientTokenId/,
    "no good credentials; they are looked for where the AWS CLI looks (AWS_PROFILE, environment)",
  ],
  [/ENOTFOUND|ECONNREFUSED|Timeout/i, "nothing answers there; is the network open, or AWS_ENDPOINT_URL set?"],
] as const;

/** A role of IAM: its inline policies and the attached ones, AWS's own among them, each in the version that holds. */
export async function readAwsRole(name: string, partition: string): Promise<LiveRole> {
  const iam = new IAMClient(awsClientConfig(REGIONS[partition] ?? "us-east-1"));
  return readFrom(name, "IAM", ADVICE, read(iam, name));
}

async function read(iam: IAMClient, RoleName: string): Promise<LiveRole> {
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  const [inline, attached] = await Promise.all([inlinePolicies(iam, RoleName), attachedPolicies(iam, RoleName)]);
  return {
    arn: Role!.Arn!,
    boundary: Role!.PermissionsBoundary?.PermissionsBoundaryArn,
    trust: parsed(Role!.AssumeRolePolicyDocument!),
    policies: [...inline, ...attached],
  };
}

async function inlinePolicies(iam: IAMClient, RoleName: string): Promise<PolicyJson[]> {
  const names: string[] = [];
  for await (const { PolicyNames = [] } of paginateListRolePolicies({ client: iam }, { RoleName })) names.push(...PolicyNames);
  return Promise.all(
    names.map(async (PolicyName) => parsed((await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))).PolicyDocument!)),
  );
}

async function attachedPolicies(iam: IAMClient, RoleName: string): Promise<PolicyJson[]> {
  const arns: string[] = [];
  for await (const { AttachedPolicies = [] } of paginateListAttachedRolePolicies({ client: iam }, { RoleName })) {
    arns.push(...AttachedPolicies.map(({ PolicyArn }) => PolicyArn!));
  }
  return Promise.all(
    arns.map(async (PolicyArn) => {
      const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
      const version = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy!.DefaultVersionId }));
      return parsed(version.PolicyVersion!.Document!);
    }),
  );
}

/** IAM encodes policies as in a URL. */
function parsed(document: string): PolicyJson {
  return JSON.parse(decodeURIComponent(document)) as PolicyJson;
}
