import { Allowed, allowedBy, isAllowedInline, readAllowed } from "./allowed";
import { canaryRules, CANARIES_VARIABLE, readCanaries } from "./canaries";
import { filesAt, reasonOf } from "./files";
import { Find, Findings, withoutSecrets } from "./findings";
import { JsonPath } from "./json-path";
import { asJson, asText, remarks, Report, Unread } from "./report";
import { Rule, RULES } from "./rules";
import { matchesIn, TextScanner } from "./text-scanner";
import { FileText, textsOf } from "./texts";

/** What the command line says. */
export interface ScanCommand {
  /** Exact values to look for, one a line; those of AIGW_CANARIES are looked for too. */
  readonly canaryFile?: string;
  /** Finds that are excused. */
  readonly allow?: string;
  readonly json?: boolean;
  /** Names what was not read, and what was allowed. */
  readonly verbose?: boolean;
}

/** Where the command writes. */
export interface ScanOutput {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const CLEAN = 0;
const FAILED = 1;
const FOUND = 2;

/**
 * Looks for secrets in files and folders, and tells where they are and never what they are.
 * @returns the exit code: 0 nothing found, 2 something found, 1 nothing found but not all could be read
 * @throws Error when the canaries or the allow file can not be used
 */
export async function scan(paths: readonly string[], command: ScanCommand = {}, output: ScanOutput = ofProcess()): Promise<number> {
  const canaries = readCanaries(command.canaryFile, process.env[CANARIES_VARIABLE]);
  const rules = [...canaryRules(canaries), ...RULES];
  const ruleIds = RULES.map(({ id }) => id);
  const allowed = command.allow === undefined ? [] : readAllowed(command.allow, ruleIds);
  const run = new ScanRun(rules, allowed);
  for (const path of paths) await run.scanPath(path);
  const report = run.report();
  output.stdout(command.json === true ? asJson(report) : asText(report));
  output.stderr(remarks(report, command.verbose === true));
  if (report.finds.length > 0) return FOUND;
  return report.failed.length > 0 ? FAILED : CLEAN;
}

/** One run over any number of paths. */
class ScanRun {
  private readonly finds: Find[] = [];
  private readonly excused: Find[] = [];
  private readonly skipped: Unread[] = [];
  private readonly failed: Unread[] = [];
  private readonly used = new Set<Allowed>();
  private files = 0;
  private bytes = 0;

  constructor(
    private readonly rules: readonly Rule[],
    private readonly allowed: readonly Allowed[],
  ) {}

  public async scanPath(path: string): Promise<void> {
    for await (const step of filesAt(path)) {
      if (step.kind === "file") await this.scanFile(step.path);
      else this[step.kind].push(this.unread(step.path, step.reason));
      this.scanName(step.path);
    }
  }

  public report(): Report {
    return {
      finds: this.finds,
      allowed: this.excused,
      skipped: this.skipped,
      failed: this.failed,
      unusedAllows: this.allowed.filter((entry) => !this.used.has(entry)),
      files: this.files,
      bytes: this.bytes,
    };
  }

  private async scanFile(path: string): Promise<void> {
    try {
      for await (const text of textsOf(path)) {
        if ("reason" in text) this.skipped.push(this.unread([path, ...text.entries].join("!"), text.reason));
        else await this.scanText(path, text);
      }
      this.files++;
    } catch (error) {
      this.failed.push(this.unread(path, reasonOf(error)));
    }
  }

  private async scanText(path: string, { entries, isJson, pieces }: FileText): Promise<void> {
    const gathered = this.gather(path, entries);
    const scanner = new TextScanner(
      this.rules,
      (match) => gathered.add(match, match.rule.never !== true && isAllowedInline(match.around)),
      isJson ? new JsonPath() : undefined,
    );
    try {
      for await (const piece of pieces) {
        this.bytes += piece.length;
        scanner.write(piece);
      }
    } finally {
      // Also what came before a damaged place is searched.
      scanner.end();
      gathered.done();
    }
  }

  /** A secret may be the name of a file. */
  private scanName(path: string): void {
    const gathered = this.gather(path, []);
    matchesIn(Buffer.from(path, "utf8").toString("latin1"), this.rules).forEach((match) => gathered.add(match, false));
    gathered.done();
  }

  private gather(path: string, entries: readonly string[]) {
    const found = new Findings(this.rules, path, entries);
    const excused = new Findings(this.rules, path, entries);
    return {
      add: (match: Parameters<Findings["add"]>[0], isExcused: boolean): void => {
        const entry = match.rule.never === true ? undefined : allowedBy(this.allowed, path, match.rule.id);
        if (entry !== undefined) this.used.add(entry);
        (isExcused || entry !== undefined ? excused : found).add(match);
      },
      done: (): void => {
        this.finds.push(...found.all());
        this.excused.push(...excused.all());
      },
    };
  }

  private unread(path: string, reason: string): Unread {
    return { path: withoutSecrets(path, this.rules), reason };
  }
}

function ofProcess(): ScanOutput {
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  };
}
