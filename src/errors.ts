import { IConstruct } from "constructs";

/**
 * What is wrong with the props of one construct, all of it at once.
 *
 * The message has a line for each problem; a problem names the prop, the value and what is allowed.
 */
export class ConfigError extends Error {
  /** Each problem on its own, without the heading. */
  public readonly problems: readonly string[];

  constructor(where: string, problems: readonly string[]) {
    super(`${where} can not be made:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }

  /** Throws when there is a problem; `where` is the construct, named by its path. */
  public static throwIfAny(where: IConstruct | string, problems: readonly string[]): void {
    if (problems.length === 0) return;
    throw new ConfigError(typeof where === "string" ? where : where.node.path, problems);
  }
}
