import { bounds, isKept, Round } from "../bench/keys/bounds";

const round = (more: Partial<Round> = {}): Round => ({ curl: 20, fromNothing: 14, unchanged: 1, megabytes: 200, writes: 0, ...more });
const kept = (...rounds: readonly Round[]): boolean[] => bounds(rounds).map(isKept);

it("holds the medians of times, and the most of memory and writes, against what is promised", () => {
  expect(kept(round())).toEqual([true, true, true, true]);
  expect(kept(round({ fromNothing: 14.1 }))).toEqual([false, true, true, true]);
  expect(kept(round({ unchanged: 1.1 }))).toEqual([true, false, true, true]);
  expect(kept(round(), round({ fromNothing: 30, unchanged: 3 }), round())).toEqual([true, true, true, true]);
  expect(kept(round(), round({ megabytes: 201, writes: 1 }), round())).toEqual([true, true, false, false]);
  expect(bounds([round({ curl: 10 }), round({ curl: 30 })])[0]!.found).toBeCloseTo(14 / 20);
});
