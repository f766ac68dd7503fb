import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DesiredState } from "../../litellm/agents";
import type { SecretsDocument } from "../../secrets-document";

/** The parts of a node's settings that a local run reads or replaces; the rest is handed on as it is. */
export interface NodeSettings {
  readonly name: string;
  readonly region: string;
  readonly secrets: readonly {
    readonly name: string;
    readonly fields: readonly { readonly field?: string; readonly environment: string }[];
  }[];
  readonly database: { readonly secret: string; readonly field?: string };
  readonly redis?: { readonly secret?: string; readonly field?: string };
  readonly [field: string]: unknown;
}

/** One gateway of a synthesized stack: what its nodes would be given. */
export interface SynthesizedGateway {
  readonly stack: string;
  readonly settings: NodeSettings;
  readonly bundle: Uint8Array;
  /** `agents.json`. */
  readonly desired: DesiredState;
  /** What the command is told of the gateway's secrets. */
  readonly document: SecretsDocument;
}

interface StackFile {
  readonly locals?: Readonly<Record<string, unknown>>;
}

/**
 * The gateway of one stack in cdktf's output folder.
 * @throws Error naming the stacks or gateways when the choice is not clear
 */
export function synthesizedGateway(output: string, stack: string | undefined, gateway: string | undefined): SynthesizedGateway {
  const name = stack ?? onlyStack(output, gateway);
  const folder = join(output, "stacks", name);
  const file = join(folder, "cdk.tf.json");
  if (!existsSync(file))
    throw new Error(`${file} does not exist; synthesize first (cdktf synth), or name one of: ${stacks(output).join(", ")}`);
  const found = gateways(folder, stackFile(folder));
  const chosen = gateway === undefined ? found : found.filter(({ settings }) => settings.name === gateway);
  if (chosen.length !== 1) {
    const names = found.map(({ settings }) => settings.name);
    throw new Error(
      names.length === 0
        ? `the stack ${name} holds no gateway`
        : `choose one of the gateways of ${name} with --gateway: ${names.join(", ")}`,
    );
  }
  return { stack: name, ...chosen[0]! };
}

function stacks(output: string): string[] {
  const folder = join(output, "stacks");
  return existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(join(folder, name, "cdk.tf.json"))) : [];
}

function onlyStack(output: string, gateway: string | undefined): string {
  const names = stacks(output);
  if (names.length === 0) throw new Error(`${output} holds no stack; synthesize first (cdktf synth), or name the folder with --output`);
  if (names.length === 1) return names[0]!;
  // A stack of networks or secrets is no choice.
  const candidates = names.filter((name) => {
    const { locals = {} } = stackFile(join(output, "stacks", name));
    return settingsOf(locals).some(({ settings }) => gateway === undefined || settings.name === gateway);
  });
  if (candidates.length === 1) return candidates[0]!;
  throw new Error(
    `choose one of the stacks of ${output}: cdktf-ai-gateway local STACK (${(candidates.length > 0 ? candidates : names).join(", ")})`,
  );
}

function stackFile(folder: string): StackFile {
  return JSON.parse(readFileSync(join(folder, "cdk.tf.json"), "utf8")) as StackFile;
}

/** The settings of clusters' nodes, each with what its cluster's ids begin with. */
function settingsOf(locals: NonNullable<StackFile["locals"]>): { cluster: string; settings: NodeSettings }[] {
  return Object.entries(locals).flatMap(([id, text]) => {
    const cluster = /^(.*)Settings_[0-9A-F]{8}$/.exec(id)?.[1];
    if (cluster === undefined || typeof text !== "string") return [];
    return [{ cluster, settings: JSON.parse(unescaped(text)) as NodeSettings }];
  });
}

/** What locals of one kind say, each of its gateway. */
function documentsOf<T extends { readonly gateway: string }>(locals: NonNullable<StackFile["locals"]>, kind: string): Map<string, T> {
  const ending = new RegExp(`(^|_)${kind}_[0-9A-F]{8}$`);
  const texts = Object.entries(locals).filter((local): local is [string, string] => ending.test(local[0]) && typeof local[1] === "string");
  return new Map(texts.map(([, text]) => JSON.parse(unescaped(text)) as T).map((document) => [document.gateway, document]));
}

/** What AgentQuotaKeys says of itself. */
interface KeysDocument {
  readonly gateway: string;
  /** The path of `agents.json` in the stack's folder. */
  readonly desiredState: string;
}

/** The settings of a cluster's nodes are a local and its bundle is an asset, with ids that differ in their last word. */
function gateways(folder: string, { locals = {} }: StackFile): Omit<SynthesizedGateway, "stack">[] {
  const assets = readdirSync(join(folder, "assets"));
  const documents = documentsOf<SecretsDocument>(locals, "Document");
  const keys = documentsOf<KeysDocument>(locals, "Keys");
  return settingsOf(locals).flatMap(({ cluster, settings }) => {
    const bundle = assets.find((name) => name.startsWith(cluster) && /^Bundle_[0-9A-F]{8}$/.test(name.slice(cluster.length)));
    const document = documents.get(settings.name);
    if (bundle === undefined || document === undefined) return [];
    const agents = keys.get(settings.name);
    return [
      {
        settings,
        document,
        bundle: readFileSync(onlyFile(join(folder, "assets", bundle), "bundle.tar")),
        desired: agents === undefined ? NO_AGENTS : desiredState(join(folder, agents.desiredState)),
      },
    ];
  });
}

const NO_AGENTS: DesiredState = { version: 1, routes: [], groups: [], agents: [] };

function desiredState(file: string): DesiredState {
  return JSON.parse(readFileSync(file, "utf8")) as DesiredState;
}

function onlyFile(folder: string, name: string): string {
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((path) => path.endsWith(name));
  if (found === undefined) throw new Error(`${folder} holds no ${name}; synthesize again`);
  return join(folder, found);
}

/** What is literal in a template of Terraform; expressions stay as they are, as names of things that do not exist here. */
function unescaped(template: string): string {
  return template.replace(/\$\$\{/g, "${").replace(/%%\{/g, "%{");
}
