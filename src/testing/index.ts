import { TerraformStack, Testing } from "cdktf";

/** A synthesized stack, parsed. */
export interface SynthesizedStack {
  readonly terraform: { readonly [section: string]: unknown };
  /** Attributes by logical id, by resource type. */
  readonly resource: { readonly [type: string]: { readonly [id: string]: { readonly [attribute: string]: unknown } } };
  readonly data?: { readonly [type: string]: { readonly [id: string]: { readonly [attribute: string]: unknown } } };
  readonly output?: { readonly [name: string]: { readonly [attribute: string]: unknown } };
  readonly locals?: { readonly [name: string]: unknown };
}

/** Synthesizes one stack in memory, with all validations; keys are sorted, so that it can be compared and snapshot. */
export function synthesized(stack: TerraformStack): SynthesizedStack {
  return JSON.parse(Testing.synth(stack, true)) as SynthesizedStack;
}

/** The attributes of each resource of a type, in the order of their logical ids. */
export function resourcesOfType(stack: SynthesizedStack, type: string): { readonly [attribute: string]: unknown }[] {
  return Object.values(stack.resource[type] ?? {});
}

/** The paths of all constructs of a stack, one a line: a change of it moves resources, and deserves a second look. */
export function constructTree(stack: TerraformStack): string {
  return stack.node
    .findAll()
    .map((construct) => construct.node.path)
    .join("\n");
}
