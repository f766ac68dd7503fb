import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../command-error";
import { AdminApi, AdminApiError } from "./admin-api";

/** How long a gateway is waited for, in seconds. */
export interface Waiting {
  /** @default 900 */
  readonly timeout?: number;
  /** @default 5 */
  readonly poll?: number;
}

const TIMEOUT_SECONDS = 900;
const POLL_SECONDS = 5;
/** A line at least so often, also where nothing has changed: whoever reads a log wants to see that it lives. */
const TELL_MS = 30_000;

/**
 * Waits until keys can be administered.
 * @param beforeWaiting done once, where it is not so at once
 * @throws CommandError when it is not so in time, or will not be by waiting
 */
export async function untilReady(
  api: AdminApi,
  endpoint: string,
  { timeout = TIMEOUT_SECONDS, poll = POLL_SECONDS }: Waiting,
  tell: (line: string) => void,
  beforeWaiting: () => Promise<void>,
): Promise<void> {
  const began = Date.now();
  for (let told = "", toldAt = 0; ;) {
    const problem = await problemOf(api);
    if (problem === undefined) return;
    if (told === "") await beforeWaiting();
    const seconds = Math.round((Date.now() - began) / 1000);
    if (seconds >= timeout) throw new CommandError(`${endpoint} was not ready within ${timeout} s: ${problem}`);
    if (problem !== told || Date.now() - toldAt > TELL_MS) {
      tell(`waiting for ${endpoint}: ${problem} (${seconds} s of ${timeout} s)`);
      [told, toldAt] = [problem, Date.now()];
    }
    await sleep(Math.min(poll, Math.max(0.05, timeout - seconds)) * 1000);
  }
}

/** Why it is not ready; what no waiting changes is thrown. */
async function problemOf(api: AdminApi): Promise<string | undefined> {
  try {
    await api.ready();
    return undefined;
  } catch (error) {
    if (!(error instanceof AdminApiError)) throw error;
    if (error.status === 401 || error.status === 403) throw new CommandError(`${error.message}: ${OTHER_KEY}`);
    if (/CERT|SSL|TLS|SELF_SIGNED/.test(error.code)) {
      throw new CommandError(`${error.message}: its certificate is not trusted; NODE_EXTRA_CA_CERTS names a file with your authority's`);
    }
    return `${error.message}${ADVICE[error.status] ?? CODES[error.code] ?? ""}`;
  }
}

const OTHER_KEY =
  "the gateway's nodes have another master key than the store; they take it at their start: replace the nodes, or bring the key back with `secrets rollback master-key`";

const ADVICE: Readonly<Record<number, string>> = {
  404: ", is that the admin endpoint?",
  500: ", does it reach its database?",
  502: ", no node answers yet",
  503: ", no node is ready yet, or it does not reach its database",
};

const CODES: Readonly<Record<string, string>> = {
  ENOTFOUND: ", its name is not known here; can this computer resolve it?",
  ECONNREFUSED: ", nothing listens there yet",
  TimeoutError: ", is this computer in adminFrom?",
  UND_ERR_CONNECT_TIMEOUT: ", is this computer in adminFrom?",
};
