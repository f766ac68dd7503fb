import { Command, InvalidArgumentError } from "commander";
import { CommandError, EXIT } from "../command-error";
import type { OpenOptions } from "./open-context";
import type { WaitOptions } from "./rotate";
import { gatewayOptions, newSecretOptions } from "./shared-options";

type Options<T> = OpenOptions & T;

const END_MS = 200;

/** Adds `secrets` to the command. What it does is loaded when it is called. */
export function addSecrets(program: Command): void {
  const secrets = program
    .command("secrets")
    .description("puts, mints, rotates and watches the values of a gateway's secrets, in their stores");

  newSecretOptions(common(secrets.command("put").description("puts a value into its store; the value comes by standard input"), true))
    .option("--field <name>", "one field of a secret that has several; the others are kept")
    .option("--from-env <variable>", "takes the value from this variable of the environment")
    .action(async (name: string, more: string[], options: Options<{ field?: string; fromEnv?: string }>) => {
      refuseMore(more);
      const { put } = await import("./put.js");
      await put(await contextOf(options), name, options);
    });

  const ensuring = secrets
    .command("ensure")
    .description("mints the gateway's own values where there are none; tells which others are missing");
  newSecretOptions(common(ensuring))
    .option("--allow-missing", "ends with 0 also where values are missing")
    .action(async (options: Options<{ allowMissing?: boolean }>) => {
      const { ensure } = await import("./ensure.js");
      await ensure(await contextOf(options), options);
    });

  reporting(common(secrets.command("status").description("tells age, version, owner and readers of each secret; never a value")))
    .option("--json", "for machines")
    .option("--max-age <days>", "ends with 2 where a value is older", wholeNumber)
    .action(async (options: Options<{ json?: boolean; maxAge?: number }>) => {
      const { status } = await import("./status.js");
      // A log that does not answer must not hold up the end.
      await status(await contextOf(options), options).finally(() => setTimeout(() => process.exit(), END_MS).unref());
    });

  waiting(common(secrets.command("rotate").description("makes a new value the current one and keeps the old one"), true))
    .option("--field <name>", "one field of a secret that has several; the others are kept")
    .option("--from-env <variable>", "takes the value from this variable of the environment")
    .action(async (name: string, more: string[], options: Options<WaitOptions & { field?: string }>) => {
      refuseMore(more);
      const { rotate } = await import("./rotate.js");
      await rotate(await contextOf(options), name, options);
    });

  reporting(common(secrets.command("retire").description("takes the previous value out of use, once no node uses it"), true))
    .option("--force", "does not ask whether a node still uses it")
    .action(async (name: string, more: string[], options: Options<{ force?: boolean }>) => {
      refuseMore(more);
      const { retire } = await import("./rotate.js");
      await retire(await contextOf(options), name, options);
    });

  waiting(common(secrets.command("rollback").description("makes the previous value the current one again"), true)).action(
    async (name: string, more: string[], options: Options<WaitOptions>) => {
      refuseMore(more);
      const { rollback } = await import("./rotate.js");
      await rollback(await contextOf(options), name, options);
    },
  );
}

function common(command: Command, named = false): Command {
  // What follows the name is taken, to be refused in our own words: it is most likely the value.
  if (named)
    command
      .usage("[options] <name>")
      .argument("<name>", "the secret, such as prod-gateway/openai, or openai")
      .argument("[more...]", "nothing: a value is never an argument");
  return gatewayOptions(command);
}

function reporting(command: Command): Command {
  return command
    .option("--log-group <name>", "AWS: the log group of the nodes (default: the synthesized one)")
    .option("--log-project <name>", "Alibaba Cloud: the nodes' project of the Simple Log Service (default: the synthesized one)")
    .option("--log-store <name>", "Alibaba Cloud: the log store in it (default: the synthesized one)")
    .option("--scaling-group <name>", "the nodes' scaling group; may be given again (default: the synthesized ones)", oneMore);
}

function oneMore(name: string, names: readonly string[] = []): readonly string[] {
  return [...names, name];
}

function waiting(command: Command): Command {
  return reporting(command)
    .option("--wait", "until every node uses that value")
    .option("--timeout <seconds>", "how long to wait (default: 2700)", wholeNumber)
    .option("--poll <seconds>", "how often to ask the request log (default: 15)", wholeNumber);
}

async function contextOf(options: OpenOptions) {
  const { openContext } = await import("./open-context.js");
  return openContext(options);
}

function refuseMore(more: readonly string[]): void {
  if (more.length > 0) {
    throw new CommandError(
      "a value is never an argument, which every user of this computer can read; give it by standard input or --from-env",
      EXIT.wronglyCalled,
    );
  }
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError("a whole number above 0 is wanted");
  return number;
}
