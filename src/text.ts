/** A reference to something that only Terraform knows: a cdktf token, or one such as `${terraform.workspace}`. */
const REFERENCE = /\$\{[\w.[\]-]+\}/g;

/**
 * A value as JSON text for Terraform: references in it keep working, any other `${` or `%{` is taken literally.
 * `Fn.jsonencode` is no substitute: it does not escape quotes, backslashes and `%{` inside literals.
 */
export function terraformJson(value: unknown): string {
  return JSON.stringify(value).replace(/\$\{(?![\w.[\]-]+\})|%\{/g, (opening) => opening[0]! + opening);
}

/** A text that Terraform takes literally. */
export function literalText(text: string): string {
  return text.replace(/[$%]\{/g, (opening) => opening[0]! + opening);
}

/** True when a text is known only to Terraform, in whole or in part. */
export function isExpression(text: string): boolean {
  return new RegExp(REFERENCE).test(text);
}

/**
 * The problem of a name that may hold references of Terraform: what stands around them must match.
 * @param allowed what a name may be, in words that end the message
 */
export function nameProblems(prop: string, name: string | undefined, pattern: RegExp, allowed: string): string[] {
  if (name === undefined || pattern.test(name.replace(REFERENCE, "x"))) return [];
  return [`${prop}: ${JSON.stringify(name)} is not ${allowed}`];
}
