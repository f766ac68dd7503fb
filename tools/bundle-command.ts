// Makes src/cli/bundled.js: the command in one file, which a stack carries in its assets.
import { join } from "node:path";
import { buildSync } from "esbuild";

const CLI = join(__dirname, "..", "src", "cli");

buildSync({
  entryPoints: [join(CLI, "main.ts")],
  outfile: join(CLI, "bundled.js"),
  bundle: true,
  platform: "node",
  target: "node20",
  legalComments: "inline",
  // Every stack carries it, and most of it is the clouds' SDKs.
  minify: true,
  // It needs its tools' lock files beside it, and a runner has no use for it.
  external: ["./local/local.js"],
  // The compiler's paths are for examples and tests; the command imports by relative paths only.
  tsconfigRaw: {},
});
