import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createTar } from "nanotar";
import { base64, secret } from "./secrets";
import { plant, readable, reported, scanned } from "./support";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "scan-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const at = (...names: readonly string[]): string => join(folder, ...names);

describe("the exit code and the report", () => {
  it("is 0 where there is nothing", async () => {
    plant(folder, { "main.tf": 'variable "api_key" { sensitive = true }\n', ".env": "OPENAI_API_KEY=$KEY\n" });
    expect(await scanned([folder])).toEqual({ exitCode: 0, stdout: "", stderr: "0 finds in 2 files (0.0 MB)\n" });
  });

  it("is 2 for a find, told by its place and not by its value", async () => {
    const key = `sk-${secret(48)}`;
    plant(folder, { "app/.env": `A=1\nOPENAI_API_KEY=${key}\nAGAIN=${key}\n` });
    const { exitCode, stdout, stderr } = await scanned([folder]);
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/^\S+\/app\/\.env:2: gateway-key, 2 times, #[0-9a-f]{4} \(a key that starts with sk-: [^\n]*\)\n$/);
    expect(stderr).toBe("1 find in 1 file (0.0 MB)\n");
    expect((await reported([folder])).finds).toEqual([
      {
        file: at("app", ".env"),
        line: 2,
        rule: "gateway-key",
        description: expect.any(String) as string,
        fingerprint: expect.stringMatching(/^[0-9a-f]{4}$/) as string,
        count: 2,
      },
    ]);
  });

  it("is 1 when a path can not be read, with the rest scanned; a find weighs more", async () => {
    plant(folder, { "clean.txt": "clean", "zip.zip": Buffer.from("PK\x03\x04 and then nothing") });
    const missing = await scanned([at("missing"), folder]);
    expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("missing can not be read: ENOENT\n") as string });
    expect(missing.stderr).toMatch(/zip\.zip can not be read: it begins as a zip and has no list of its entries/);
    plant(folder, { "log.txt": `key sk-${secret(48)}` });
    expect((await scanned([at("missing"), folder])).exitCode).toBe(2);
  });

  it("says what was not read, and why", async () => {
    plant(folder, {
      "node_modules/x/.env": `KEY=sk-${secret(48)}`,
      ".git/objects/ab/cd": "x",
      program: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0]),
      ".git/HEAD": "ref: main",
    });
    symlinkSync(tmpdir(), at("link"));
    const { stderr } = await scanned([folder]);
    expect(stderr).toBe("0 finds in 2 files (0.0 MB), 4 not read (--verbose names them)\n");
    expect((await reported([folder])).skipped.map(({ path, reason }) => [path.slice(folder.length + 1), reason])).toEqual([
      [".git/objects", "git's objects"],
      ["link", "a link"],
      ["node_modules", "installed packages"],
      ["program", "binary"],
    ]);
    expect((await scanned([folder], { verbose: true })).stderr).toContain("node_modules: installed packages\n");
    expect((await scanned([at("node_modules")])).exitCode).toBe(2);
  });

  // Root reads what nobody may.
  const asUser = process.getuid?.() === 0 ? { uid: 65534 } : {};
  it("names a folder that may not be read", async () => {
    plant(folder, { "closed/file": "x" });
    chmodSync(at("closed"), 0o000);
    const before = process.geteuid?.() ?? 0;
    if (asUser.uid !== undefined) {
      chmodSync(folder, 0o755);
      process.seteuid?.(asUser.uid);
    }
    try {
      expect(await scanned([folder])).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining("closed can not be read: EACCES") as string,
      });
    } finally {
      process.seteuid?.(before);
      chmodSync(at("closed"), 0o755);
    }
  });
});

describe("canaries", () => {
  // Nothing of it looks like a secret: only its forms are to be found.
  const canary = `canary "of" <the> test/${randomBytes(3).toString("hex")}+é`;
  const forms: Readonly<Record<string, string>> = {
    plain: canary,
    json: JSON.stringify({ note: canary }),
    "json in json": JSON.stringify({ note: JSON.stringify({ note: canary }) }),
    "as Go writes": JSON.stringify({ note: canary }).replaceAll("<", "\\u003c").replaceAll(">", "\\u003e"),
    url: `https://host/?q=${encodeURIComponent(canary)}`,
    "url, lower case": encodeURIComponent(canary).replace(/%../g, (code) => code.toLowerCase()),
    form: new URLSearchParams({ q: canary }).toString(),
    ...Object.fromEntries(
      ["", "\x01", "\x01\x02"].map((before) => [`base64 after ${before.length}`, base64(`${before}${canary}\x03\x04`)]),
    ),
    base64url: Buffer.from(`\x01${canary}??>>`).toString("base64url"),
    "base64 of text": base64(`the value is ${canary}`),
  };

  it.each(Object.entries(forms))("are found: %s", async (_, text) => {
    plant(folder, { "some.log": `before ${text} after\n` });
    writeFileSync(at("canaries"), `${canary}\n`);
    const { finds } = await reported([at("some.log")], { canaryFile: at("canaries") });
    expect(finds.map(({ rule, line }) => [rule, line])).toEqual([["canary", 1]]);
    expect((await scanned([at("some.log")])).exitCode).toBe(0);
  });

  it("come from the environment too", async () => {
    plant(folder, { "some.log": `x\nplain-${canary}\n` });
    process.env.AIGW_CANARIES = `another-one\n${canary}`;
    try {
      expect((await reported([at("some.log")])).finds).toMatchObject([{ rule: "canary", line: 2 }]);
    } finally {
      delete process.env.AIGW_CANARIES;
    }
  });

  it("that are too short are refused by their line", async () => {
    plant(folder, { canaries: "long enough it is\nshort\n" });
    await expect(scanned([folder], { canaryFile: at("canaries") })).rejects.toThrow(
      /canaries, line 2: a canary of 5 characters is found by chance; it needs 8$/,
    );
  });
});

