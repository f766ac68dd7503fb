import { readFileSync } from "node:fs";
import { CommandError } from "../command-error";
import { PolicyJson, statementsOf } from "./compare-access";

/** What `GatewayRole.requiredPolicy()` says that a role must be allowed. */
export interface RequiredPolicy extends PolicyJson {
  readonly Version: keyof typeof LANGUAGES;
}

/** Both clouds' versions of the language, which tell them apart. */
const LANGUAGES = { "2012-10-17": "aws", "1": "alicloud" } as const;

/**
 * Reads it.
 * @param file `-` is standard input
 * @throws CommandError when there is none
 */
export function requiredPolicy(file: string): RequiredPolicy {
  const policy = parsed(file);
  if (isRequired(policy)) return policy;
  throw new CommandError(`${file}: it is no policy of IAM or RAM; give the output of GatewayRole.requiredPolicy()`);
}

type Parsed = Partial<PolicyJson> & { readonly Version?: string };

function isRequired(policy: Parsed): policy is RequiredPolicy {
  return policy.Version !== undefined && policy.Version in LANGUAGES && policy.Statement !== undefined;
}

/** The cloud whose policy it is. */
export function cloudOf({ Version }: RequiredPolicy): (typeof LANGUAGES)[RequiredPolicy["Version"]] {
  return LANGUAGES[Version];
}

/** "aws", "aws-cn" or "aws-us-gov", as the first resource has it. */
export function partitionOf(policy: RequiredPolicy): string {
  return resourcesOf(policy).map((resource) => resource.split(":")[1])[0] ?? "aws";
}

/** The accounts that the resources lie in. */
export function accountsOf(policy: RequiredPolicy): ReadonlySet<string> {
  return new Set(
    resourcesOf(policy)
      .map(accountIn)
      .filter((account) => account !== undefined),
  );
}

/** The account of an ARN of either cloud, where it names one. */
export function accountIn(arn: string): string | undefined {
  return /^(?:arn:[^:]*|acs):[^:]*:[^:]*:(\d{12,16}):/.exec(arn)?.[1];
}

function resourcesOf(policy: RequiredPolicy): readonly string[] {
  return statementsOf(policy).flatMap(({ Resource = [] }) => Resource);
}

function parsed(file: string): Parsed {
  try {
    return JSON.parse(readFileSync(file === "-" ? 0 : file, "utf8")) as Parsed;
  } catch (error) {
    throw new CommandError(`${file}: ${(error as Error).message}`);
  }
}
