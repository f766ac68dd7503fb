import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { synthesizedSecrets } from "../../../src/cli/secrets/synthesized-stack";
import { SecretsDocument } from "../../../src/secrets-document";
import { Terraform, TerraformRun } from "../terraform";
import { Canaries } from "./canaries";
import { Commands } from "./commands";
import { environmentOf, variableOf } from "./environment";
import { LeakStore } from "./stores";

/** A synthesized stack, and the world that it is applied to. */
export interface StackToDrive {
  /** What cdktf calls cdktf.out. */
  readonly output: string;
  readonly stack: string;
  /** The stores of its secrets; the first is that of the secrets which the document names no other for. */
  readonly stores: Readonly<Record<string, LeakStore>>;
  /** What makes the stack's text fit the doubles of the world. */
  readonly rewrite: (text: string) => string;
  readonly pluginDir?: string;
  /** Beside what the stores need. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Also shows plans as JSON, and plans once more when all values are there. */
  readonly isThorough: boolean;
  /** The values that Terraform itself is to write, by the variable. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** What driving a stack leaves behind. */
export interface Traces {
  /** All folders in which something was left: the synthesized stack, Terraform's own folder, what it and the command said. */
  readonly folders: readonly string[];
  readonly terraform: Terraform;
}

type Secret = SecretsDocument["secrets"][number];

/**
 * Puts canaries into every entrance of a stack's life: some values by the command before the apply, some beside it, the
 * others by the command afterwards; a plan, an apply, a plan; the gateway's own values minted, a value rotated, rolled back,
 * retired. What the stores hold at the end is known to the canaries too, so also what was minted at the apply.
 */
export async function drive(given: StackToDrive, canaries: Canaries, work: string): Promise<Traces> {
  const { output, stack, stores, rewrite, variables = {} } = given;
  const file = join(output, "stacks", stack, "cdk.tf.json");
  await writeFile(file, rewrite(await readFile(file, "utf8")));
  const { document } = synthesizedSecrets({ output, stack }, {});
  const environment = Object.assign({}, ...Object.values(stores).map((store) => store.environment)) as Record<string, string>;
  const commands = new Commands(join(work, "commands"));
  const command = (words: readonly string[], input?: string) =>
    commands.works({ words: ["secrets", ...words, "--output", output, "--stack", stack], input, environment });
  const put = async (secret: Secret, by: string): Promise<void> => {
    for (const words of secret.fields.length === 0 ? [[]] : secret.fields.map((field) => ["--field", field])) {
      await command(["put", secret.name, ...words], canaries.passwordInto(`${stack}: ${by}, ${[secret.name, ...words].join(" ")}`));
    }
  };
  const { before, beside, after } = inThree(
    document.secrets.filter(({ name, owner }) => owner === "user" && !(variableOf(name) in variables)),
  );

  await Promise.all(before.map((secret) => put(secret, "put before the apply")));
  for (const { name, store } of beside) await stores[store]!.hold(name, canaries.into(`${stack}: put by another program, ${name}`));

  const around = environmentOf(
    canaries,
    "apply",
    document.secrets.map(({ name }) => name),
  );
  const terraform = await Terraform.ofFolder(join(output, "stacks", stack), {
    pluginDir: given.pluginDir,
    env: { ...around, ...environment, ...given.environment, ...variables },
  });
  const said = join(work, "terraform");
  await mkdir(said, { recursive: true });
  const keep = async (name: string, { stdout, stderr }: TerraformRun): Promise<void> => {
    await writeFile(join(said, `${name}.stdout`), stdout);
    await writeFile(join(said, `${name}.stderr`), stderr);
  };
  const plan = async (name: string): Promise<void> => {
    const planned = await terraform.plan();
    await keep(name, planned);
    await cp(join(terraform.folder, "saved.tfplan"), join(said, `${name}.tfplan`));
    if (given.isThorough) await writeFile(join(said, `${name}.json`), JSON.stringify(await planned.show()));
  };
  await keep("init", await terraform.init());
  await plan("first");
  await keep("apply", await terraform.apply());

  await Promise.all(after.map((secret) => put(secret, "put after the apply")));
  await command(["ensure", "--allow-missing"]);
  for (const { name } of [...before, ...after].filter(({ fields }) => fields.length === 0).slice(0, 1)) {
    await command(["rotate", name], canaries.passwordInto(`${stack}: rotate, ${name}`));
    await command(["rollback", name]);
    await command(["retire", name, "--force"]);
  }
  await command(["status"]);
  await command(["status", "--json"]);
  if (given.isThorough) await plan("second");

  for (const store of Object.values(stores)) {
    for (const { name, value } of await store.values()) {
      for (const text of textsOf(value)) canaries.known(`${stack}: what the store holds, ${name}`, text);
    }
  }
  return { folders: [output, terraform.folder, work], terraform };
}

function inThree(secrets: readonly Secret[]): Readonly<Record<"before" | "beside" | "after", readonly Secret[]>> {
  const part = (which: number): Secret[] => secrets.filter((_, index) => index % 3 === which);
  return { before: part(0), beside: part(1), after: part(2) };
}

/** A value, or each of a JSON object's. */
function textsOf(value: string): string[] {
  try {
    const read = JSON.parse(value) as unknown;
    return typeof read === "object" && read !== null ? [value, ...Object.values(read).map(String)] : [value];
  } catch {
    return [value];
  }
}