describe("what is allowed", () => {
  it("says so on its line, with a reason", async () => {
    const line = `key = "sk-${secret(48)}"`;
    plant(folder, {
      "with.py": `${line}  # cdktf-ai-gateway:allow-secret made for this test, opens nothing\n`,
      "without.py": `${line}  # cdktf-ai-gateway:allow-secret\n`,
      "other-line.py": `# cdktf-ai-gateway:allow-secret of the next line\n${line}\n`,
    });
    const { finds, allowed } = await reported([folder]);
    expect(finds.map(({ file }) => file)).toEqual([at("other-line.py"), at("without.py")]);
    expect(allowed.map(({ file }) => file)).toEqual([at("with.py")]);
    expect((await scanned([at("with.py")])).exitCode).toBe(0);
  });

  it("stands in a file of paths, rules and reasons, whose unused lines are told", async () => {
    plant(folder, { "a/b/fixture.json": `{"token": "${secret(32)}"}`, "a/c.txt": `sk-${secret(48)}` });
    writeFileSync(at("allow"), "# looked at\n**/a/**/*.json secret-field of a test\n**/a/*.md gateway-key gone\n");
    const { finds, allowed, unusedAllows } = await reported([at("a")], { allow: at("allow") });
    expect(finds).toMatchObject([{ file: at("a", "c.txt"), rule: "gateway-key" }]);
    expect(allowed).toMatchObject([{ file: at("a", "b", "fixture.json") }]);
    expect(unusedAllows).toMatchObject([{ line: 3, rule: "gateway-key" }]);
    expect((await scanned([at("a")], { allow: at("allow") })).stderr).toMatch(
      /warning: line 3 of the allow file .* excuses nothing any more\n/,
    );
  });

  it("is refused with all that is wrong with it", async () => {
    writeFileSync(at("allow"), "a/** secret-feld why\nb/** json-web-token\n");
    await expect(scanned([folder], { allow: at("allow") })).rejects.toThrow(
      /allow can not be used:\n {2}- line 1: "secret-feld" is not a rule; did you mean "secret-field"\?[^\n]*\n {2}- line 2: it gives no reason/,
    );
  });

  it("is never a canary", async () => {
    plant(folder, { "a.txt": "the-canary-of-a-test # cdktf-ai-gateway:allow-secret for a test\n", canaries: "the-canary-of-a-test\n" });
    expect(await scanned([at("a.txt")], { canaryFile: at("canaries") })).toMatchObject({ exitCode: 2 });
  });
});

describe("what files are", () => {
  it("reads packed logs, archives in archives, and what PowerShell writes", async () => {
    const values = Array.from({ length: 5 }, () => `sk-${secret(48)}`);
    const tar = Buffer.from(
      createTar([
        { name: "etc/skipped", data: Buffer.alloc(3000) },
        { name: "etc/config.yaml", data: `key: ${values[0]}\n` },
      ]),
    );
    plant(folder, {
      "bundle.tar": tar,
      "bundle.tgz": gzipSync(tar),
      "app.log.1.gz": gzipSync(`line\nkey ${values[1]}\n`),
      "out.txt": Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`line\r\nkey ${values[2]}\r\n`, "utf16le")]),
      "cut.log": Buffer.concat([Buffer.alloc(9000), Buffer.from(`\nkey ${values[3]}\n`)]),
    });
    const { finds, skipped, failed } = await reported([folder]);
    expect(finds.map(({ file, entry, line }) => [file.slice(folder.length + 1), entry, line])).toEqual([
      ["app.log.1.gz", undefined, 2],
      ["bundle.tar", "etc/config.yaml", 1],
      ["bundle.tgz", "etc/config.yaml", 1],
      ["cut.log", undefined, 2],
      ["out.txt", undefined, 2],
    ]);
    expect(skipped.map(({ path }) => path)).toEqual([at("bundle.tar!etc/skipped"), at("bundle.tgz!etc/skipped")]);
    expect(failed).toEqual([]);
  });

  it("tells of a packed log that is cut off, and what was found before the cut", async () => {
    const packed = gzipSync(`key sk-${secret(48)}\n${randomBytes(20_000).toString("hex")}`);
    plant(folder, { "cut.gz": packed.subarray(0, packed.length - 500) });
    const { finds, failed } = await reported([folder]);
    expect(failed).toEqual([{ path: at("cut.gz"), reason: expect.stringMatching(/./) as string }]);
    expect(finds).toHaveLength(1);
  });
});

it("tells no secret that is a file's name, a key of JSON or a path that is not there", async () => {
  const values = Array.from({ length: 4 }, () => `sk-${secret(40)}`);
  plant(folder, { [`${values[0]}.txt`]: "x", "keys.json": JSON.stringify({ [values[1]!]: { token: secret(32) } }) });
  const paths = [folder, at(values[2]!), values[3]!];
  const texts = [await scanned(paths, { verbose: true }), await scanned(paths, { json: true, verbose: true })];
  expect(readable(values, texts.map(({ stdout, stderr }) => stdout + stderr).join())).toEqual([]);
  expect(texts[0]!.stdout).toContain("(hidden).txt (its name): gateway-key");
  expect(texts[0]!.stdout).toContain("keys.json:1 (hidden).token: secret-field");
});
