export { AlicloudProvider } from "./bindings/providers/alicloud/provider";
export { type KmsSecretsProps } from "./kms-secrets-props";
export { AlicloudPlatform, type AlicloudPlatformProps } from "./platform";
export { type AlicloudTransform } from "./resource-factory";
export { type ConfigOf, type ResourceKind, type ResourceOf } from "./resource-kinds";
export {
  type AlicloudClusterResources,
  type AlicloudDriftResources,
  type AlicloudResources,
  type AlicloudRoleResources,
  type AlicloudSecretsResources,
} from "./resources";
