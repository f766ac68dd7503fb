import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Resource } from "@cdktf/provider-null/lib/resource";
import { AssetType, ITerraformDependable, TerraformAsset, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { COMMAND_FILE } from "./node/command";
import { useNullProvider } from "./null-provider";

/** What {@link CommandRun} runs, and when. */
export interface CommandRunSpec {
  /** What follows the command's name, at least one word; every user of the runner sees them, so no secret is among them. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** When one of them changes, the command runs again. */
  readonly triggers: Readonly<Record<string, string>>;
  readonly dependsOn: readonly ITerraformDependable[];
}

/**
 * Runs `cdktf-ai-gateway` at apply, on the computer that applies. The command comes with the stack's assets: the runner
 * needs Node.js and nothing else. A change of the command alone sets nothing off.
 */
export class CommandRun extends Resource {
  constructor(scope: Construct, id: string, { words, environment, triggers, dependsOn }: CommandRunSpec) {
    useNullProvider(scope);
    super(scope, id, {
      dependsOn: [...dependsOn],
      triggers: { ...triggers },
      provisioners: [
        {
          type: "local-exec",
          // No shell: nothing is quoted, and it is the same on Windows.
          interpreter: ["node", commandAsset(scope).path, ...words.slice(0, -1)],
          command: words[words.length - 1]!,
          environment: { ...environment },
        },
      ],
    });
  }
}

const ASSET_ID = "ai-gateway-command";

/** One for all gateways of a stack. */
function commandAsset(scope: Construct): TerraformAsset {
  const stack = TerraformStack.of(scope);
  const made = stack.node.tryFindChild(ASSET_ID) as TerraformAsset | undefined;
  return made ?? new TerraformAsset(stack, ASSET_ID, { path: COMMAND_FILE, type: AssetType.FILE, assetHash: commandSha256() });
}

let sha256: string | undefined;

function commandSha256(): string {
  sha256 ??= createHash("sha256").update(readFileSync(COMMAND_FILE)).digest("hex");
  return sha256;
}
