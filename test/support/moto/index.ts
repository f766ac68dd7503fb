import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pythonWith } from "../toolchain";
import type { Mend } from "./mends";
import { MotoCloud } from "./moto-cloud";

export { MENDS, type Mend } from "./mends";
export type { MotoCloud, MotoNetwork } from "./moto-cloud";
export { targetMoto, type StackJson } from "./provider-block";

/** How {@link startMoto} starts. */
export interface MotoOptions {
  /** @default "eu-central-1" */
  readonly region?: string;

  /**
   * The faults of moto's to leave as they are, to show that they are there.
   * @default - none
   */
  readonly without?: readonly Mend[];
}

/**
 * Starts a moto server of one's own on a free port of this machine, its known faults mended.
 *
 * The server ends with {@link MotoCloud.stop}, or when this process ends in whatever way.
 * @throws Error when the server does not start
 */
export async function startMoto(options: MotoOptions = {}): Promise<MotoCloud> {
  const python = await pythonWith(join(__dirname, "requirements.txt"));
  const words = [join(__dirname, "server.py"), ...(options.without?.length ? ["--without", ...options.without] : [])];
  // AmazonSSMManagedInstanceCore and its like exist only when moto is told to load them.
  const env = { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: "1", MOTO_IAM_LOAD_MANAGED_POLICIES: "true" };
  const child = spawn(python, words, { env, stdio: ["pipe", "pipe", "pipe"] });
  const exited = once(child, "exit");
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-20_000)));

  const port = await Promise.race([firstLine(child.stdout), exited.then(() => undefined)]);
  if (!port) throw new Error(`moto did not start: ${log}`);
  return new MotoCloud(`http://127.0.0.1:${port}`, options.region ?? "eu-central-1", async () => {
    child.kill("SIGKILL");
    await exited;
  });
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string | undefined> {
  for await (const line of createInterface({ input: stream })) return line;
  return undefined;
}
