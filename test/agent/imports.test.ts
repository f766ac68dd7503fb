import { execFileSync } from "node:child_process";
import { join } from "node:path";

const ENTRY = join(__dirname, "..", "..", "src", "agent", "index.ts");

it("the entry for agents loads neither CDKTF, nor a cloud's SDK, nor the command", () => {
  const script = `require(${JSON.stringify(ENTRY)}); console.log(Object.keys(require.cache).join("\\n"))`;
  const files = execFileSync(process.execPath, ["--import", "tsx", "-e", script], { encoding: "utf8" }).trim().split("\n");
  const loaded = files
    .map((file) => file.replace(/^.*\/(?=src\/|node_modules\/)/, ""))
    .filter((file) => !/^\[eval\]$|\/(tsx|esbuild)\//.test(file));
  expect(loaded).toContain("src/agent/agent-gateway.ts");
  const allowed = /^src\/(agent\/|errors\.ts$|cli\/secrets\/(store-error|http-call|retries)\.ts$)/;
  expect(loaded.filter((file) => !allowed.test(file))).toEqual([]);
});
