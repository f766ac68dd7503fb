import { TerraformProvider, TerraformStack } from "cdktf";
import { Construct } from "constructs";

/** What is looked up once in a stack for each provider, whichever gateway asks first. */
export function oncePerStack<Found extends Construct>(
  scope: Construct,
  provider: TerraformProvider | undefined,
  name: string,
  make: (stack: TerraformStack, id: string) => Found,
): Found {
  const stack = TerraformStack.of(scope);
  const id = provider === undefined ? name : `${name}-${provider.node.id}`;
  return (stack.node.tryFindChild(id) as Found | undefined) ?? make(stack, id);
}
