import { TerraformElement, TerraformResource } from "cdktf";
import { Construct } from "constructs";

/** How Terraform finds out whether a thing is there already. */
export interface AdoptedResourceProps {
  readonly resource: TerraformResource;
  /** An expression: the ids of those that exist, known at plan time: none or one. */
  readonly existingIds: string;
}

/**
 * Takes over a thing that was made before the stack was ever applied, where there is one; otherwise Terraform makes it.
 *
 * An import block, which needs Terraform 1.7; once the thing is in the state it does nothing.
 */
export class AdoptedResource extends TerraformElement {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: AdoptedResourceProps,
  ) {
    super(scope, id, "import");
  }

  public override toTerraform(): unknown {
    const { resource, existingIds } = this.props;
    return {
      import: [
        {
          for_each: existingIds,
          to: `${resource.terraformResourceType}.${resource.friendlyUniqueId}`,
          id: "${each.value}",
        },
      ],
    };
  }
}
