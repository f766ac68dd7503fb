#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { version } from "./version";

/** Exit codes: 0 done, 1 failed, 2 wrongly called. */
const FAILED = 1;
const WRONGLY_CALLED = 2;

const program = new Command("cdktf-ai-gateway")
  .description("Works with gateways that the package cdktf-ai-gateway synthesizes.")
  .version(version())
  .showHelpAfterError("(--help tells what there is)")
  .exitOverride();

program
  .command("synth-check")
  .description("prints what a synthesized stack holds")
  .argument("[path]", "cdktf.out, or one stack's folder in it", "cdktf.out")
  .option("--json", "for machines")
  .action(async (path: string, options: { json?: boolean }) => {
    const { synthCheck } = await import("./synth-check.js");
    process.stdout.write(synthCheck(path, options.json === true));
  });

void run(process.argv.slice(2));

async function run(words: readonly string[]): Promise<void> {
  const unknown = unknownCommand(words);
  if (unknown !== undefined) {
    fail(unknown, WRONGLY_CALLED);
    return;
  }
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : WRONGLY_CALLED;
      return;
    }
    fail((error as Error).message, FAILED);
  }
}

/** Says the words of the command only: what follows them may be a secret that was given by mistake. */
function unknownCommand(words: readonly string[]): string | undefined {
  const [first, second] = words;
  const known = program.commands.map((command) => command.name());
  if (first === undefined || first.startsWith("-") || ["help", ...known].includes(first)) return undefined;
  const command = second === undefined || second.startsWith("-") ? first : `${first} ${second}`;
  const agent = process.env.AIGW_AGENT;
  const purpose = agent === undefined ? "" : `, so the key of agent "${agent}" was not made`;
  return `cdktf-ai-gateway ${version()} has no command "${command}"${purpose} (it has: ${known.join(", ")})`;
}

function fail(message: string, exitCode: number): void {
  process.stderr.write(`error: ${message}\n`);
  process.exitCode = exitCode;
}
