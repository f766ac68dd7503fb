import { readFileSync } from "node:fs";
import { CommandError, EXIT } from "../secrets/command-error";
import { AccessDifference, compareAccess, PolicyJson } from "./compare-access";
import { alicloudPolicies, awsPolicies, LivePolicies } from "./live-policies";

/** What `role check` is told. */
export interface CheckOptions {
  /** A file with the required policy; `-` is standard input. */
  readonly policy: string;
  readonly json?: boolean;
}

/**
 * Compares a live role with what the gateway needs of it and prints what is missing and what is too much.
 * @returns the exit code: 0 without a difference, 2 with one
 * @throws CommandError when the policy or the role can not be read
 */
export async function checkRole(
  role: string,
  options: CheckOptions,
  print: (text: string) => void,
  readers: Readonly<Record<Cloud, LivePolicies>> = { aws: awsPolicies(), alicloud: alicloudPolicies() },
): Promise<number> {
  const required = requiredPolicy(options.policy);
  const live = await readers[cloudOf(required)](role);
  const difference = compareAccess([required], live);
  print(options.json === true ? `${JSON.stringify(difference)}\n` : report(role, difference));
  return difference.missing.length + difference.tooMuch.length === 0 ? EXIT.done : EXIT.wronglyCalled;
}

type Cloud = "aws" | "alicloud";

/** Both clouds' versions of the language, which tell them apart. */
const LANGUAGES: Readonly<Record<string, Cloud>> = { "2012-10-17": "aws", "1": "alicloud" };

type RequiredPolicy = PolicyJson & { readonly Version: string };

function cloudOf({ Version }: RequiredPolicy): Cloud {
  return LANGUAGES[Version]!;
}

function requiredPolicy(file: string): RequiredPolicy {
  const policy = parsed(file);
  if (LANGUAGES[policy.Version ?? ""] === undefined || policy.Statement === undefined) {
    throw new CommandError(`${file}: it is no policy of IAM or RAM; give the output of GatewayRole.requiredPolicy()`);
  }
  return policy as RequiredPolicy;
}

function parsed(file: string): Partial<RequiredPolicy> {
  try {
    return JSON.parse(readFileSync(file === "-" ? 0 : file, "utf8")) as Partial<RequiredPolicy>;
  } catch (error) {
    throw new CommandError(`${file}: ${(error as Error).message}`);
  }
}

function report(role: string, { missing, tooMuch }: AccessDifference): string {
  const lines = [...missing.map((line) => `missing   ${line}`), ...tooMuch.map((line) => `too much  ${line}`)];
  return `${[...lines, `${role}: ${missing.length} missing, ${tooMuch.length} too much`].join("\n")}\n`;
}
