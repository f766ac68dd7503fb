import type { Command } from "commander";

/** Adds the options that say of which gateway. */
export function gatewayOptions(command: Command): Command {
  return command
    .option("--document <file>", "the secrets' document; - is standard input (default: AIGW_SECRETS, else the synthesized stack)")
    .option("--output <folder>", "cdktf's output folder", "cdktf.out")
    .option("--stack <name>", "which stack, if there are several")
    .option("--gateway <name>", "which gateway, if the stack has several")
    .option("--workspace <name>", "Terraform's workspace (default: TF_WORKSPACE, else default)");
}

/** Adds the options of commands that make secrets where they are absent. */
export function newSecretOptions(command: Command): Command {
  return command
    .option("--encryption-key <id>", "the key of secrets that are made now (default: the gateway's, where there is one)")
    .option("--kms-instance <id>", "Alibaba Cloud: the KMS instance of secrets that are made now");
}
