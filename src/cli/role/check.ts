import { CommandError, EXIT } from "../command-error";
import { AccessDifference, compareAccess } from "./compare-access";
import { compareTrust } from "./compare-trust";
import type { LiveRole } from "./live-role";
import { accountIn, accountsOf, cloudOf, partitionOf, RequiredPolicy, requiredPolicy } from "./required-policy";

/** What `role check` is told. */
export interface CheckOptions {
  /** A file with the required policy; `-` is standard input. */
  readonly policy: string;
  readonly json?: boolean;
}

/**
 * Compares a live role with what the gateway needs of it and prints what is missing and what is too much.
 * @returns the exit code: 0 without a difference, 2 with one
 * @throws CommandError when the policy or the role can not be read, or the role is of another account
 */
export async function checkRole(
  name: string,
  options: CheckOptions,
  print: (text: string) => void,
  readers: RoleReaders = READERS,
): Promise<number> {
  if (!ROLE_NAME.test(name)) throw new CommandError(`${JSON.stringify(name)}: give the role's name alone, without ARN and path`);
  const required = requiredPolicy(options.policy);
  const role = await readers[cloudOf(required)](name, partitionOf(required));
  sameAccount(required, name, role);
  const differences = [compareTrust(cloudOf(required), role.trust), compareAccess([required], role.policies)];
  const difference = {
    missing: differences.flatMap(({ missing }) => missing),
    tooMuch: differences.flatMap(({ tooMuch }) => tooMuch),
  };
  print(
    options.json === true ? `${JSON.stringify({ role: role.arn, boundary: role.boundary, ...difference })}\n` : report(role, difference),
  );
  return difference.missing.length + difference.tooMuch.length === 0 ? EXIT.done : EXIT.wronglyCalled;
}

/** What both clouds take. */
const ROLE_NAME = /^[\w+=,.@-]{1,64}$/;

/** How a role is read, on each cloud. */
export interface RoleReaders {
  readonly aws: (name: string, partition: string) => Promise<LiveRole>;
  readonly alicloud: (name: string) => Promise<LiveRole>;
}

/** The cloud's SDK is loaded only when it is asked. */
const READERS: RoleReaders = {
  aws: async (name, partition) => (await import("./aws-role.js")).readAwsRole(name, partition),
  alicloud: async (name) => (await import("./alicloud-role.js")).readAlicloudRole(name),
};

/** Roles of one name in two accounts are easily mixed up. */
function sameAccount(required: RequiredPolicy, name: string, { arn }: LiveRole): void {
  const [account, needed] = [accountIn(arn), accountsOf(required)];
  if (account === undefined || needed.size === 0 || needed.has(account)) return;
  throw new CommandError(
    `${name}: these credentials are of the account ${account}, and what the policy is about lies in ${[...needed].join(", ")}`,
  );
}

function report({ arn, boundary }: LiveRole, { missing, tooMuch }: AccessDifference): string {
  const lines = [
    ...missing.map((line) => `missing   ${line}`),
    ...tooMuch.map((line) => `too much  ${line}`),
    ...(boundary === undefined ? [] : [`bounded   by ${boundary}, which is not looked at`]),
  ];
  return `${[...lines, `${arn}: ${missing.length} missing, ${tooMuch.length} too much`].join("\n")}\n`;
}
