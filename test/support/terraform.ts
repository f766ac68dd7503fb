import { ChildProcess, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { terraformBinary } from "./toolchain";

/** How {@link Terraform} runs. */
export interface TerraformOptions {
  /**
   * Environment variables beside the few that Terraform needs: `TF_VAR_…`, `TF_REATTACH_PROVIDERS`, ….
   * @default - none; in particular no cloud credentials of the surrounding process
   */
  readonly env?: Readonly<Record<string, string>>;

  /**
   * The only folder that providers are installed from. Reattached providers need none.
   * @default - Terraform's own places, the registry among them
   */
  readonly pluginDir?: string;

  /**
   * Keeps the backend that the stack names.
   * @default false: the state is a file in the temporary copy
   */
  readonly keepBackend?: boolean;
}

/** How one apply differs from others. */
export interface ApplyOptions {
  /** Addresses of resources that are made anew. */
  readonly replace?: readonly string[];
  /** Is given what kills Terraform and all that it has started, as the end of a runner does. */
  readonly started?: (kill: () => void) => void;
}

/** What one run of Terraform left. */
export interface TerraformRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A plan, saved in the temporary copy until the next one. */
export interface TerraformPlan extends TerraformRun {
  /** Whether applying the plan would change anything: exit code 2 instead of 0. */
  readonly hasChanges: boolean;

  /** `terraform show -json` of the plan. */
  show(): Promise<PlanJson>;
}

/** The parts of a plan in JSON that tests read. */
export interface PlanJson {
  readonly resource_changes?: readonly ResourceChange[];
  readonly resource_drift?: readonly ResourceChange[];
}

/** What a plan does to one resource. */
export interface ResourceChange {
  readonly address: string;
  readonly type: string;
  readonly change: { readonly actions: readonly string[]; readonly before: unknown; readonly after: unknown };
}

/** The parts of a state in JSON that tests read. */
export interface StateJson {
  readonly values?: { readonly root_module: { readonly resources?: readonly StateResource[] } };
}

/** A resource or data source as the provider last saw it. */
export interface StateResource {
  readonly mode: "managed" | "data";
  readonly type: string;
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What `terraform validate` finds. */
export interface Validation {
  readonly valid: boolean;
  readonly diagnostics: readonly { readonly severity: string; readonly summary: string; readonly detail?: string }[];
}

const PLAN_FILE = "saved.tfplan";
// Creating is mostly waiting, which costs the machine nothing.
const PARALLELISM = "-parallelism=40";

/**
 * Real Terraform over a temporary copy of a stack.
 *
 * Never blocks: whatever serves the stack's providers may live in this very process. Every method rejects with what
 * Terraform wrote when Terraform exits otherwise than expected. Call {@link dispose} when done.
 */
export class Terraform {
  private readonly running = new Set<() => void>();

  private constructor(
    private readonly binary: string,
    private readonly root: string,
    private readonly options: TerraformOptions,
  ) {}

  /** Copies the folder of a synthesized stack: its `cdk.tf.json` and its assets. */
  public static async ofFolder(stackFolder: string, options: TerraformOptions = {}): Promise<Terraform> {
    return Terraform.prepare(options, (folder) => cp(stackFolder, folder, { recursive: true }));
  }

  /** Takes a single configuration in Terraform's JSON syntax. */
  public static async ofConfig(config: object, options: TerraformOptions = {}): Promise<Terraform> {
    return Terraform.prepare(options, (folder) => writeFile(join(folder, "cdk.tf.json"), JSON.stringify(config, null, 1)));
  }

  private static async prepare(options: TerraformOptions, fill: (folder: string) => Promise<void>): Promise<Terraform> {
    const terraform = new Terraform(await terraformBinary(), await mkdtemp(join(tmpdir(), "terraform-")), options);
    await mkdir(terraform.folder);
    await fill(terraform.folder);
    await writeFile(terraform.cliConfig, "");
    if (!options.keepBackend) {
      const localState = { terraform: { backend: { local: {} } } };
      await writeFile(join(terraform.folder, "local_state_override.tf.json"), JSON.stringify(localState));
    }
    return terraform;
  }

  /** The temporary copy, where Terraform runs. */
  public get folder(): string {
    return join(this.root, "stack");
  }

  /** Installs the providers. */
  public async init(): Promise<TerraformRun> {
    const { pluginDir } = this.options;
    return this.run(["init", "-input=false", ...(pluginDir ? [`-plugin-dir=${pluginDir}`] : [])]);
  }

  /** Checks the configuration; an invalid one is an answer, not an error. */
  public async validate(): Promise<Validation> {
    const { stdout } = await this.run(["validate", "-json"], [0, 1]);
    return JSON.parse(stdout) as Validation;
  }

  /** Plans, and saves the plan. */
  public async plan(): Promise<TerraformPlan> {
    const words = ["plan", "-input=false", "-detailed-exitcode", PARALLELISM, `-out=${PLAN_FILE}`];
    const run = await this.run(words, [0, 2]);
    return { ...run, hasChanges: run.exitCode === 2, show: async () => this.json<PlanJson>(["show", "-json", PLAN_FILE]) };
  }

  /**
   * Plans and applies.
   * @param variables values of variables, for this run only
   */
  public async apply(
    variables: Readonly<Record<string, string>> = {},
    { replace = [], started }: ApplyOptions = {},
  ): Promise<TerraformRun> {
    const values = Object.entries(variables).map(([name, value]) => `-var=${name}=${value}`);
    const anew = replace.map((address) => `-replace=${address}`);
    return this.run(["apply", "-input=false", "-auto-approve", PARALLELISM, ...values, ...anew], [0], started);
  }

  /** Destroys what the state holds. */
  public async destroy(): Promise<TerraformRun> {
    return this.run(["destroy", "-input=false", "-auto-approve", PARALLELISM]);
  }

  /** The addresses in the state. */
  public async stateList(): Promise<string[]> {
    const { stdout } = await this.run(["state", "list"]);
    return stdout.split("\n").filter(Boolean);
  }

  /** `terraform show -json` of the state. */
  public async state(): Promise<StateJson> {
    return this.json<StateJson>(["show", "-json"]);
  }

  /** The values of the outputs, sensitive ones included. */
  public async outputs(): Promise<Record<string, unknown>> {
    const outputs = await this.json<Record<string, { readonly value: unknown }>>(["output", "-json"]);
    return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]));
  }

  /** Ends what still runs and removes the temporary copy, the state in it included. */
  public async dispose(): Promise<void> {
    for (const end of this.running) end();
    await rm(this.root, { recursive: true, force: true, maxRetries: 3 });
  }

  private get cliConfig(): string {
    return join(this.root, "empty.tfrc");
  }

  private async json<T>(words: readonly string[]): Promise<T> {
    return JSON.parse((await this.run(words)).stdout) as T;
  }

  private async run(words: readonly string[], expected: readonly number[] = [0], started?: ApplyOptions["started"]): Promise<TerraformRun> {
    const run = await this.spawn(words, started);
    if (expected.includes(run.exitCode)) return run;
    throw new Error(`terraform ${words.join(" ")} exited with ${run.exitCode}\n${run.stdout}\n${run.stderr}`);
  }

  private async spawn(words: readonly string[], started?: ApplyOptions["started"]): Promise<TerraformRun> {
    // What is to be killed with all that it has started leads a process group of its own.
    const detached = started !== undefined;
    const child = spawn(this.binary, words, { cwd: this.folder, env: this.environment(), stdio: ["ignore", "pipe", "pipe"], detached });
    const end = () => (detached ? killGroup(child) : child.kill("SIGKILL"));
    this.running.add(end);
    started?.(end);
    const written = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (written.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (written.stderr += text));
    try {
      const exitCode = await new Promise<number>((resolve, reject) => {
        child.once("error", reject).once("close", (code) => resolve(code ?? -1));
      });
      return { exitCode, ...written };
    } finally {
      this.running.delete(end);
    }
  }

  private environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      CHECKPOINT_DISABLE: "1",
      TF_CLI_CONFIG_FILE: this.cliConfig,
      TF_IN_AUTOMATION: "1",
      TF_CLI_ARGS: "-no-color",
      ...this.options.env,
    };
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}
