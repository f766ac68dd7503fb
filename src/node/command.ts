import { join } from "node:path";

/** The command in one file, made by the build, which a stack carries so that a runner needs nothing but Node.js. */
export const COMMAND_FILE = join(__dirname, "..", "cli", "bundled.js");
