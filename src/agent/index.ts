export { AgentGateway, type AgentGatewayProps } from "./agent-gateway";
export { AgentKey, type AgentKeyOptions } from "./agent-key";
export { AgentKeyError } from "./agent-key-error";
export type { KmsKeyProps } from "./kms-key";
export type { SecretsManagerKeyProps } from "./secrets-manager-key";
export type { VaultKeyProps } from "./vault-key";
export type { AlicloudVaultLogin, AwsVaultLogin, TokenVaultLogin, VaultLogin } from "./vault-login";
