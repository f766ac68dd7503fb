// Measures what the docs claim, as ratios within one run: `npm run bench`. Exit code 1 when a bound is not kept.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const RUNS = 5;

interface Sample {
  readonly milliseconds: number;
  readonly megabytes: number;
}

interface Bound {
  readonly what: string;
  readonly ratio: number;
  readonly atLeast?: number;
  readonly atMost: number;
  readonly unit?: string;
}

/** Each variant in a process of its own, in turn, so that a change of the machine's speed meets all of them. */
function measure(script: string, variants: readonly (readonly string[])[], runs = RUNS): Sample[] {
  const samples = variants.map((): Sample[] => []);
  for (let run = 0; run < runs; run++) {
    variants.forEach((words, index) => {
      const output = execFileSync(process.execPath, ["--expose-gc", "--max-old-space-size=4096", join(__dirname, script), ...words], {
        encoding: "utf8",
        cwd: __dirname,
      });
      samples[index]!.push(JSON.parse(output) as Sample);
    });
  }
  return samples.map((list) => ({
    milliseconds: median(list.map((s) => s.milliseconds)),
    megabytes: median(list.map((s) => s.megabytes)),
  }));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function growth(of: keyof Sample, none: Sample, thousand: Sample, tenThousand: Sample): number {
  return (tenThousand[of] - none[of]) / (thousand[of] - none[of]);
}

function bounds(): Bound[] {
  const [library, direct] = measure("synth.js", [
    ["library", "1000"],
    ["direct", "1000"],
  ]) as [Sample, Sample];
  const [none, thousand, tenThousand] = measure(
    "synth.js",
    [
      ["library", "0"],
      ["library", "1000"],
      ["library", "10000"],
    ],
    3,
  ) as [Sample, Sample, Sample];
  const [cdktf, core] = measure("require.js", [["cdktf"], ["cdktf", "cdktf-ai-gateway"]]) as [Sample, Sample];
  return [
    {
      what: "synthesis of 10 providers and 1,000 agents, over the same resources written by hand",
      ratio: library.milliseconds / direct.milliseconds,
      atMost: 1.15,
    },
    { what: "time of 10,000 agents over 1,000", ratio: growth("milliseconds", none, thousand, tenThousand), atLeast: 8, atMost: 12 },
    { what: "memory of 10,000 agents over 1,000", ratio: growth("megabytes", none, thousand, tenThousand), atLeast: 8, atMost: 12 },
    { what: 'require("cdktf-ai-gateway") over require("cdktf")', ratio: core.milliseconds - cdktf.milliseconds, atMost: 30, unit: "ms" },
  ];
}

const isKept = ({ ratio, atLeast = 0, atMost }: Bound): boolean => ratio >= atLeast && ratio <= atMost;

const results = bounds();
for (const bound of results) {
  const range = bound.atLeast === undefined ? `at most ${bound.atMost}` : `${bound.atLeast} to ${bound.atMost}`;
  console.log(
    `${isKept(bound) ? "ok  " : "FAIL"} ${bound.ratio.toFixed(2)}${bound.unit ?? ""} (${range}${bound.unit ?? ""}): ${bound.what}`,
  );
}
process.exitCode = results.every(isKept) ? 0 : 1;
