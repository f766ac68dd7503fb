import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { awsPluginDir } from "./toolchain";

/** What `npm run demo` says. */
export function runDemo(): string {
  return execFileSync("npx", ["tsx", "tools/demo.ts"], {
    cwd: join(__dirname, "..", ".."),
    encoding: "utf8",
    env: { ...process.env, TF_PLUGIN_DIR: awsPluginDir(), CHECKPOINT_DISABLE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}
