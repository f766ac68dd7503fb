import { TerraformProvider } from "cdktf";
import { Construct } from "constructs";
import { accountIdOf } from "./account";
import { ResourceFactory } from "./resource-factory";

/** What every piece of the platform is made with. */
export interface AlicloudContext {
  readonly region: string;
  /** Undefined: the stack's provider without an alias. */
  readonly provider?: TerraformProvider;
  readonly resources: ResourceFactory;
  readonly accountId?: string;
  /** Undefined: keys are made in the shared KMS. */
  readonly kmsInstanceId?: string;
}

/** The name of a thing of this account and region, as RAM policies and other services write it. */
export function arn(context: AlicloudContext, scope: Construct, service: string, resource: string): string {
  return `acs:${service}:${context.region}:${accountIdOf(scope, context)}:${resource}`;
}
