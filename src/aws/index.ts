export { AwsPlatform, type AwsPlatformProps } from "./platform";
export type { AwsTransform } from "./resource-factory";
export type { ConfigOf, ResourceKind, ResourceOf } from "./resource-kinds";
export type { AwsClusterResources, AwsDriftResources, AwsResources, AwsRoleResources, AwsSecretsResources } from "./resources";
