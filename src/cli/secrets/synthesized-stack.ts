import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SecretsDocument } from "../../secrets-document";
import { CommandError, EXIT } from "../command-error";
import { resolved, StackFile, UnknownExpression } from "./expressions";

/** Which gateway of what cdktf has synthesized. */
export interface StackChoice {
  /** cdktf's output folder. */
  readonly output: string;
  /** @default - the only one */
  readonly stack?: string;
  /** @default - the only one of the stack */
  readonly gateway?: string;
  /** @default - TF_WORKSPACE, else "default" */
  readonly workspace?: string;
}

/** The part of the nodes' settings that says who uses a secret. */
export interface NodesSettings {
  readonly name: string;
  readonly region: string;
  readonly log: Readonly<Record<string, string>>;
  /** The names of the groups whose members the nodes are; none: their number is fixed. */
  readonly scalingGroups: readonly string[];
  readonly refreshIntervalSeconds: number;
}

/** The part of the settings' document that matters here. */
interface SettingsDocument extends Omit<NodesSettings, "scalingGroups"> {
  readonly launch?: { readonly group?: string };
}

/** Stands in {@link NodesSettings} for what is not known before an apply. */
export const ONLY_TERRAFORM_KNOWS = "known after apply";

/** A gateway of a synthesized stack. */
export interface SynthesizedSecrets {
  readonly document: SecretsDocument;
  /** Its nodes' settings; undefined where the stack has secrets only. */
  readonly nodes?: NodesSettings;
}

/**
 * The secrets of one gateway in cdktf's output folder.
 * @throws CommandError when the choice is not clear, or the document holds what only Terraform knows
 */
export function synthesizedSecrets(choice: StackChoice, environment: Readonly<Record<string, string | undefined>>): SynthesizedSecrets {
  const { file, stack, workspace } = openStack(choice, environment);
  const documents = Object.values(localsOf(stack, "Document")).map((text) => documentIn(text, stack, workspace));
  const document = onlyGateway(file, documents, choice.gateway);
  return { document, nodes: nodesOf(stack, workspace, document.gateway) };
}

/** Locals of one kind, with what only Terraform knows as {@link ONLY_TERRAFORM_KNOWS}, and the folder of their stack. */
export interface SynthesizedLocals {
  readonly folder: string;
  readonly texts: readonly string[];
}

/**
 * What a stack says in its locals of a kind: those of constructs with that id.
 * @throws CommandError when the choice of the stack is not clear
 */
export function synthesizedLocals(
  kind: string,
  choice: StackChoice,
  environment: Readonly<Record<string, string | undefined>>,
): SynthesizedLocals {
  const { folder, stack, workspace } = openStack(choice, environment);
  const known = (text: string): string => resolved(text, stack, workspace, () => ONLY_TERRAFORM_KNOWS);
  return { folder, texts: Object.values(localsOf(stack, kind)).map(known) };
}

function openStack(choice: StackChoice, environment: Readonly<Record<string, string | undefined>>) {
  const folder = join(choice.output, "stacks", choice.stack ?? onlyStack(choice.output));
  const file = join(folder, "cdk.tf.json");
  if (!existsSync(file)) {
    throw wrongChoice(
      `${file} does not exist; synthesize first (cdktf synth), or name one of: ${stacks(choice.output).join(", ") || "none"}`,
    );
  }
  const stack = JSON.parse(readFileSync(file, "utf8")) as StackFile;
  return { folder, file, stack, workspace: choice.workspace ?? (environment.TF_WORKSPACE || "default") };
}

function documentIn(text: string, stack: StackFile, workspace: string): SecretsDocument {
  try {
    return JSON.parse(resolved(text, stack, workspace)) as SecretsDocument;
  } catch (error) {
    if (!(error instanceof UnknownExpression)) throw error;
    throw wrongChoice(
      `the secrets' document holds \${${error.message}}, which only Terraform knows; give the document itself with --document FILE or AIGW_SECRETS`,
    );
  }
}

/** What only Terraform knows, such as a database's address, is not asked for here. */
function nodesOf(stack: StackFile, workspace: string, gateway: string): NodesSettings | undefined {
  const known = (text: string): string => resolved(text, stack, workspace, () => ONLY_TERRAFORM_KNOWS);
  return Object.entries(localsOf(stack, "Settings"))
    .map(([id, text]) => ({ id, settings: JSON.parse(known(text)) as SettingsDocument }))
    .filter(({ settings }) => settings.name === gateway)
    .map(({ id, settings }) => {
      const group = settings.launch?.group;
      return { ...settings, scalingGroups: group === undefined ? groupsBeside(id, stack).map(known) : [group] };
    })[0];
}

/** The names of Alibaba Cloud's groups, one for each zone, which the settings do not name: those of the same cluster. */
function groupsBeside(settings: string, { resource = {} }: StackFile): string[] {
  const cluster = settings.replace(SETTINGS_END, "");
  return Object.entries(resource.alicloud_ess_scaling_group ?? {})
    .filter(([id]) => id.startsWith(`${cluster}Nodes_Group-`))
    .map(([, group]) => String(group.scaling_group_name));
}

/** What cdktf calls a local: the path of its construct, and a hash. */
const SETTINGS_END = /Settings_[0-9A-F]{8}$/;

function localsOf({ locals = {} }: StackFile, kind: string): Record<string, string> {
  const name = new RegExp(`(^|_)${kind}_[0-9A-F]{8}$`);
  return Object.fromEntries(
    Object.entries(locals).filter((entry): entry is [string, string] => name.test(entry[0]) && typeof entry[1] === "string"),
  );
}

function onlyGateway(file: string, documents: readonly SecretsDocument[], gateway: string | undefined): SecretsDocument {
  const chosen = gateway === undefined ? documents : documents.filter((document) => document.gateway === gateway);
  if (chosen.length === 1) return chosen[0]!;
  const names = documents.map((document) => document.gateway).join(", ");
  throw wrongChoice(names === "" ? `${file} holds no gateway's secrets` : `choose one of the gateways of ${file} with --gateway: ${names}`);
}

function stacks(output: string): string[] {
  const folder = join(output, "stacks");
  return existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(join(folder, name, "cdk.tf.json"))) : [];
}

function onlyStack(output: string): string {
  const names = stacks(output);
  if (names.length === 1) return names[0]!;
  throw wrongChoice(
    names.length === 0
      ? `${output} holds no stack; synthesize first (cdktf synth), name the folder with --output, or give a document with --document`
      : `choose one of the stacks of ${output} with --stack: ${names.join(", ")}`,
  );
}

function wrongChoice(message: string): CommandError {
  return new CommandError(message, EXIT.wronglyCalled);
}
