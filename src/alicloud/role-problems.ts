import { RoleSpec } from "../platform";
import { nameProblems } from "../text";

/** @see https://www.alibabacloud.com/help/en/ram/developer-reference/api-ram-2015-05-01-createrole */
const ROLE_NAME = /^[A-Za-z0-9.-]{1,64}$/;

/** What a role of RAM can not be. */
export function ramRoleProblems({ permissionsBoundary, existing }: Pick<RoleSpec, "permissionsBoundary" | "existing">): string[] {
  return [
    ...boundaryProblems(permissionsBoundary),
    ...nameProblems("roleName", existing?.roleName, ROLE_NAME, "the name of a role (no ARN): 1 to 64 letters, digits, dots and hyphens"),
    ...pathProblems(existing?.rolePath),
    ...profileProblems(existing?.instanceProfileName),
  ];
}

function boundaryProblems(boundary: string | undefined): string[] {
  if (boundary === undefined) return [];
  return [
    `permissionsBoundary: ${JSON.stringify(boundary)} can not be set: roles of RAM have no boundary; a control policy of the resource directory bounds an account`,
  ];
}

function pathProblems(path: string | undefined): string[] {
  if (path === undefined) return [];
  return [`rolePath: ${JSON.stringify(path)} can not be used: roles of RAM have no path`];
}

function profileProblems(name: string | undefined): string[] {
  if (name === undefined) return [];
  return [`instanceProfileName: ${JSON.stringify(name)} can not be used: on Alibaba Cloud an instance takes the role itself`];
}
