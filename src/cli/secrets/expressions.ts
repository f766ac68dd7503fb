/** A synthesized stack, as far as references lead into it. */
export interface StackFile {
  readonly locals?: Readonly<Record<string, unknown>>;
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
}

/** What can not be known before Terraform runs. */
export class UnknownExpression extends Error {}

/**
 * A template of Terraform as a text: the workspace's name, and attributes and locals that are literal in the same stack, in
 * the place of references to them.
 * @param unknown what stands for a reference that only Terraform knows
 * @throws UnknownExpression naming such a reference, unless `unknown` says otherwise
 */
export function resolved(template: string, stack: StackFile, workspace: string, unknown = refuse): string {
  return template.replace(/([$%])\1\{|[$%]\{([^}]*)\}/g, (_, escaped: string | undefined, reference: string) =>
    escaped === undefined ? referred(reference.trim(), stack, workspace, unknown) : `${escaped}{`,
  );
}

function refuse(reference: string): string {
  throw new UnknownExpression(reference);
}

function referred(reference: string, stack: StackFile, workspace: string, unknown: (reference: string) => string): string {
  if (reference === "terraform.workspace") return workspace;
  const value = literal(reference.split("."), stack);
  if (typeof value === "string") return resolved(value, stack, workspace, unknown);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : unknown(reference);
}

function literal([first, second, third, ...rest]: readonly string[], { locals = {}, resource = {} }: StackFile): unknown {
  if (first === undefined || second === undefined || rest.length > 0) return undefined;
  if (first === "local") return third === undefined ? locals[second] : undefined;
  return third === undefined ? undefined : resource[first]?.[second]?.[third];
}
