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
  const name = stack ?? onlyStack(output);
  const folder = join(output, "stacks", name);
  const file = join(folder, "cdk.tf.json");
  if (!existsSync(file))
    throw new Error(`${file} does not exist; synthesize first (cdktf synth), or name one of: ${stacks(output).join(", ")}`);
  const found = gateways(folder, JSON.parse(readFileSync(file, "utf8")) as StackFile);
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

function onlyStack(output: string): string {
  const names = stacks(output);
  if (names.length === 0) throw new Error(`${output} holds no stack; synthesize first (cdktf synth), or name the folder with --output`);
  return names[0]!;
}

/** The settings of a cluster's nodes are a local; its bundle and the agents' state are assets, whose ids start alike. */
function gateways(folder: string, { locals = {} }: StackFile): Omit<SynthesizedGateway, "stack">[] {
  const assets = readdirSync(join(folder, "assets"));
  const documents = Object.entries(locals)
    .filter((local): local is [string, string] => /_Document_[0-9A-F]{8}$/.test(local[0]) && typeof local[1] === "string")
    .map(([, text]) => JSON.parse(unescaped(text)) as SecretsDocument);
  return Object.entries(locals).flatMap(([id, text]) => {
    const cluster = /^(.*)Settings_[0-9A-F]{8}$/.exec(id)?.[1];
    if (cluster === undefined || typeof text !== "string") return [];
    const bundle = assets.find((name) => name.startsWith(`${cluster}Bundle_`));
    if (bundle === undefined) return [];
    const agents = nearest(
      cluster,
      assets.filter((name) => name.includes("DesiredState_")),
    );
    const settings = JSON.parse(unescaped(text)) as NodeSettings;
    const document = documents.find((one) => one.gateway === settings.name);
    if (document === undefined) return [];
    return [
      {
        settings,
        document,
        bundle: readFileSync(onlyFile(join(folder, "assets", bundle), "bundle.tar")),
        desired: agents === undefined ? NO_AGENTS : desiredState(onlyFile(join(folder, "assets", agents), "agents.json")),
      },
    ];
  });
}

const NO_AGENTS: DesiredState = { version: 1, routes: [], groups: [], agents: [] };

function desiredState(file: string): DesiredState {
  return JSON.parse(readFileSync(file, "utf8")) as DesiredState;
}

/** The agents of a cluster are made beside it, so their ids begin alike. */
function nearest(id: string, names: readonly string[]): string | undefined {
  const shared = (name: string): number => Array.from(name).findIndex((letter, index) => letter !== id[index]);
  return [...names].sort((a, b) => shared(b) - shared(a))[0];
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
