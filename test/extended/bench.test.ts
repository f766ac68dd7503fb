// `npm run bench` takes minutes and a quiet machine; here is only seen that what it compares is the same.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

interface Sample {
  readonly milliseconds: number;
  readonly constructs: number;
}

const synthesized = (variant: string): Sample => {
  const words = ["--expose-gc", join(__dirname, "..", "..", "bench", "synth.js"), variant, "1000"];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" })) as Sample;
};

it("the stack that is written by hand has as many constructs as the library's", () => {
  const [library, direct] = [synthesized("library"), synthesized("direct")];
  expect(library.constructs).toBeGreaterThan(3_000);
  expect(direct.constructs / library.constructs).toBeGreaterThan(0.98);
  expect(direct.constructs / library.constructs).toBeLessThan(1.02);
});
