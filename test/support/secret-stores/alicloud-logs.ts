import { AlicloudAccount } from "./alicloud-account";
import { Answer, Asked, Double, Refused } from "./server";

type Line = Readonly<Record<string, string>>;

/** What parts the words of a text, as our index says it. */
const TOKENS = /[, '";=()[\]{}?@&<>:\n\t\r]+/;
const MOST_LINES = 100;

/**
 * One log store of the Simple Log Service, to be searched as GetLogs searches it: by words of named fields, 100 lines at a
 * time. Refuses what is not signed, another project or store, and times, lines, offsets and queries that it can not take.
 * @see https://www.alibabacloud.com/help/en/sls/developer-reference/api-getlogs
 */
export class SlsDouble extends Double {
  /** With the time in seconds at which each was written. */
  public readonly lines: { readonly time: number; readonly line: Line }[] = [];
  /** So many answers hold only the half, and say so. */
  public incomplete = 0;
  /** So many calls are answered with ReadQuotaExceed. */
  public busy = 0;
  public denied = false;

  constructor(
    private readonly account: AlicloudAccount,
    private readonly region: string,
    private readonly project: string,
    private readonly store: string,
  ) {
    super();
  }

  /** Writes a line as a node does, whose fields are all texts here. */
  public write(line: Line, time = Math.floor(Date.now() / 1000)): void {
    this.lines.push({ time, line });
  }

  protected answer(asked: Asked): Answer {
    try {
      if (asked.headers["x-log-apiversion"] !== "0.6.0") throw new Refused(400, "InvalidAPIVersion");
      this.account.checkSls4(asked, this.region);
      return this.search(asked);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, body: JSON.stringify({ errorCode: error.code, errorMessage: `${error.code}, in words` }) };
    }
  }

  private search({ method, url, headers }: Asked): Answer {
    if (headers.host?.split(".")[0] !== this.project) throw new Refused(404, "ProjectNotExist");
    if (url.pathname !== `/logstores/${this.store}`) throw new Refused(404, "LogStoreNotExist");
    if (this.denied) throw new Refused(401, "Unauthorized");
    if (this.busy > 0) {
      this.busy -= 1;
      throw new Refused(403, "ReadQuotaExceed");
    }
    if (method !== "GET" || url.searchParams.get("type") !== "log") throw new Refused(400, "ParameterInvalid");
    const [from, to] = [number(url, "from", "InvalidTimeRange"), number(url, "to", "InvalidTimeRange")];
    const [line, offset] = [number(url, "line", "InvalidLine"), number(url, "offset", "InvalidOffset")];
    if (from >= to) throw new Refused(400, "InvalidTimeRange");
    if (line < 1 || line > MOST_LINES) throw new Refused(400, "InvalidLine");
    const wanted = conditions(url.searchParams.get("query") ?? "");
    const found = this.lines
      .filter(({ time, line: fields }) => time >= from && time < to && wanted.every((wants) => wants(fields)))
      .sort((a, b) => a.time - b.time)
      .map(({ time, line: fields }) => ({ __time__: String(time), __source__: fields.node ?? "", ...fields }));
    const complete = this.incomplete === 0;
    this.incomplete -= complete ? 0 : 1;
    const page = (complete ? found : found.slice(0, found.length / 2)).slice(offset, offset + line);
    const progress = { "x-log-progress": complete ? "Complete" : "Incomplete", "x-log-count": String(page.length) };
    return { status: 200, body: JSON.stringify(page), headers: progress };
  }
}

function number(url: URL, name: string, refusal: string): number {
  const text = url.searchParams.get(name) ?? "";
  if (!/^\d+$/.test(text)) throw new Refused(400, refusal);
  return Number(text);
}

/** `field: "words" and field: "words"`: all words must be among those of the field. */
function conditions(query: string): ((line: Line) => boolean)[] {
  return query.split(" and ").map((part) => {
    const [, field, text] = /^(\w+): "([^"\\]+)"$/.exec(part) ?? [];
    if (field === undefined || text === undefined) throw new Refused(400, "InvalidQueryString");
    return (line) => words(text).every((word) => words(line[field] ?? "").includes(word));
  });
}

function words(text: string): string[] {
  return text.toLowerCase().split(TOKENS).filter(Boolean);
}
