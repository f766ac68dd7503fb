import { DefaultTokenResolver, StringConcat, Tokenization } from "cdktf";
import { IConstruct } from "constructs";

/**
 * More than anything that a policy of a gateway refers to: the ARN of a key has up to 90 characters, those of the bucket
 * and of the log group up to 110, and what stands in a name up to 24.
 */
const LONGEST_REFERENCE = 128;

/** How long what a reference stands for can be at most, by the data source that it is of; {@link LONGEST_REFERENCE} for all others. */
export type LongestValues = Readonly<Record<string, number>>;

/**
 * The length that a text has at most once Terraform has put in the values.
 *
 * They are not known before the apply, where a policy that is too long would be refused: better one policy too many.
 */
export function longestLength(scope: IConstruct, text: string, longest: LongestValues): number {
  const resolved = Tokenization.resolve(text, { scope, resolver: new DefaultTokenResolver(new StringConcat()) }) as string;
  return resolved.replace(/\$\{([^}]*)\}/g, (_, reference: string) => "x".repeat(longest[sourceOf(reference)] ?? LONGEST_REFERENCE)).length;
}

/** "data.aws_partition" of "data.aws_partition.AwsPartition.partition". */
function sourceOf(reference: string): string {
  return reference.split(".").slice(0, 2).join(".");
}
