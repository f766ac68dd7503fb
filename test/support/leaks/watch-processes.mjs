// Writes the command line of every process of this computer into a file, as `ps` shows it, until its standard input ends.
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const [file] = process.argv.slice(2);
const EVERY_MS = 20;
const seen = new Set();

function look() {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const line = `${pid} ${commandLine(pid)}`;
    if (seen.has(line)) continue;
    seen.add(line);
    appendFileSync(file, `${line}\n`);
  }
}

function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

writeFileSync(file, "");
look();
setInterval(look, EVERY_MS);
process.stdin.resume().on("end", () => process.exit());
process.stdout.write("watching\n");
