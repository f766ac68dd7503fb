/** A reference to something that only Terraform knows: a cdktf token, or one such as `${terraform.workspace}`. */
const REFERENCE = /\$\{[\w.[\]-]+\}/g;
const ONLY_A_REFERENCE = /^\$\{[\w.[\]-]+\}$/;

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
 * The problem of a name that may hold references of Terraform. One that is nothing but a reference passes; else what
 * stands around the references must match, with an "x" in the place of each.
 * @param allowed what a name may be, in words that end the message
 */
export function nameProblems(prop: string, name: string | undefined, pattern: RegExp, allowed: string): string[] {
  if (name === undefined || ONLY_A_REFERENCE.test(name)) return [];
  return pattern.test(name.replace(REFERENCE, "x")) ? [] : [`${prop}: ${JSON.stringify(name)} is not ${allowed}`];
}
