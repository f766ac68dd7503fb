export type { AccessStatement, IAccessRole } from "./access";
export { AgentQuotaKeys, type AgentQuotaKeysProps, type Provisioning } from "./agent-quota-keys";
export { AiGateway, type AiGatewayProps, type DriftProps } from "./ai-gateway";
export { Database, type DatabaseProps, type IDatabase, type IRedis, Redis, type RedisProps } from "./backing-services";
export { Certificate, type ICertificate } from "./certificate";
export { DriftCheck, type DriftCheckProps } from "./drift-check";
export { Duration } from "./duration";
export { ConfigError } from "./errors";
export { GatewayOutputs } from "./gateway-outputs";
export { type ExistingRoleProps, GatewayRole, type GatewayRoleProps, type RoleBounds, type RoleProps } from "./gateway-role";
export type { ClusterProps } from "./cluster-props";
export { LiteLlmCluster, type LiteLlmClusterProps } from "./litellm-cluster";
export * from "./litellm";
export {
  EncryptionKey,
  type IEncryptionKey,
  LlmSecrets,
  type LlmSecretsProps,
  type SecretMinting,
  type SecretStoresProps,
} from "./llm-secrets";
export { type INetwork, Network, type NetworkProps, type Subnet } from "./network";
export * from "./platform";
export { PrivateZone } from "./private-zone";
export { ReaderRole, type ReaderRoleProps } from "./reader-role";
export type { RoleAccess } from "./role-access";
export { Schedule } from "./schedule";
export type { Removal } from "./removal";
export type * from "./secret-store";
