export { VaultAuth, type VaultAuthProps, type VaultAwsAuthProps } from "./vault-auth";
export { VaultStore, type VaultStoreProps } from "./vault-store";
