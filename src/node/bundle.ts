import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createTar } from "nanotar";
import { renderConfig } from "../litellm/config-yaml";
import { GatewayModel } from "../litellm/gateway-model";

/** All that a node runs, but for what only Terraform knows: the same input gives the same bytes on every machine. */
export interface NodeBundle {
  readonly tar: Uint8Array;
  /** Environment variables that the config reads, with values that are not secret and that only Terraform knows. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The folder of the files that are deployed byte for byte. */
const FILES = join(__dirname, "files");
/** The one file that comes by user data, since it fetches the others. */
const FETCHER = "fetch.py";
const LOCK_FILE = "requirements.lock";

/** Makes the bundle of a gateway: LiteLLM's config and the files of the node. */
export function nodeBundle(model: GatewayModel, bedrockRegion: string): NodeBundle {
  const config = renderConfig(model, bedrockRegion);
  const lockFile = model.requirementsFile;
  const files = new Map<string, Uint8Array>([
    ...deployedFiles().map((name): [string, Uint8Array] => [name, readFileSync(join(FILES, name))]),
    ["config.yaml", Buffer.from(config.yaml)],
    ...(lockFile === undefined ? [] : [[LOCK_FILE, readFileSync(lockFile)] as [string, Uint8Array]]),
  ]);
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const tar = createTar(
    sorted.map(([name, data]) => ({ name, data, attrs: { mode: name.endsWith(".sh") ? "755" : "644" } })),
    { attrs: { mtime: 0, uid: 0, gid: 0, user: "root", group: "root" } },
  );
  return { tar, environment: config.environment };
}

/** The program that user data carries. */
export function fetcher(): string {
  return readFileSync(join(FILES, FETCHER), "utf8");
}

/** Neither bytecode nor documentation is deployed. */
function deployedFiles(): string[] {
  return readdirSync(FILES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/(\.pyc|\.md|\.in)$/.test(entry.name) && entry.name !== FETCHER)
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(FILES.length + 1)
        .split("\\")
        .join("/"),
    );
}
