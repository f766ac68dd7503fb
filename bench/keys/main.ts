// Measures `keys apply` against as many calls of curl: `npm run bench:keys`. See docs/performance.md.
//   --agents N   how many (default 1000)
//   --rounds N   each side goes first in every other one (default 4)
//   --store S    vault, aws or alicloud (default vault)
//   --check      exit code 1 when a promise is not kept
import { parseArgs } from "node:util";
import { table } from "../../src/cli/table";
import { Bound, bounds, isKept, medianOf, Round } from "./bounds";
import { KeysBench } from "./keys-bench";
import { STORES } from "./stores";

const { agents, rounds, store, check } = parseArgs({
  options: {
    agents: { type: "string", default: "1000" },
    rounds: { type: "string", default: "4" },
    store: { type: "string", default: "vault" },
    check: { type: "boolean", default: false },
  },
}).values;

const ROWS: readonly (readonly [keyof Round, string, number])[] = [
  ["curl", "curl, one call after the other (s)", 2],
  ["fromNothing", "apply, from nothing (s)", 2],
  ["unchanged", "apply, without a change (s)", 2],
  ["megabytes", "memory of the command (MB)", 0],
  ["writes", "writes without a change", 0],
];

async function main(): Promise<void> {
  const [count, times] = [wholeNumber("agents", agents), wholeNumber("rounds", rounds)];
  if (STORES[store] === undefined) throw new Error(`--store: ${store} is none of ${Object.keys(STORES).join(", ")}`);
  // Whatever is timed has its bytecode compiled, as on a node.
  delete process.env.PYTHONDONTWRITEBYTECODE;
  const bench = new KeysBench(count);
  const stop = (): Promise<void> => bench.stop();
  (["SIGINT", "SIGTERM", "SIGHUP"] as const).forEach((signal) => process.once(signal, () => void stop().then(() => process.exit(1))));
  try {
    await bench.start(store);
    const measured: Round[] = [];
    for (let round = 0; round < times; round += 1) {
      measured.push(await bench.measure());
      console.error(`round ${round + 1} of ${times}: ${JSON.stringify(measured.at(-1))}`);
    }
    const found = bounds(measured);
    console.log([`${count} agents, store ${store}`, ...figures(measured), ...found.map(boundText)].join("\n"));
    process.exitCode = check && !found.every(isKept) ? 1 : 0;
  } finally {
    await stop();
  }
}

function figures(measured: readonly Round[]): string[] {
  const heads = ["", ...measured.map((_, index) => `round ${index + 1}`), "median"];
  const cells = ([what, text, digits]: (typeof ROWS)[number]): string[] => [
    text,
    ...[...measured.map((round) => round[what]), medianOf(measured, what)].map((value) => value.toFixed(digits)),
  ];
  return table(heads, ROWS.map(cells));
}

function boundText(bound: Bound): string {
  const { what, found, atMost, unit = "" } = bound;
  const digits = unit === "" && found % 1 !== 0 ? 3 : 0;
  return `${isKept(bound) ? "ok  " : "FAIL"} ${found.toFixed(digits)}${unit} (at most ${atMost}${unit}): ${what}`;
}

function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new Error(`--${option}: ${text} is not a whole number from 1 to 99999`);
}

void main();
