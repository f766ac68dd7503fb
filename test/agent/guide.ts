import { readFileSync } from "node:fs";
import { join } from "node:path";

const PAGE = readFileSync(join(__dirname, "..", "..", "docs", "agents.md"), "utf8");

/** The blocks of one language in the guide for agents, in order. */
export function blocks(language: "ts" | "typescript" | "python" | "yaml" | "bash"): string[] {
  return [...PAGE.matchAll(/```(\w+)\n([^]*?)```/g)].filter(([, name]) => name === language).map(([, , code]) => code!);
}
