import { TerraformProvider, TerraformStack } from "cdktf";
import { IConstruct } from "constructs";

/**
 * The stack's provider of a type that has no alias; undefined where there is none. By what it is called rather than by its
 * class: a stack may have loaded the binding twice.
 */
export function stackProvider(scope: IConstruct, type: string): TerraformProvider | undefined {
  return TerraformStack.of(scope)
    .node.findAll()
    .filter((construct) => TerraformProvider.isTerraformProvider(construct))
    .find((provider) => provider.terraformResourceType === type && provider.alias === undefined);
}
