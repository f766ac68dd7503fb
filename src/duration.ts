/** A length of time; the unit is in the name of the factory, so that no number goes without one. */
export class Duration {
  private constructor(private readonly milliseconds: number) {}

  /** @throws RangeError when `amount` is not a finite number of at least 0 */
  public static seconds(amount: number): Duration {
    return Duration.of(amount, 1000, "seconds");
  }

  /** @throws RangeError when `amount` is not a finite number of at least 0 */
  public static minutes(amount: number): Duration {
    return Duration.of(amount, 60_000, "minutes");
  }

  /** @throws RangeError when `amount` is not a finite number of at least 0 */
  public static hours(amount: number): Duration {
    return Duration.of(amount, 3_600_000, "hours");
  }

  /** @throws RangeError when `amount` is not a finite number of at least 0 */
  public static days(amount: number): Duration {
    return Duration.of(amount, 86_400_000, "days");
  }

  public toSeconds(): number {
    return this.milliseconds / 1000;
  }

  public toMinutes(): number {
    return this.milliseconds / 60_000;
  }

  public toDays(): number {
    return this.milliseconds / 86_400_000;
  }

  /** In the largest unit that leaves a whole number: "90s", "15m", "6h", "30d". */
  public toString(): string {
    const units = [
      ["d", 86_400_000],
      ["h", 3_600_000],
      ["m", 60_000],
    ] as const;
    const fitting = units.find(([, size]) => this.milliseconds > 0 && this.milliseconds % size === 0);
    return fitting ? `${this.milliseconds / fitting[1]}${fitting[0]}` : `${this.toSeconds()}s`;
  }

  private static of(amount: number, size: number, unit: string): Duration {
    if (!Number.isFinite(amount) || amount < 0) {
      throw new RangeError(`Duration.${unit}: ${amount} is not a finite number of at least 0`);
    }
    return new Duration(amount * size);
  }
}

/** The problem of a duration that must be a whole number of seconds in a range; empty when it is one, or is not given. */
export function secondsProblems(prop: string, value: Duration | undefined, minimum: number, maximum: number): string[] {
  if (value === undefined) return [];
  const seconds = value.toSeconds();
  if (Number.isInteger(seconds) && seconds >= minimum && seconds <= maximum) return [];
  return [`${prop}: ${value} is not a whole number of seconds from ${minimum} to ${maximum}`];
}
