import type { AlicloudApi } from "../cli/secrets/alicloud-api";
import { failureCode } from "../cli/secrets/store-error";
import type { ReadKey } from "./read-key";
import { storeFailure } from "./store-failure";

/** Where a key lies in Alibaba Cloud KMS. */
export interface KmsKeyProps {
  readonly region: string;
  /**
   * The secret's name, `<gateway>/agents/<agent>`, or its ARN where it is another account's.
   * @example "prod-gateway/agents/research-agent"
   */
  readonly name: string;
  /**
   * The host of KMS. Outside of a VPC it is `kms.<region>.aliyuncs.com`.
   * @default "kms-vpc.<region>.aliyuncs.com", which an instance reaches without a NAT gateway
   */
  readonly endpoint?: string;
}

interface SecretValueReply {
  readonly SecretData: string;
}

/** Reads the key by Alibaba Cloud's SDK, which is loaded with the first read. */
export function kmsKey({ region, name, endpoint = `kms-vpc.${region}.aliyuncs.com` }: KmsKeyProps): ReadKey {
  let kms: Promise<AlicloudApi> | undefined;
  return async () => {
    kms ??= open(endpoint);
    try {
      const { SecretData } = await (await kms).call<SecretValueReply>("GetSecretValue", { SecretName: name, VersionStage: "ACSCurrent" });
      return SecretData;
    } catch (error) {
      const code = failureCode(error);
      throw storeFailure(name, `KMS in ${region}`, code, advice(code));
    }
  };
}

async function open(endpoint: string): Promise<AlicloudApi> {
  const client = await import("../cli/secrets/alicloud-api.js");
  return new client.AlicloudApi({ version: "2016-01-20", endpoint });
}

function advice(code: string): string | undefined {
  const known: readonly (readonly [RegExp, string])[] = [
    [/ResourceNotFound|SecretNotFound/, "no such secret, or it has no value yet"],
    [
      /^(Forbidden|NoPermission)(\.|$)/,
      "no permission; the machine's role needs kms:GetSecretValue on the secret, and kms:Decrypt on its key",
    ],
    [/AccessKey|Signature|SecurityToken|InvalidToken|Credential/i, "the credentials are not good; has the machine a RAM role?"],
    [/ENOTFOUND|ECONNREFUSED|Timeout/i, "not reached; outside of a VPC the endpoint is another one"],
  ];
  return known.find(([pattern]) => pattern.test(code))?.[1];
}
