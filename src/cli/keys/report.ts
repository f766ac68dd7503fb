import { CommandError } from "../command-error";
import { GroupOutcome } from "./groups";
import { Difference } from "./key-spec";
import { Outcome } from "./reconcile";

type AnyOutcome = Outcome | GroupOutcome;

/** What a command tells: a line for each agent and group as it is done, or one JSON object at the end; progress beside it. */
export class Report {
  public readonly outcomes: AnyOutcome[] = [];
  public readonly warnings: string[] = [];
  private expected = 0;
  private drawn = false;

  /**
   * @param say takes a line of the result
   * @param warn takes a line beside it
   * @param terminal where progress is drawn; absent where nobody looks
   */
  constructor(
    private readonly say: (line: string) => void,
    private readonly warn: (line: string) => void,
    public readonly json: boolean,
    private readonly terminal: Pick<NodeJS.WriteStream, "write"> | undefined = process.stderr.isTTY ? process.stderr : undefined,
  ) {}

  /** So many more agents are to be done. */
  public expect(count: number): void {
    this.expected += count;
  }

  public readonly done = (outcome: AnyOutcome): void => {
    this.outcomes.push(outcome);
    if (!this.json) this.line(outcomeText(outcome));
    this.draw();
  };

  /** A line of the result; none where machines read. */
  public readonly line = (text: string): void => {
    this.clear();
    this.say(text);
  };

  /** A line beside the result. */
  public readonly progress = (text: string): void => {
    this.clear();
    this.warn(text);
  };

  /** Something that is done, and yet not as it should be. */
  public readonly warning = (text: string): void => {
    this.warnings.push(text);
    this.progress(`warning: ${text}`);
  };

  /**
   * Ends a command that worked on agents.
   * @throws CommandError naming those that failed
   */
  public end(gateway: string): void {
    const agents = this.outcomes.filter((outcome): outcome is Outcome => "agent" in outcome);
    const groups = this.outcomes.filter((outcome): outcome is GroupOutcome => "group" in outcome);
    if (this.json) this.line(JSON.stringify({ gateway, agents, groups, warnings: this.warnings }, null, 2));
    else this.line([countText(agents, "agent"), ...(groups.length > 0 ? [countText(groups, "group")] : [])].join("; "));
    const failed = this.outcomes.filter(({ action }) => action === "failed").map(nameOf);
    if (failed.length > 0) throw new CommandError(`${failed.length} of ${this.outcomes.length} failed: ${failed.sort().join(", ")}`);
  }

  private draw(): void {
    if (this.terminal === undefined || this.expected === 0) return;
    this.terminal.write(`\r\x1b[K${this.outcomes.length} of ${this.expected}`);
    this.drawn = true;
  }

  private clear(): void {
    if (this.drawn) this.terminal?.write("\r\x1b[K");
    this.drawn = false;
  }
}

/** What differs, in one line. */
export function changesText(changes: readonly Difference[]): string {
  return changes.map(({ what, is, should }) => `${what} ${valueText(is)} -> ${valueText(should)}`).join(", ");
}

function outcomeText(outcome: AnyOutcome): string {
  const { action, changes = [], problem } = outcome;
  const key = "key" in outcome && outcome.key !== undefined ? ` (key ${outcome.key})` : "";
  const note = "note" in outcome ? outcome.note : undefined;
  const more = [
    ...(changes.length > 0 ? [changesText(changes)] : []),
    ...(note === undefined ? [] : [note]),
    ...(problem ? [problem] : []),
  ];
  return `${nameOf(outcome)}: ${action}${key}${more.length > 0 ? `: ${more.join("; ")}` : ""}`;
}

function nameOf(outcome: AnyOutcome): string {
  return "agent" in outcome ? outcome.agent : `group ${outcome.group}`;
}

function countText(outcomes: readonly AnyOutcome[], what: string): string {
  const counts = new Map<string, number>();
  for (const { action } of outcomes) counts.set(action, (counts.get(action) ?? 0) + 1);
  const text = [...counts].map(([action, count]) => `${count} ${action}`).join(", ");
  return `${outcomes.length} ${what}${outcomes.length === 1 ? "" : "s"}${text === "" ? "" : `: ${text}`}`;
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return "none";
  return typeof value === "string" ? value : Array.isArray(value) ? `[${value.join(", ")}]` : JSON.stringify(value);
}
