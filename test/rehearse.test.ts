import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { lockChanges, lockedRelease, newMigrations, requirementsFor, schemaChange } from "../tools/rehearse/changes";

const ROOT = join(__dirname, "..");
const FILES = join(ROOT, "src", "node", "files");

/** An entry as uv writes it. */
function entry(requirement: string, ...hashes: string[]): string {
  return [requirement, ...hashes.map((hash) => `    --hash=sha256:${hash}`)].join(" \\\n") + "\n    # via litellm\n";
}

describe("two lock files", () => {
  const before = entry("litellm==1.0.0", "aa", "bb") + entry("gone==1", "cc") + entry("uvloop==0.2 ; sys_platform != 'win32'", "dd");

  it("are alike whatever the order of their hashes", () => {
    expect(
      lockChanges(
        before,
        before.replace(/aa|bb/g, (hash) => (hash === "aa" ? "bb" : "aa")),
      ),
    ).toEqual([]);
  });

  it("differ by packages, versions and files", () => {
    const after = entry("litellm==1.0.1", "ee") + entry("new[extra]==2", "ff") + entry("uvloop==0.2 ; sys_platform != 'win32'", "dd", "00");
    expect(lockChanges(before, after)).toEqual([
      "gone  1 -> none",
      "litellm  1.0.0 -> 1.0.1",
      "new  none -> 2",
      "uvloop  0.2, other files",
    ]);
  });

  it("may hold a package once for each Python", () => {
    const one = entry("numpy==2.2 ; python_full_version < '3.11'", "aa");
    expect(lockChanges(one, one + entry("numpy==2.3 ; python_full_version >= '3.11'", "bb"))).toEqual(["numpy  2.2 -> 2.2 and 2.3"]);
  });

  it("are read as they are committed", () => {
    const lock = readFileSync(join(FILES, "requirements.lock"), "utf8");
    const requirements = readFileSync(join(FILES, "requirements.in"), "utf8");
    expect(requirementsFor(requirements, lockedRelease(lock))).toBe(requirements);
    expect(requirementsFor(requirements, "9.9.9")).toContain("\nlitellm[proxy]==9.9.9\n");
  });
});

it("no lock file holds a package whose licence asks for a subscription", () => {
  const isName = (line: string): boolean => line !== "" && !line.startsWith("#");
  const excluded = readFileSync(join(ROOT, "tools", "rehearse", "excluded.txt"), "utf8")
    .split("\n")
    .filter(isName);
  expect(excluded).toEqual(["litellm-enterprise"]);
  const locked = readFileSync(join(FILES, "requirements.lock"), "utf8")
    .split("\n")
    .map((line) => line.split("==")[0]);
  expect(excluded.filter((name) => locked.includes(name))).toEqual([]);
});

it("a file of requirements without LiteLLM is refused", () => {
  expect(() => requirementsFor("boto3>=1.40\n", "9.9.9")).toThrow("has no line litellm[proxy]==");
});

it("new migrations are those that only the second release has", () => {
  expect(newMigrations(["1", "2"], ["2", "3 with a space"])).toEqual(["3 with a space"]);
});

it("a schema is the same, or its tables differ, or something else", () => {
  const schema = { schemaSha256: "a", models: [{ name: "Key", fields: ["x"] }, { name: "Team" }] };
  expect(schemaChange(schema, schema)).toBe("the same");
  expect(schemaChange(schema, { ...schema, schemaSha256: "b" })).toBe("changed, but no table");
  expect(schemaChange(schema, { schemaSha256: "b", models: [{ name: "Key" }, { name: "New" }] })).toBe("changed: Key, New, Team");
});

it.each(["1.107.0", "1.103.9", "latest"])("the command refuses %s and makes nothing", (release) => {
  const { status, stderr } = spawnSync("npm", ["run", "--silent", "rehearse", "--", release], { cwd: ROOT, encoding: "utf8" });
  expect([status, stderr.trim()]).toEqual([1, expect.stringMatching(`^LiteLLM ${release}: NOT rehearsed: release: .*${release}`)]);
  expect(existsSync(join(ROOT, "rehearsal", release))).toBe(false);
});
