import type { MotoCloud } from "./moto";
import type { KmsDouble } from "./secret-stores/alicloud-kms";
import type { SimulatedCloud } from "./simulated-provider";

/** What an apply needs so that the command which it runs enters the Secrets Manager of a moto server. */
export function runnerOnMoto({ endpoint }: MotoCloud): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_EC2_METADATA_DISABLED: "true",
  };
}

/** The same for a double of KMS, which from now on knows the keys that Terraform makes in a simulated cloud. */
export function runnerOnKms(kms: KmsDouble, cloud: SimulatedCloud): Record<string, string> {
  kms.madeElsewhere = () =>
    cloud.list("alicloud_kms_key").map(({ id, attributes }) => ({ id, instance: (attributes.dkms_instance_id as string) || undefined }));
  return { AIGW_KMS_ENDPOINT: kms.url, ...kms.environment };
}
