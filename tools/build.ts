// Compiles src into lib, with the files that are not TypeScript.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, rmSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "..");
const LIB = join(ROOT, "lib");
const NOT_DEPLOYED = /(__pycache__|\.pyc$|\.(mypy|ruff|pytest)_cache)/;

rmSync(LIB, { recursive: true, force: true });
execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", join(ROOT, "tsconfig.build.json")], { stdio: "inherit" });
cpSync(join(ROOT, "src", "node", "files"), join(LIB, "node", "files"), { recursive: true, filter: (path) => !NOT_DEPLOYED.test(path) });
cpSync(join(ROOT, "src", "cli", "local", "tools"), join(LIB, "cli", "local", "tools"), { recursive: true });
cpSync(join(ROOT, "src", "cli", "bundled.js"), join(LIB, "cli", "bundled.js"));
chmodSync(join(LIB, "cli", "main.js"), 0o755);
