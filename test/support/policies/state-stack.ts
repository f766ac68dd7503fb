import type { StateJson, StateResource } from "../terraform";
import { AppliedResource, type AppliedStack } from "./applied-stack";

/** A stack that was applied: its state says what the cloud has. */
export class StateStack implements AppliedStack {
  constructor(private readonly state: StateJson) {}

  public all(type: string): readonly AppliedResource[] {
    const resources = this.state.values?.root_module.resources ?? [];
    return resources
      .filter((resource) => resource.mode === "managed" && resource.type === type)
      .map((resource) => new AppliedResource(resource.name, (attribute) => text(resource, attribute)));
  }
}

function text({ type, name, values }: StateResource, attribute: string): string {
  const value = values[attribute];
  if (typeof value === "string") return value;
  throw new Error(`${type}.${name}: ${attribute} is ${JSON.stringify(value)}, which is no text`);
}
