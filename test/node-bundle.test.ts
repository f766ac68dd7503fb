import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseTar } from "nanotar";
import { gatewayModel } from "../src/litellm/gateway-model";
import { fetcher, nodeBundle } from "../src/node/bundle";
import { NEVER_PASSED } from "../src/node/install-props";
import { userData } from "../src/node/user-data";

const bundle = () => nodeBundle(gatewayModel({ providers: ["openai"] }), { bedrockRegion: "eu-central-1", redisTls: true });

describe("the front", () => {
  it("lets nothing through that a prop refuses, and the other way round", () => {
    const parameters = readFileSync(join(__dirname, "..", "src", "node", "files", "aigw_node", "front", "parameters.py"), "utf8");
    const [, forbidden = ""] = /FORBIDDEN = frozenset\(([^)]*)\.split/.exec(parameters) ?? [];
    const names = [...forbidden.matchAll(/"([^"]*)"/g)].flatMap(([, text = ""]) => text.trim().split(/\s+/));
    expect(NEVER_PASSED).toEqual(names);
  });
});

describe("the bundle", () => {
  it("holds what the node runs, and nothing that fetches it, documents it or was left by a tool", () => {
    const leftover = join(__dirname, "..", "src", "node", "files", "__pycache__");
    mkdirSync(leftover, { recursive: true });
    writeFileSync(join(leftover, "left-over-by-a-test.json"), "{}");
    try {
      const names = parseTar(bundle().tar).map((file) => file.name);
      expect(names).toEqual([...names].sort());
      expect(names).toEqual(expect.arrayContaining(["config.yaml", "install.sh", "requirements.lock", "aigw_node/__main__.py"]));
      expect(names.filter((name) => /fetch\.py|\.md$|\.in$|cache/.test(name))).toEqual([]);
    } finally {
      rmSync(leftover, { recursive: true });
    }
  });

  it("is the same bytes each time, with fixed times, owners and modes", () => {
    expect(Buffer.from(bundle().tar).equals(Buffer.from(bundle().tar))).toBe(true);
    for (const { name, attrs } of parseTar(bundle().tar)) {
      expect(attrs).toMatchObject({ mtime: 0, uid: 0, gid: 0, user: "root", group: "root" });
      expect(attrs?.mode).toMatch(name.endsWith(".sh") ? /755$/ : /644$/);
    }
  });
});

describe("user data", () => {
  const boot = {
    cloud: "aws",
    region: "eu-central-1",
    bucket: "b".repeat(63),
    bundle: { key: `bundles/${"0".repeat(64)}.tar`, sha256: "0".repeat(64) },
    settings: { key: `settings/${"0".repeat(64)}.json`, sha256: "0".repeat(64) },
  };

  it("stays under 12 KB, and is Terraform text that holds no template of its own", () => {
    const script = userData(boot);
    expect(Buffer.byteLength(script)).toBeLessThan(12 * 1024);
    expect(script.match(/(?<!\$)\$\{|(?<!%)%\{/g)).toBeNull();
    expect(script.startsWith("#!/bin/bash\n")).toBe(true);
  });

  it("carries the fetcher byte for byte, and ends nowhere inside of it", () => {
    expect(fetcher()).not.toContain("AIGW_END");
    expect(userData(boot).replaceAll("$${", "${").replaceAll("%%{", "%{")).toContain(fetcher().trimEnd());
  });
});
