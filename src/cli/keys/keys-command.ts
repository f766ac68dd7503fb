import { Command, InvalidArgumentError } from "commander";
import { gatewayOptions, newSecretOptions } from "../secrets/shared-options";
import type { ApplyOptions } from "./apply";
import type { KeysOptions } from "./open-keys";
import type { RotateOptions } from "./rotate";

type Options<T> = KeysOptions & T;

/** Adds `keys` to the command. What it does is loaded when it is called. */
export function addKeys(program: Command): void {
  const keys = program
    .command("keys")
    .description("makes, rotates, revokes and watches the agents' keys, at the gateway and in their store");

  newSecretOptions(common(keys.command("apply").description("makes store and gateway agree with what the stack says of its agents")))
    .option("--agent <name>", "this agent only")
    .option("--group <name>", "this group only")
    .action(async (options: Options<ApplyOptions>) => {
      const { apply } = await import("./apply.js");
      await apply(await contextOf(options), options);
    });

  common(keys.command("diff").description("tells what apply would do and writes nothing; ends with 2 where that is something")).action(
    async (options: KeysOptions) => {
      const { diff } = await import("./diff.js");
      await diff(await contextOf(options));
    },
  );

  common(keys.command("list").description("tells the agents' keys at the gateway, their limits and ends; never a key")).action(
    async (options: KeysOptions) => {
      const { list } = await import("./list.js");
      await list(await contextOf(options));
    },
  );

  newSecretOptions(common(keys.command("rotate").description("gives an agent a new key; the old one works on for a while and then ends")))
    .argument("[agent]", "the agent's name")
    .option("--all", "every agent")
    .option("--older-than <time>", "with --all: those whose key is at least so old, such as 90d", duration)
    .option("--overlap <time>", "how long the old key works on (default: 24h)", duration)
    .action(async (name: string | undefined, options: Options<RotateOptions>) => {
      const { rotate } = await import("./rotate.js");
      await rotate(await contextOf(options), name, options);
    });

  common(keys.command("revoke").description("takes an agent's keys away: blocks them on every node, retires the secret, deletes them"))
    .argument("[agent]", "the agent's name")
    .option("--absent", "every agent that the stack names no more, and groups without keys")
    .action(async (name: string | undefined, options: Options<{ absent?: boolean }>) => {
      const { revoke } = await import("./revoke.js");
      await revoke(await contextOf(options), name, options.absent === true);
    });

  common(keys.command("usage").description("tells tokens and spend of today and of groups' budgets, against the caps"))
    .option("--suggest", "caps of ten times the 99th percentile of the last 30 days")
    .action(async (options: Options<{ suggest?: boolean }>) => {
      const { usage } = await import("./usage.js");
      await usage(await contextOf(options), options.suggest === true);
    });
}

function common(command: Command): Command {
  return gatewayOptions(command)
    .option("--endpoint <url>", "where keys are administered (default: AIGW_ENDPOINT, else the synthesized one)")
    .option("--timeout <time>", "how long to wait for the gateway (default: 15m)", seconds)
    .option("--json", "for machines");
}

async function contextOf(options: KeysOptions) {
  const { openKeys } = await import("./open-keys.js");
  return openKeys(options);
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function duration(text: string): number {
  const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) throw new InvalidArgumentError("a time is a whole number and s, m, h or d, such as 24h");
  return Number(number) * UNITS_MS[unit]!;
}

function seconds(text: string): number {
  return duration(/^\d+$/.test(text) ? `${text}s` : text) / 1_000;
}
