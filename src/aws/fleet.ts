import { ITerraformDependable, Token } from "cdktf";
import { NodesSpec } from "../platform";
import { ResourceOf } from "./resource-kinds";

/** What a fleet is made of, whether it scales or not. */
export interface Fleet {
  readonly name: string;
  readonly subnetIds: readonly string[];
  readonly template: ResourceOf<"launchTemplate">;
  readonly securityGroupId: string;
  readonly targets: NodesSpec["targets"];
  readonly warmUpSeconds: number;
  /** What must be there before the first node boots. */
  readonly dependsOn: ITerraformDependable[];
}

/** The newest version of the fleet's launch template: a number of Terraform's, as text. */
export function latestVersion({ template }: Fleet): string {
  return Token.asString(template.latestVersion);
}
