export { AwsPlatform, type AwsPlatformProps } from "./platform";
export type { AwsTransform } from "./resource-factory";
export type { ConfigOf, ResourceKind, ResourceOf } from "./resource-kinds";
export type { SecretsManagerProps } from "./secrets-manager-props";
export type { AwsClusterResources, AwsDriftResources, AwsResources, AwsRoleResources, AwsSecretsResources } from "./resources";
