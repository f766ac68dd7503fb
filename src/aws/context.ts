import { TerraformProvider } from "cdktf";
import { Construct } from "constructs";
import { accountIdOf, partitionOf } from "./account";
import { ResourceFactory } from "./resource-factory";

/** What every piece of the platform is made with. */
export interface AwsContext {
  readonly region: string;
  /** Undefined: the stack's provider without an alias. */
  readonly provider?: TerraformProvider;
  readonly resources: ResourceFactory;
  /** Undefined: to be looked up. */
  readonly accountId?: string;
  /** The bucket that takes access logs. */
  readonly accessLogsBucket?: string;
  /** The ARN of the key that encrypts the request log. */
  readonly logKeyArn?: string;
}

/** The ARN of a thing of this account and region. */
export function arn(context: AwsContext, scope: Construct, service: string, resource: string): string {
  return `arn:${partitionOf(scope, context)}:${service}:${context.region}:${accountIdOf(scope, context)}:${resource}`;
}

/** The ARN of a thing of no account, in a region; `*` is any. */
export function arnIn(context: AwsContext, scope: Construct, service: string, region: string, resource: string): string {
  return `arn:${partitionOf(scope, context)}:${service}:${region}::${resource}`;
}
