/** What becomes of a thing that can not be made again when its stack is destroyed. */
export type Removal = "retain" | "destroy";

/** Terraform itself refuses to destroy what is to be retained, before it has destroyed anything else. */
export function removalLifecycle(removal: Removal): { readonly preventDestroy: boolean } {
  return { preventDestroy: removal === "retain" };
}
