import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { renderConfig, Surroundings } from "../litellm/config-yaml";
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
const PRISMA_CLIENT = "prisma-client.json";
/** Documentation, and what tools leave behind. */
const NOT_DEPLOYED = /(^|\/)(\.|__pycache__\/)|\.(md|in)$/;

/** Makes the bundle of a gateway: LiteLLM's config and the files of the node. */
export function nodeBundle(model: GatewayModel, surroundings: Surroundings): NodeBundle {
  const config = renderConfig(model, surroundings);
  const replaced: [string, string | undefined][] = [
    [LOCK_FILE, model.requirementsFile],
    [PRISMA_CLIENT, model.prismaClientFile],
  ];
  const files = new Map<string, Uint8Array>([
    ...deployedFiles().map((name): [string, Uint8Array] => [name, readFileSync(join(FILES, name))]),
    ["config.yaml", Buffer.from(config.yaml)],
    ...replaced.flatMap(([name, path]): [string, Uint8Array][] => (path === undefined ? [] : [[name, readFileSync(path)]])),
  ]);
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const { createTar } = require("nanotar") as typeof import("nanotar");
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

function deployedFiles(): string[] {
  return readdirSync(FILES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(FILES, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((name) => name !== FETCHER && !NOT_DEPLOYED.test(name));
}
