import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const OLDEST_TERRAFORM = [1, 11] as const;
const OLDEST_PYTHON = [3, 10] as const;
const AWS_PROVIDER = join("registry.terraform.io", "hashicorp", "aws");

/** Where prepared tools are kept between runs, outside the work tree. */
export function toolCache(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "cdktf-ai-gateway");
}

/**
 * The Terraform of the PATH, as an absolute path.
 * @throws Error when there is none, or it is older than 1.11 (write-only attributes, the S3 lock file)
 */
export async function terraformBinary(): Promise<string> {
  const advice = `install Terraform ${OLDEST_TERRAFORM.join(".")} or newer: https://developer.hashicorp.com/terraform/install`;
  const binary = onPath("terraform");
  if (!binary) throw new Error(`terraform is not on the PATH; ${advice}`);
  const { stdout } = await run(binary, ["version", "-json"], { env: { PATH: process.env.PATH, CHECKPOINT_DISABLE: "1" } });
  const version = (JSON.parse(stdout) as { terraform_version: string }).terraform_version;
  if (isOlder(version, OLDEST_TERRAFORM)) throw new Error(`${binary} is Terraform ${version}; ${advice}`);
  return binary;
}

/**
 * The folder that `terraform init -plugin-dir` takes the AWS provider from; undefined: Terraform downloads it as usual.
 * @throws Error when TF_PLUGIN_DIR names a folder that does not have it
 */
export function awsPluginDir(): string | undefined {
  const folder = process.env.TF_PLUGIN_DIR;
  if (!folder || existsSync(join(folder, AWS_PROVIDER))) return folder;
  throw new Error(
    `TF_PLUGIN_DIR names ${folder}, which has no ${AWS_PROVIDER}; in a folder with a .tf file that requires "hashicorp/aws" ` +
      "5.100.0 run `terraform providers mirror DIR`, then set TF_PLUGIN_DIR=DIR, or unset it to download the provider",
  );
}

/**
 * A Python that has the packages of a locked requirements file and nothing else: a virtual environment, made once.
 * @throws Error when there is no Python 3.10, or the packages cannot be installed
 */
export async function pythonWith(requirements: string): Promise<string> {
  const advice = `install Python ${OLDEST_PYTHON.join(".")} or newer with its venv module: https://www.python.org/downloads/`;
  const python = onPath("python3");
  if (!python) throw new Error(`python3 is not on the PATH; ${advice}`);
  const { stdout } = await run(python, ["-c", "import platform; print(platform.python_version())"]);
  const version = stdout.trim();
  if (isOlder(version, OLDEST_PYTHON)) throw new Error(`${python} is Python ${version}; ${advice}`);

  const key = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  const folder = join(toolCache(), `python-${version}-${key}`);
  try {
    await run(python, [join(__dirname, "moto", "prepare.py"), folder, requirements], { maxBuffer: 64 * 1024 * 1024 });
  } catch (cause) {
    throw new Error(`cannot install the Python packages of ${requirements}; they come from PyPI or PIP_INDEX_URL`, { cause });
  }
  return join(folder, "bin", "python");
}

/**
 * The Python in which LiteLLM and everything that a node needs is installed, from the node's own lock file.
 * @throws Error when it can not be made
 */
export async function litellmPython(): Promise<string> {
  const { stdout } = await run(join(__dirname, "..", "node", "run"), ["--python"], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/**
 * A Node.js of a major version, from the registry's packages of its builds, made once.
 * @throws Error when this machine's kind has no such package
 */
export async function nodeOfMajor(major: number): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(toolCache(), `${name}-${major}`);
  const binary = join(folder, "node_modules", name, "bin", "node");
  if (!existsSync(binary)) await run("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", `${name}@${major}`]);
  return binary;
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}
