import { TerraformOutput, TerraformStack } from "cdktf";
import type { AiGateway } from "./ai-gateway";
import { ConfigError } from "./errors";

/** A gateway's outputs; their names are `<prefix>_endpoint` and so on. */
export class GatewayOutputs {
  public readonly endpoint: TerraformOutput;
  /** Undefined without an admin listener. */
  public readonly adminEndpoint?: TerraformOutput;
  public readonly keySecretNames: TerraformOutput;
  public readonly logDestination: TerraformOutput;

  /** @throws ConfigError when the prefix can not start a name of Terraform's */
  constructor(gateway: AiGateway, prefix: string) {
    ConfigError.throwIfAny(gateway, prefixProblems(prefix));
    const stack = TerraformStack.of(gateway);
    const { cluster, agents } = gateway;
    const output = (name: string, value: unknown, description: string): TerraformOutput =>
      new TerraformOutput(stack, `${prefix}_${name}`, { value, description, staticId: true });

    this.endpoint = output("endpoint", cluster.endpoint, "What agents use as base URL, without a path");
    if (cluster.adminEndpoint !== undefined) {
      this.adminEndpoint = output("admin_endpoint", cluster.adminEndpoint, "Where keys are administered");
    }
    this.keySecretNames = output("key_secret_names", agents.keySecretNames, "The secret of each agent's key, by agent");
    this.logDestination = output("log_destination", cluster.logs.destination, "Where the request log goes");
  }
}

function prefixProblems(prefix: string): string[] {
  if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(prefix)) return [];
  return [`registerOutputs: ${JSON.stringify(prefix)} is not a prefix of letters, digits, _ and - that starts with a letter`];
}
