import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseTar } from "nanotar";
import { parse } from "yaml";
import type { AgentState } from "../litellm/agents";

/** What a synthesized stack holds. */
export interface StackSummary {
  readonly stack: string;
  readonly providers: readonly { readonly name: string; readonly version: string }[];
  readonly resourceCount: number;
  readonly resources: readonly { readonly type: string; readonly count: number }[];
  readonly gateways: readonly GatewaySummary[];
  readonly agents: readonly AgentState[];
  readonly assets: readonly { readonly path: string; readonly bytes: number }[];
}

/** A gateway as its nodes see it. */
export interface GatewaySummary {
  readonly name: string;
  /** The names that can be called, from the config in the bundle. */
  readonly models: readonly string[];
  /** The names of the secrets that a node reads. */
  readonly secrets: readonly string[];
}

interface SynthesizedStack {
  readonly terraform?: { readonly required_providers?: { readonly [name: string]: { readonly source: string; readonly version: string } } };
  readonly resource?: { readonly [type: string]: { readonly [name: string]: object } };
  readonly locals?: { readonly [name: string]: unknown };
}

interface Settings {
  readonly name: string;
  readonly secrets: readonly { readonly name: string }[];
  readonly database: { readonly secret?: string };
  readonly redis: { readonly secret?: string };
}

/** Reads a synthesized stack and its assets; nothing is run. */
export function summarizeStack(stack: string, folder: string, stackFile: string): StackSummary {
  const json = JSON.parse(readFileSync(join(folder, stackFile), "utf8")) as SynthesizedStack;
  const resources = Object.entries(json.resource ?? {}).map(([type, byName]) => ({ type, count: Object.keys(byName).length }));
  const assets = files(join(folder, "assets"));
  return {
    stack,
    providers: Object.values(json.terraform?.required_providers ?? {}).map(({ source, version }) => ({ name: source, version })),
    resourceCount: resources.reduce((sum, { count }) => sum + count, 0),
    resources,
    gateways: Object.entries(json.locals ?? {}).flatMap(([id, local]) => gateway(id, local, assets)),
    agents: assets.filter((path) => path.endsWith("agents.json")).flatMap(agentStates),
    assets: assets.map((path) => ({ path: path.slice(folder.length + 1), bytes: statSync(path).size })),
  };
}

/** The settings of a cluster's nodes are a local, and its bundle an asset, whose ids start alike. */
function gateway(id: string, local: unknown, assets: readonly string[]): GatewaySummary[] {
  const cluster = /^(.*)Settings_[0-9A-F]{8}$/.exec(id)?.[1];
  if (cluster === undefined || typeof local !== "string") return [];
  const { name, secrets, database, redis } = JSON.parse(local) as Settings;
  const bundle = assets.find((path) => path.includes(`/${cluster}Bundle_`) && path.endsWith("bundle.tar"));
  const connections = [database.secret, redis.secret].filter((secret) => secret !== undefined);
  return [
    {
      name,
      models: bundle === undefined ? [] : bundledModels(readFileSync(bundle)),
      secrets: [...secrets.map((secret) => secret.name), ...connections],
    },
  ];
}

function bundledModels(tar: Uint8Array): string[] {
  const config = parseTar(tar).find((file) => file.name === "config.yaml");
  const { model_list: list, router_settings: router } = parse(config?.text ?? "") as {
    model_list: { model_name: string }[];
    router_settings: { model_group_alias?: Record<string, string> };
  };
  return [...new Set(list.map((entry) => entry.model_name)), ...Object.keys(router.model_group_alias ?? {})];
}

function agentStates(path: string): AgentState[] {
  return (JSON.parse(readFileSync(path, "utf8")) as { agents: AgentState[] }).agents;
}

function files(folder: string): string[] {
  const entries =
    statSync(folder, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
