import type { AwsSecretsManager } from "../cli/secrets/aws-secrets-manager";
import { AgentKeyError } from "./agent-key-error";
import type { ReadKey } from "./read-key";

/** Where a key lies in AWS Secrets Manager. */
export interface SecretsManagerKeyProps {
  readonly region: string;
  /**
   * The secret's name, `<gateway>/agents/<agent>`, or its ARN where it is another account's.
   * @example "prod-gateway/agents/research-agent"
   */
  readonly name: string;
}

/** Reads the key by AWS's SDK, which is loaded with the first read. */
export function secretsManagerKey({ region, name }: SecretsManagerKeyProps): ReadKey {
  let store: Promise<AwsSecretsManager> | undefined;
  return async () => {
    store ??= open(region);
    try {
      const value = await (await store).read({ name, purpose: "", fields: [] }, "current");
      if (value !== undefined) return value.text;
    } catch (error) {
      throw new AgentKeyError((error as Error).message, (error as { code?: string }).code);
    }
    throw new AgentKeyError(
      `${name}: Secrets Manager in ${region} has no such secret, or it has no value yet`,
      "ResourceNotFoundException",
    );
  };
}

async function open(region: string): Promise<AwsSecretsManager> {
  const client = await import("../cli/secrets/aws-secrets-manager.js");
  return new client.AwsSecretsManager(region, { gateway: "" });
}
