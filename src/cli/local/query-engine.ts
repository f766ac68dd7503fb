import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "./cache";
import { run } from "./programs";

/** Prisma's host is out of reach of many networks. */
const DOWNLOAD_MS = 20_000;

/**
 * Prisma's native query engine for this computer, downloaded once by the node's own program: only where it is asked for, since
 * it answers everybody on this computer. Else undefined.
 * @param folder the unpacked bundle
 */
export async function nativeQueryEngine(python: string, folder: string): Promise<string | undefined> {
  if (process.env.AIGW_QUERY_ENGINE !== "native") return undefined;
  const record = join(folder, "prisma-client.json");
  const { engine } = JSON.parse(readFileSync(record, "utf8")) as { engine: string };
  const name = `engine-${engine.slice(0, 16)}-${target()}`;
  const make = async (work: string): Promise<void> => {
    const words = ["--client", record, "--target", target(), "--out", join(work, "query-engine")];
    const env = { ...process.env, PYTHONPATH: folder };
    await run(python, ["-m", "aigw_node", "query-engine", ...words], { env, timeoutMs: DOWNLOAD_MS });
    await run(join(work, "query-engine"), ["--version"]);
  };
  return cached(name, make).then(
    (made) => join(made, "query-engine"),
    () => undefined,
  );
}

/** Prisma's word for a system; see install.sh. */
function target(): string {
  const isArm = process.arch === "arm64";
  if (process.platform === "darwin") return isArm ? "darwin-arm64" : "darwin";
  const release = read("/etc/os-release");
  const openssl = /^ID="?alinux/m.test(release) ? "1.1.x" : "3.0.x";
  if (isArm) return `linux-arm64-openssl-${openssl}`;
  return `${/debian|ubuntu/.test(release) ? "debian" : "rhel"}-openssl-${openssl}`;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
