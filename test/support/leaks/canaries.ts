import { secret } from "../../cli/scan/secrets";

/** Values that nobody has, one for each entrance, so that one that is found says by which it came in. */
export class Canaries {
  private readonly entrances = new Map<string, string>();

  /** A fresh one, as a provider's key looks. */
  public into(entrance: string): string {
    return this.known(entrance, `sk-${secret(45)}`);
  }

  /** A fresh one of characters that JSON, URLs and shells write in another way. */
  public passwordInto(entrance: string): string {
    return this.known(entrance, `${secret(15)}"<&%'/ ${secret(15)}`);
  }

  /** A value that was made elsewhere. */
  public known(entrance: string, value: string): string {
    if (!this.entrances.has(value)) this.entrances.set(value, entrance);
    return value;
  }

  public get values(): readonly string[] {
    return [...this.entrances.keys()];
  }

  public entranceOf(value: string): string {
    return this.entrances.get(value)!;
  }
}
