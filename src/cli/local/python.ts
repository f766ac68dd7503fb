import { join } from "node:path";
import { cached, digest, isCached } from "./cache";
import { run } from "./programs";

const CANDIDATES = ["python3.13", "python3.12", "python3.11", "python3.10", "python3"];
const CHECK = "import ensurepip, sys, venv; assert (3, 10) <= sys.version_info[:2] <= (3, 13); print(sys.version)";

/** A Python that LiteLLM runs on. */
export interface Python {
  readonly command: string;
  /** As the Python itself says it. */
  readonly version: string;
}

/**
 * The Python of this computer.
 * @throws Error that says what to install
 */
export async function findPython(): Promise<Python> {
  // The one that `python3` means is the one that its owner keeps.
  for (const command of ["python3", ...CANDIDATES]) {
    const version = await run(command, ["-c", CHECK]).catch(() => undefined);
    if (version !== undefined) return { command, version: version.trim() };
  }
  throw new Error("no Python 3.10 to 3.13 with venv is on the PATH; install one (on Debian and Ubuntu: apt install python3 python3-venv)");
}

/** pip leaves bytecode, and without it LiteLLM takes three times as long to start. */
const CLEAN = { PYTHONDONTWRITEBYTECODE: undefined, PYTHONPATH: undefined, PYTHONHOME: undefined };

/** What is installed into a venv: the files of an unpacked bundle, which name all that a node has. */
export interface VenvOf {
  readonly lock: Uint8Array;
  readonly prismaClient: Uint8Array;
  /** The unpacked bundle. */
  readonly folder: string;
}

function venvName(python: Python, { lock, prismaClient }: VenvOf): string {
  return `venv-${digest(lock, prismaClient, python.version)}`;
}

/** Whether {@link venv} only looks it up. */
export function hasVenv(python: Python, of: VenvOf): boolean {
  return isCached(venvName(python, of));
}

/** The program `python` of a venv with all that the bundle's lock file names, made as install.sh makes a node's. */
export async function venv(python: Python, of: VenvOf): Promise<string> {
  const folder = await cached(venvName(python, of), async (work) => {
    const env = { ...process.env, ...CLEAN };
    await run(python.command, ["-m", "venv", work], { env });
    const own = join(work, "bin", "python");
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", "--require-hashes"];
    await run(own, [...pip, "--only-binary", ":all:", "--requirement", join(of.folder, "requirements.lock")], { env });
    await run(own, ["-m", "pip", "check", "--disable-pip-version-check"], { env });
    const record = join(of.folder, "prisma-client.json");
    await run(own, ["-m", "aigw_node", "prisma-client", "make", record], { env: { ...env, PYTHONPATH: of.folder } });
    // A package's templates are no Python.
    await run(own, ["-m", "compileall", "-q", "-j", "0", join(work, "lib")], { env }).catch(() => undefined);
  });
  return join(folder, "bin", "python");
}
