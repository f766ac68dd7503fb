import { keyHash } from "../../../src/cli/keys/admin-api";
import type { Answer } from "../secret-stores/server";
import { GATEWAY } from "./agents-stack";
import type { CommandCall } from "./two-nodes";

/** What every run of `keys apply --agent NAME` asks at first. */
const BEGINNING = ["GetSecretValue", "GET /key/list"];
/** What it then asks about its agent, which has no key yet. */
const OWN = ["GetSecretValue", "DescribeSecret", "ListSecretVersionIds", "PutSecretValue", "GET /key/info", "POST /key/generate"];
/** What it asks at last, for an agent with a budget. */
const LAST = "GET /model/info";

/**
 * Runs of `keys apply --agent NAME` at the same time: for new agents, of which each is held up before another one of its calls,
 * but for the last, which comes to its end; and for agents that are changed, which are held up before they write.
 */
export class HeldRuns {
  /** All that a run asks, in order. */
  public static readonly STEPS: readonly string[] = [...BEGINNING, ...OWN, LAST];
  /** So many agents are to be new. */
  public static readonly NEW = HeldRuns.STEPS.length + 1;
  /** The calls that are held up, by their place in a run. */
  private readonly held = new Map<number, string>();
  /** How many calls were about an agent, in the order in which the agents came. */
  private readonly own = new Map<string, number>();
  private readonly shared = new Map<string, number>();
  private readonly agentOfHash = new Map<string, string>();
  private free!: () => void;
  private readonly freed = new Promise<Answer>((free) => (this.free = () => free({ status: 0 })));

  /** @param changed the agents that are changed */
  constructor(private readonly changed: readonly string[]) {}

  /** The calls that are held up, in the order of a run. */
  public get steps(): readonly string[] {
    return [...this.held].sort(([first], [second]) => first - second).map(([, action]) => action);
  }

  /** Whoever waits gets no answer: nobody is there any more. */
  public end(): void {
    this.free();
  }

  /** For what stands between the command and who it asks. */
  public readonly before = (call: CommandCall): Promise<Answer> | undefined => {
    const agent = this.agentOf(call);
    if (agent !== undefined && this.changed.includes(agent)) return call.action.startsWith("POST ") ? this.freed : undefined;
    const place = agent === undefined ? this.sharedPlace(call.action) : this.ownPlace(agent);
    if (place === undefined) return undefined;
    this.held.set(place, call.action);
    return this.freed;
  };

  /** Of calls that do not say for whom they are: the last run is held up at its first, the last but one at its second. */
  private sharedPlace(action: string): number | undefined {
    const count = (this.shared.get(action) ?? 0) + 1;
    this.shared.set(action, count);
    const place = BEGINNING.indexOf(action);
    if (place >= 0) return count >= HeldRuns.NEW + this.changed.length - place ? place : undefined;
    return action === LAST && count === 1 ? HeldRuns.STEPS.length - 1 : undefined;
  }

  /** The first agent is held up at its first call, the second at its second; a call that is made again is held up again. */
  private ownPlace(agent: string): number | undefined {
    const call = this.own.get(agent) ?? 0;
    if (!this.own.has(agent)) this.own.set(agent, 0);
    const order = [...this.own.keys()].indexOf(agent);
    if (order < OWN.length && call >= order) return BEGINNING.length + order;
    this.own.set(agent, call + 1);
    return undefined;
  }

  private agentOf({ asked: { url, body } }: CommandCall): string | undefined {
    const { SecretId = "", SecretString, metadata } = JSON.parse(body || "{}") as Body;
    const named = new RegExp(`^${GATEWAY}/agents/(.+)$`).exec(SecretId)?.[1];
    if (named !== undefined && SecretString !== undefined) this.agentOfHash.set(keyHash(SecretString), named);
    const searched = url.searchParams.get("search")?.replace(/-$/, "");
    return named ?? metadata?.aigw_agent ?? searched ?? this.agentOfHash.get(url.searchParams.get("key") ?? "");
  }
}

/** Of what the store or the gateway is sent. */
interface Body {
  readonly SecretId?: string;
  readonly SecretString?: string;
  readonly metadata?: { readonly aigw_agent?: string };
}
