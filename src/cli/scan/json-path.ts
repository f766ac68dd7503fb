/** A place in JSON: keys and positions from the root on; a key that is no plain word is `*`. */
export class JsonPath {
  private readonly open: { key?: string; position?: number }[] = [];
  private word = "";
  private isInString = false;
  private isEscaped = false;
  private position = 0;

  /** Reads on to a place. @param base where `text` starts in the whole */
  public advance(text: string, base: number, until: number): void {
    for (let at = this.position - base; at < Math.min(until - base, text.length); at++) this.read(text[at]!);
    this.position = Math.max(this.position, Math.min(until, base + text.length));
  }

  public toString(): string {
    return this.open
      .map(({ key, position }) => (position === undefined ? `.${plain(key)}` : `[${position}]`))
      .join("")
      .replace(/^\./, "");
  }

  private read(character: string): void {
    if (this.isInString) this.readInString(character);
    else this.readOutside(character);
  }

  private readInString(character: string): void {
    if (character === '"' && !this.isEscaped) this.isInString = false;
    else if (this.word.length <= LONGEST_KEY) this.word += character;
    this.isEscaped = character === "\\" && !this.isEscaped;
  }

  private readOutside(character: string): void {
    const top = this.open.at(-1);
    switch (character) {
      case '"':
        [this.isInString, this.isEscaped, this.word] = [true, false, ""];
        break;
      case "{":
        this.open.push({});
        break;
      case "[":
        this.open.push({ position: 0 });
        break;
      case "}":
      case "]":
        this.open.pop();
        break;
      case ":":
        if (top !== undefined && top.position === undefined) top.key = this.word;
        break;
      case ",":
        if (top?.position !== undefined) top.position++;
    }
  }
}

const LONGEST_KEY = 64;
const PLAIN = /^[A-Za-z_][\w.-]*$/;

function plain(key = "*"): string {
  return PLAIN.test(key) && key.length <= LONGEST_KEY ? key : "*";
}
