/** A policy of either cloud. */
export interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly PolicyStatement[];
}

/** A statement of a policy of either cloud. */
export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  /** Whom a resource's own policy is about. */
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Whoever has it may do everything that no other policy denies. */
export function administratorPolicy(Version: string): PolicyDocument {
  return { Version, Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
}
