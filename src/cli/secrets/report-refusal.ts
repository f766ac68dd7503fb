import { CommandError } from "../command-error";
import { failureCode } from "./store-error";

/**
 * What a service answers of the nodes, or an error that says that it does not.
 * @param what was asked, in words
 * @param permission that the caller needs for it
 */
export async function asked<T>(what: string, permission: string, reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    const code = failureCode(error);
    const advice = KNOWN.find(([pattern]) => pattern.test(code))?.[1](permission);
    throw new CommandError(`which nodes use it can not be told: ${what} answered ${code}${advice === undefined ? "" : `: ${advice}`}`);
  }
}

const KNOWN: readonly (readonly [RegExp, (permission: string) => string])[] = [
  [/^(AccessDenied|Unauthorized|Forbidden|NoPermission|ProjectForbidden)/, (permission) => `no permission; the caller needs ${permission}`],
  [/NotExist|NotFound|NoSuchGroup/, () => "there is no such thing in this region; is the stack applied, and is that its name?"],
  [/Signature|AccessKey|SecurityToken|Credential/i, () => "the credentials are not good"],
  [/Incomplete/, () => "it has not searched all lines in time; run it again"],
  [/Throttl|QuotaExceed|ServerBusy/i, () => "throttled, also after three more tries; run it again later"],
  [/ENOTFOUND/, () => "there is no such host; is the region right?"],
  [/ECONNREFUSED/, () => "nothing answers there"],
  [/Timeout/i, () => "no answer in time"],
];
