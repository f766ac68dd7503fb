import { nodeUses, useLine } from "../../../src/cli/secrets/use-report";

interface Said {
  readonly node: string;
  readonly process?: number | string;
  readonly second: number;
  readonly version: string;
}

const line = ({ node, process, second, version }: Said): string =>
  JSON.stringify({
    event: "secret-in-use",
    secret: "gw/x",
    time: `2026-11-23T03:20:${String(second).padStart(2, "0")}.482+00:00`,
    node,
    process,
    secret_version: version,
  });

const uses = (...said: readonly Said[]) =>
  nodeUses(
    said.flatMap((one) => useLine(line(one), "gw/x")),
    ["a", "b"],
  );

describe("what nodes say", () => {
  it("counts by the last word of each process", () => {
    const said: Said[] = [
      { node: "a", process: 11, second: 1, version: "old" },
      { node: "a", process: 12, second: 2, version: "old" },
      { node: "b", process: 11, second: 3, version: "old" },
      { node: "a", process: 11, second: 11, version: "new" },
      { node: "b", process: 11, second: 13, version: "new" },
    ];
    expect(uses(...said)).toEqual([
      { node: "a", versions: ["new", "old"] },
      { node: "b", versions: ["new"] },
    ]);
    expect(uses(...said, { node: "a", process: 12, second: 12, version: "new" })).toEqual([
      { node: "a", versions: ["new"] },
      { node: "b", versions: ["new"] },
    ]);
  });

  it("is the same in whatever order, and twice, the lines come; numbers are texts in some log stores", () => {
    const back: Said = { node: "a", process: "11", second: 9, version: "old" };
    const forth: Said = { node: "a", process: "11", second: 8, version: "new" };
    for (const said of [
      [back, forth],
      [forth, back],
      [forth, back, forth],
    ]) {
      expect(uses(...said)[0]).toEqual({ node: "a", versions: ["old"] });
    }
  });

  it("is not taken for settled by lines that name no process", () => {
    const said: Said[] = [
      { node: "a", second: 1, version: "old" },
      { node: "a", second: 2, version: "new" },
    ];
    expect(uses(...said)[0]).toEqual({ node: "a", versions: ["old", "new"] });
  });
});
