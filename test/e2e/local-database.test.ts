// What `local` puts before the database: a role without rights beyond its own tables, and an engine that only its run can ask.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answers, Postgres } from "../../src/cli/local/postgres";
import { freePort, run, Service } from "../../src/cli/local/programs";
import { postgresPrograms, tools } from "../../src/cli/local/tools";

interface Client {
  connect(): Promise<void>;
  query(text: string): Promise<{ rows: object[] }>;
  end(): Promise<void>;
}

const password = randomBytes(16).toString("hex");
let folder: string;
let toolsFolder: string;
let postgres: Postgres;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "local-database-"));
  toolsFolder = await tools();
  postgres = await Postgres.start(postgresPrograms(toolsFolder), password, join(folder, "postgres.log"));
});
afterAll(async () => {
  await postgres.stop(false);
  rmSync(folder, { recursive: true });
});

function client(database: string): Client {
  const { Client } = createRequire(join(toolsFolder, "package.json"))("pg") as { Client: new (options: object) => Client };
  return new Client({ host: "127.0.0.1", port: postgres.port, user: Postgres.USER, password, database });
}

it("gives LiteLLM a role that owns its database, runs no program, reads no file and gets nowhere else", async () => {
  const db = client(Postgres.DATABASE);
  await db.connect();
  await db.query("CREATE TABLE t (a text)");
  const refused = [
    "COPY t FROM PROGRAM 'id'",
    "COPY t TO PROGRAM 'cat'",
    "COPY t FROM '/etc/passwd'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT lo_import('/etc/passwd')",
    "ALTER SYSTEM SET archive_command = 'id'",
    "CREATE ROLE other SUPERUSER",
    "ALTER ROLE litellm SUPERUSER",
    "SET ROLE postgres",
  ];
  for (const statement of refused) await expect(db.query(statement)).rejects.toThrow(/permission denied|must/i);
  const { rows } = await db.query(
    "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS more FROM pg_roles WHERE rolname = current_user",
  );
  expect(rows).toEqual([{ more: false }]);
  await db.end();
  await expect(client("postgres").connect()).rejects.toThrow("permission denied for database");
});

describe("the WebAssembly query engine", () => {
  const token = randomBytes(32).toString("hex");
  let engine: Service;
  let port: number;
  beforeAll(async () => {
    const datamodel = join(folder, "datamodel");
    const url = `postgresql://${Postgres.USER}:${password}@127.0.0.1:${postgres.port}/${Postgres.DATABASE}`;
    const text = (head: string): string =>
      `${head}datasource client {\n  provider = "postgresql"\n  url = "${url}"\n}\nmodel t {\n  a String @id\n}\n`;
    const program = join(toolsFolder, "query-engine.mjs");
    port = await freePort();
    const env = { PATH: process.env.PATH, PRISMA_DML_PATH: datamodel };
    writeFileSync(datamodel, text(""), { mode: 0o600 });
    await expect(run(process.execPath, [program, "-p", String(port)], { env })).rejects.toThrow("holds no token");
    writeFileSync(datamodel, text(`// token: ${token}\n`), { mode: 0o600 });
    engine = new Service("the engine", process.execPath, [program, "-p", String(port)], join(folder, "engine.log"), { env });
    await engine.until(() => answers(port), 20);
  });
  afterAll(() => engine.stop("SIGTERM", 5));

  const ours = (): Record<string, string> => ({ authorization: `Bearer ${token}`, "content-type": "application/json" });
  const ask = (headers: Record<string, string>, path = "/"): Promise<[number, string]> =>
    new Promise((resolve, reject) => {
      const asked = request({ port, host: "127.0.0.1", path, method: "POST", headers }, (reply) => {
        let text = "";
        reply.on("data", (chunk: Buffer) => (text += chunk.toString()));
        reply.on("end", () => resolve([reply.statusCode!, text]));
      });
      asked.on("error", reject);
      asked.end(JSON.stringify({ query: 'mutation { result: queryRaw(query: "SELECT 41 + 1 AS sum", parameters: "[]") }' }));
    });

  it("answers the run's own client", async () => {
    const [status, text] = await ask(ours());
    expect([status, text]).toEqual([200, expect.stringContaining("42")]);
  });

  it.each([
    ["no token", 401, { authorization: "" }, "/"],
    ["another token", 401, { authorization: `Bearer ${"0".repeat(64)}` }, "/"],
    ["a name that leads here", 421, { host: "rebound.example" }, "/"],
    ["a page's request", 403, { origin: "http://localhost:3000" }, "/"],
    ["a page without an origin", 403, { origin: "null" }, "/"],
    ["a form", 415, { "content-type": "text/plain" }, "/"],
    ["JSON among other words", 415, { "content-type": "text/plain; application/json" }, "/"],
    ["a transaction", 401, { authorization: "" }, "/transaction/start"],
    ["its state", 401, { authorization: "" }, "/status"],
  ])("refuses %s", async (_, status, headers, path) => {
    const [got, text] = await ask({ ...ours(), ...(headers as Record<string, string>) }, path);
    expect([got, text]).toEqual([status, expect.not.stringContaining("42")]);
  });
});
