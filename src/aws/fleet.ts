import { ITerraformDependable, Token } from "cdktf";
import { NodesSpec } from "../platform";
import { ResourceOf } from "./resource-kinds";

/** What a fleet is made of, whether it scales or not. */
export interface Fleet {
  readonly spec: NodesSpec;
  readonly name: string;
  readonly template: ResourceOf<"launchTemplate">;
  readonly securityGroupId: string;
  /** What must be there before the first node boots. */
  readonly dependsOn: ITerraformDependable[];
}

/** The newest version of the fleet's launch template: a number of Terraform's, as text. */
export function latestVersion({ template }: Fleet): string {
  return Token.asString(template.latestVersion);
}

/** The name of a gateway's nodes, and of their group. */
export function fleetName(gateway: string): string {
  return `${gateway}-node`;
}
