import { SecretStoreSettings } from "../../secret-store";
import { NewSecretOptions, StoreClient } from "./store-client";

/** The client of a store; its cloud's SDK is loaded only now. */
export async function openStore(settings: SecretStoreSettings, options: NewSecretOptions): Promise<StoreClient> {
  if (settings.kind === "vault") {
    const { VaultKv } = await import("./vault-kv.js");
    return new VaultKv(settings);
  }
  if (settings.kind === "alicloud-kms") {
    const { AlicloudKms } = await import("./alicloud-kms.js");
    return new AlicloudKms(settings.region, options);
  }
  const { AwsSecretsManager } = await import("./aws-secrets-manager.js");
  return new AwsSecretsManager(settings.region, options);
}
