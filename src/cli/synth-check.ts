import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { StackSummary, summarizeStack } from "./stack-summary";

/** The file in which cdktf keeps a synthesized stack. */
const STACK_FILE = "cdk.tf.json";

/**
 * What the synthesized stacks at a path hold: text for people, or JSON.
 * @throws Error when there is no synthesized stack
 */
export function synthCheck(path: string, asJson: boolean): string {
  const summaries = stackFolders(path).map((folder) => ({
    folder,
    warnings: warningsOf(folder),
    ...summarizeStack(basename(folder), folder, STACK_FILE),
  }));
  return asJson
    ? `${JSON.stringify(summaries, null, 2)}\n`
    : `${summaries.map((summary) => asText(summary.folder, summary.warnings, summary)).join("\n\n")}\n`;
}

interface Manifest {
  readonly stacks: {
    readonly [name: string]: {
      readonly workingDirectory: string;
      readonly annotations: readonly { readonly message: string; readonly level: string }[];
    };
  };
}

/** What synthesis warned of; cdktf's own command keeps it in the manifest and does not say it. */
function warningsOf(stackFolder: string): string[] {
  const manifest = join(stackFolder, "..", "..", "manifest.json");
  if (!existsSync(manifest)) return [];
  const { stacks } = JSON.parse(readFileSync(manifest, "utf8")) as Manifest;
  return (stacks[basename(stackFolder)]?.annotations ?? []).filter(({ level }) => level === "@cdktf/warn").map(({ message }) => message);
}

function stackFolders(path: string): string[] {
  if (existsSync(join(path, STACK_FILE))) return [path];
  const manifest = join(path, "manifest.json");
  if (!existsSync(manifest)) {
    throw new Error(`${path} holds neither ${STACK_FILE} nor manifest.json; synthesize first (npx cdktf synth), or name the folder`);
  }
  const { stacks } = JSON.parse(readFileSync(manifest, "utf8")) as Manifest;
  return Object.values(stacks).map((stack) => join(path, stack.workingDirectory));
}

function asText(folder: string, warnings: readonly string[], summary: StackSummary): string {
  return [
    `stack ${summary.stack} (${folder})`,
    ...section(
      "providers",
      summary.providers.map(({ name, version }) => `${name} ${version}`),
    ),
    ...section(
      `resources (${summary.resourceCount})`,
      summary.resources.map(({ type, count }) => `${count} ${type}`),
    ),
    ...summary.gateways.flatMap((gateway) => [
      `  gateway ${gateway.name}`,
      ...section("models", gateway.models, "    "),
      ...section("secrets, by name", gateway.secrets, "    "),
    ]),
    ...section("agents", summary.agents.map(agentText)),
    ...section("warnings", warnings),
    ...section(
      "assets",
      summary.assets.map(({ path, bytes }) => `${path} (${bytes} bytes)`),
    ),
  ].join("\n");
}

function agentText(agent: StackSummary["agents"][number]): string {
  const limits = [
    [agent.qpm, "requests/min"],
    [agent.tpm, "tokens/min"],
    [agent.dailyTokens, "tokens/day"],
    [agent.dailyBudgetUsd, "USD/day"],
  ] as const;
  const given = limits.filter(([amount]) => amount !== undefined).map(([amount, unit]) => `${amount} ${unit}`);
  return `${agent.name}: ${given.join(", ") || "no limit"}; ${agent.models.join(", ")}; key in <gateway>/${agent.secretName}`;
}

function section(title: string, lines: readonly string[], indent = "  "): string[] {
  return lines.length === 0 ? [] : [`${indent}${title}`, ...lines.map((line) => `${indent}  ${line}`)];
}
