import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { Aspects, IAspect, TerraformProvider, TerraformStack } from "cdktf";
import { Construct, IConstruct } from "constructs";

/** The versions of hashicorp/null that have what is used; the binding alone would pin one. */
const VERSIONS = ">= 3.2, < 4";

const PREPARED = new WeakSet<TerraformStack>();

/**
 * Sees to it that the stack has a null provider when it is synthesized, in the library's version range; it takes no
 * settings, so nobody need make it.
 */
export function useNullProvider(scope: Construct): void {
  const stack = TerraformStack.of(scope);
  if (PREPARED.has(stack)) return;
  PREPARED.add(stack);
  stack.addOverride("terraform.required_providers.null.version", VERSIONS);
  Aspects.of(stack).add(new NullProviderAspect(stack));
}

/** Only at synthesis is it known whether the stack's author made one. */
class NullProviderAspect implements IAspect {
  constructor(private readonly stack: TerraformStack) {}

  public visit(node: IConstruct): void {
    if (node !== this.stack) return;
    const isThere = this.stack.node
      .findAll()
      .some((child) => TerraformProvider.isTerraformProvider(child) && child.terraformResourceType === "null");
    if (!isThere) new NullProvider(this.stack, "ai-gateway-null");
  }
}
