import { CommandError } from "../command-error";
import { failureCode } from "../secrets/store-error";
import type { PolicyJson } from "./compare-access";

/** A role as its cloud has it. */
export interface LiveRole {
  readonly arn: string;
  /** The ARN of the managed policy that bounds it; AWS only. */
  readonly boundary?: string;
  /** Who may take it. */
  readonly trust: PolicyJson;
  /** All that are inline or attached. */
  readonly policies: readonly PolicyJson[];
}

/**
 * Says which cloud's answer made it impossible to read a role.
 * @param advice what to do, by the code that was answered
 * @throws CommandError in place of the cloud's own
 */
export async function readFrom<T>(
  role: string,
  cloud: string,
  advice: readonly (readonly [RegExp, string])[],
  reading: Promise<T>,
): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const code = failureCode(error);
    const known = advice.find(([pattern]) => pattern.test(code));
    throw new CommandError(`${role}: ${cloud} answered ${code}${known === undefined ? "" : `: ${known[1]}`}`);
  }
}
