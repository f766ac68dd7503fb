import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { awsClientConfig } from "../cli/secrets/aws-client-config";
import type { AwsVaultLogin, SignedQuestion } from "./vault-login";

const BODY = "Action=GetCallerIdentity&Version=2011-06-15";

/** Signed by the SDK of a service that we have anyway, with the credentials that it finds. */
export async function askAws({ region, serverId }: AwsVaultLogin): Promise<SignedQuestion> {
  const hostname = `sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  const { config } = new SecretsManagerClient(awsClientConfig(region));
  const signer = await config.signer({ name: "sigv4", signingName: "sts", signingRegion: region, properties: {} });
  const { headers } = await signer.sign({
    method: "POST",
    protocol: "https:",
    hostname,
    path: "/",
    query: {},
    headers: {
      host: hostname,
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      ...(serverId === undefined ? {} : { "x-vault-aws-iam-server-id": serverId }),
    },
    body: BODY,
  });
  return { url: `https://${hostname}/`, headers, body: BODY };
}
