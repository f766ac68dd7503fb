import { ConfigError, Duration, Schedule } from "../src";
import { secondsProblems } from "../src/duration";
import { nearest, unknownName } from "../src/nearest";

describe("Duration", () => {
  it("is told in its largest whole unit", () => {
    expect([Duration.seconds(90), Duration.minutes(15), Duration.hours(6), Duration.days(30), Duration.seconds(0)].map(String)).toEqual([
      "90s",
      "15m",
      "6h",
      "30d",
      "0s",
    ]);
  });

  it("refuses what is no length of time", () => {
    expect(() => Duration.minutes(-1)).toThrow("Duration.minutes: -1 is not a finite number of at least 0");
    expect(() => Duration.days(Number.NaN)).toThrow(RangeError);
  });

  it("is judged in whole seconds", () => {
    expect(secondsProblems("ttl", Duration.seconds(1.5), 1, 10)).toEqual(["ttl: 1.5s is not a whole number of seconds from 1 to 10"]);
    expect(secondsProblems("ttl", undefined, 1, 10)).toEqual([]);
  });
});

describe("Schedule", () => {
  it.each([Duration.minutes(14), Duration.seconds(1000), Duration.days(8)])("refuses %s", (interval) => {
    expect(() => Schedule.every(interval)).toThrow(`Schedule.every: ${interval} is not a whole number of minutes from 15m to 7d`);
  });
});

describe("ConfigError", () => {
  it("tells all problems at once", () => {
    const error = new ConfigError("stack/gateway", ["a: 1 is wrong", "b: 2 is wrong"]);
    expect(error.message).toBe("stack/gateway can not be made:\n  - a: 1 is wrong\n  - b: 2 is wrong");
    expect(error.problems).toHaveLength(2);
  });
});

describe("nearest", () => {
  it("finds the name that was meant", () => {
    expect(nearest("opnai", ["openai", "anthropic"])).toBe("openai");
    expect(nearest("xyz", ["openai", "anthropic"])).toBeUndefined();
    expect(unknownName("gtp-4o", "a model", ["gpt-4o"])).toBe('"gtp-4o" is not a model; did you mean "gpt-4o"? (known: gpt-4o)');
    expect(unknownName("a", "a model", [])).toBe('"a" is not a model (known: none)');
  });
});
