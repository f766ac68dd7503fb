import { Duration } from "./duration";

/** When something recurs. */
export class Schedule {
  private constructor(
    /** The time from one run to the next: whole hours or whole minutes. */
    public readonly interval: Duration,
  ) {}

  /**
   * Again and again after the same time.
   * @throws RangeError when `interval` is not a whole number of minutes from 15 minutes to 7 days
   */
  public static every(interval: Duration): Schedule {
    const minutes = interval.toMinutes();
    if (!Number.isInteger(minutes) || minutes < 15 || interval.toDays() > 7) {
      throw new RangeError(`Schedule.every: ${interval} is not a whole number of minutes from 15m to 7d`);
    }
    return new Schedule(interval);
  }
}
