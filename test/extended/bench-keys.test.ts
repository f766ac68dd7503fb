// `npm run bench:keys` wants a quiet machine and 1,000 agents; here is only seen that it measures what it says, and that it can fail.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..");

it.each(["vault", "aws", "alicloud"])(
  "measures on the real gateway, with the keys in %s, and fails where the start of the command alone takes too long",
  (store) => {
    const words = ["--import", "tsx", join("bench", "keys", "main.ts"), "--agents", "20", "--rounds", "2", "--store", store, "--check"];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: ROOT, encoding: "utf8" });
    expect(stderr).toContain("round 2 of 2: ");
    const [head, ...lines] = stdout.trimEnd().split("\n");
    expect(head).toBe(`20 agents, store ${store}`);
    for (const row of ["curl, one call after the other (s)", "apply, from nothing (s)", "apply, without a change (s)"])
      expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${row.replace(/[()]/g, "\\$&")}( +\\d+\\.\\d\\d){3}$`)));
    expect(lines).toContainEqual(expect.stringMatching(/^ok {3}\d+ MB \(at most 200 MB\): memory of the command$/));
    expect(lines).toContainEqual(expect.stringMatching(/^FAIL \d\.\d{3} \(at most 0\.05\): apply without a change, over curl$/));
    expect(lines.at(-1)).toBe("ok   0 (at most 0): writes of an apply without a change");
    expect(status).toBe(1);
  },
);
