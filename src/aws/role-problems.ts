import { RoleSpec } from "../platform";
import { nameProblems } from "../text";

const POLICY_ARN = /^arn:aws[a-z-]*:iam::(\d{12}|aws|x):policy\/[\w+=,.@/-]+$/;
/** @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html */
const ROLE_NAME = /^[\w+=,.@-]{1,64}$/;
const ROLE_PATH = /^\/([\w+=,.@-]+\/)*$/;
const PROFILE_NAME = /^[\w+=,.@-]{1,128}$/;

/** What a role of IAM can not be. */
export function iamRoleProblems({ permissionsBoundary, existing }: Pick<RoleSpec, "permissionsBoundary" | "existing">): string[] {
  const letters = "letters, digits and _ + = , . @ -";
  return [
    ...nameProblems(
      "permissionsBoundary",
      permissionsBoundary,
      POLICY_ARN,
      'the ARN of a managed policy, such as "arn:aws:iam::123456789012:policy/boundary"',
    ),
    ...nameProblems("roleName", existing?.roleName, ROLE_NAME, `the name of a role (no ARN, no path): 1 to 64 ${letters}`),
    ...nameProblems("rolePath", existing?.rolePath, ROLE_PATH, 'the path of a role such as "/corp/llm/"'),
    ...nameProblems(
      "instanceProfileName",
      existing?.instanceProfileName,
      PROFILE_NAME,
      `the name of an instance profile: 1 to 128 ${letters}`,
    ),
  ];
}
