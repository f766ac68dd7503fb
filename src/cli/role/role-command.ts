import type { Command } from "commander";

/** Adds `role` to the command. What it does is loaded when it is called. */
export function addRole(program: Command): void {
  program
    .command("role")
    .description("looks at the role of a gateway's nodes")
    .command("check")
    .description("compares a live role with what the gateway needs of it; ends with 2 on a difference")
    .argument("<role>", "the role's name")
    .requiredOption("--policy <file>", "the required policy, such as an output of GatewayRole.requiredPolicy(); - is standard input")
    .option("--json", "for machines")
    .action(async (role: string, options: { policy: string; json?: boolean }) => {
      const { checkRole } = await import("./check.js");
      process.exitCode = await checkRole(role, options, (text) => process.stdout.write(text));
    });
}
