import type { PolicyDocument } from "./policy-document";

/** A stack of which all is known, as it is once applied. */
export interface AppliedStack {
  /** The resources of a type. */
  all(type: string): readonly AppliedResource[];
}

/** A resource whose attributes are the values that the cloud has. */
export class AppliedResource {
  constructor(
    /** The logical id. */
    public readonly id: string,
    /** An attribute, given or computed; an error when it is no text. */
    public readonly text: (attribute: string) => string,
  ) {}

  /** The policy whose JSON an attribute is. */
  public policy(attribute: string): PolicyDocument {
    return JSON.parse(this.text(attribute)) as PolicyDocument;
  }
}

/**
 * The only resource of a type.
 * @throws Error when there are none or several
 */
export function onlyOf(stack: AppliedStack, type: string): AppliedResource {
  const [only, ...others] = stack.all(type);
  if (only === undefined || others.length > 0)
    throw new Error(`the stack has ${others.length + Number(only !== undefined)} ${type}, not one`);
  return only;
}
