#!/usr/bin/env node
// Serves the HTTP protocol of Prisma's query engine from its WebAssembly build and node-postgres.
// For computers that the native engine does not reach; it is copied beside the node_modules of this folder's lock file.
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const COMMIT = "393aa359c9ad4a4bb28630fb5613f9c281cde053";
const argv = process.argv.slice(2);
if (argv.includes("--version")) {
  console.log(`query-engine ${COMMIT}`);
  process.exit(0);
}

const modules = path.join(import.meta.dirname, "node_modules");
const load = createRequire(path.join(modules, "package.json"));
const { Client, Pool } = load("pg");
const { PrismaPg } = load("@prisma/adapter-pg");
const { bindAdapter } = load("@prisma/driver-adapter-utils");
const { parse: parseArray } = load("postgres-array");
const { parse: parseGraphql } = load("graphql");

const datamodel = readFileSync(process.env.PRISMA_DML_PATH, "utf8");
// Who may read this file may ask. aigw_node writes it into an open file that has no name.
const [, token] = datamodel.match(/^\/\/ token: ([0-9a-f]{64})$/m) ?? [];
if (token === undefined) {
  console.error("query-engine: the datamodel holds no token; let aigw_node start this program");
  process.exit(1);
}
const [, variable, text] = datamodel.match(/url\s*=\s*(?:env\("(\w+)"\)|("(?:[^"\\]|\\.)*"))/);
const url = new URL(variable ? process.env[variable] : JSON.parse(text));
const connections = Number(url.searchParams.get("connection_limit") ?? 10);
for (const name of [...url.searchParams.keys()]) {
  if (name !== "sslmode") url.searchParams.delete(name);
}
url.searchParams.set("uselibpqcompat", "true"); // `require` encrypts and does not verify, as with the native engine

// A result column of a PostgreSQL type that Prisma's adapter does not know becomes text.
const TEXT = 25;
const TEXT_ARRAY = 1009;
const AS_TEXT = new Set([18, 19, 28, 705, 2205, 2206, 2278]);
const AS_TEXT_ARRAY = new Set([1003, 2210]);

function relabel(result) {
  for (const one of [result].flat()) {
    for (const [index, field] of (one?.fields ?? []).entries()) {
      const array = AS_TEXT_ARRAY.has(field.dataTypeID);
      if (!array && !AS_TEXT.has(field.dataTypeID)) continue;
      field.dataTypeID = array ? TEXT_ARRAY : TEXT;
      for (const row of one.rows) {
        const at = Array.isArray(row) ? index : field.name;
        if (array && typeof row[at] === "string") row[at] = parseArray(row[at], (item) => item);
        else if (!array && row[at] !== null) row[at] = String(row[at]);
      }
    }
  }
  return result;
}

// A lost database shows as P1001, as from the native engine.
let lostAt = 0;
function note(error) {
  const text = `${error?.code}${error?.message}${(error?.errors ?? []).join()}`;
  if (/ECONNREFUSED|ECONNRESET|terminated|timeout|57P0/.test(text)) lostAt = Date.now();
  return error;
}

const { connect, query } = Client.prototype;
Client.prototype.connect = function (done) {
  if (done) return connect.call(this, (error) => done(note(error)));
  return connect.call(this).catch((error) => Promise.reject(note(error)));
};
Client.prototype.query = function (...given) {
  const at = given.findIndex((item) => typeof item === "function");
  if (at >= 0) {
    const done = given[at];
    given[at] = (error, result) => done(note(error), error ? result : relabel(result));
    return query.apply(this, given);
  }
  const running = query.apply(this, given);
  return typeof running?.then === "function" ? running.then(relabel, (error) => Promise.reject(note(error))) : running;
};

const folder = path.join(modules, "@prisma/query-engine-wasm/postgresql");
const wasm = await import(pathToFileURL(path.join(folder, "query_engine_bg.js")).href);
const compiled = new WebAssembly.Module(readFileSync(path.join(folder, "query_engine_bg.wasm")));
wasm.__wbg_set_wasm(new WebAssembly.Instance(compiled, { "./query_engine_bg.js": wasm }).exports);
const pool = new Pool({ connectionString: url.toString(), max: connections });
pool.on("error", () => {}); // an idle connection was lost: the next request finds out
const options = { datamodel, logLevel: "error", logQueries: false, configDir: ".", ignoreEnvVarErrors: true, env: {} };
const engine = new wasm.QueryEngine(options, () => {}, bindAdapter(new PrismaPg(pool)));
await engine.connect("{}");

// GraphQL in, the engine's JSON protocol out. A Json field, a string in GraphQL, is tagged.
const fields = {};
for (const [, model, body] of datamodel.matchAll(/^model\s+(\w+)\s*\{([\s\S]*?)^\}/gm)) {
  fields[model] = Object.fromEntries([...body.matchAll(/^\s+(\w+)\s+(\w+)/gm)].map((match) => [match[1], match[2]]));
}
const ACTIONS = ["findUnique", "findFirst", "findMany", "createOne", "createMany", "updateOne", "updateMany"].concat([
  "deleteOne",
  "deleteMany",
  "upsertOne",
  "aggregate",
  "groupBy",
]);
const JSON_OPERATORS = new Set(["set", "equals", "not", "array_contains", "array_starts_with", "array_ends_with"]);

function operation(name) {
  if (name === "queryRaw" || name === "executeRaw") return { action: name };
  const suffix = name.endsWith("OrThrow") ? "OrThrow" : "";
  const plain = suffix ? name.slice(0, -suffix.length) : name;
  const action = ACTIONS.find((each) => plain.startsWith(each) && plain.slice(each.length) in fields);
  if (!action) throw new Error(`unknown operation ${name}`);
  return { action: action + suffix, modelName: plain.slice(action.length) };
}

function literal(value) {
  switch (value.kind) {
    case "IntValue": {
      const number = Number(value.value);
      return Number.isSafeInteger(number) ? number : { $type: "BigInt", value: value.value };
    }
    case "FloatValue":
      return Number(value.value);
    case "NullValue":
      return null;
    case "ListValue":
      return value.values.map(literal);
    case "ObjectValue":
      return Object.fromEntries(value.fields.map((field) => [field.name.value, literal(field.value)]));
    default:
      return value.value;
  }
}

const given = (node) => Object.fromEntries((node.arguments ?? []).map((each) => [each.name.value, literal(each.value)]));

function selection(set) {
  return Object.fromEntries(
    (set?.selections ?? []).map((field) => {
      const named = given(field);
      const some = Object.keys(named).length ? { arguments: named } : {};
      return [field.name.value, field.selectionSet ? { ...some, selection: selection(field.selectionSet) } : true];
    }),
  );
}

function tagJson(value) {
  if (typeof value === "string") return { $type: "Json", value };
  if (!value || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, JSON_OPERATORS.has(key) ? tagJson(each) : each]));
}

function tag(model, value) {
  if (Array.isArray(value)) return value.map((each) => tag(model, each));
  if (!value || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const type = fields[model]?.[key];
      return [key, type === "Json" ? tagJson(each) : tag(type in fields ? type : model, each)];
    }),
  );
}

function translate(text) {
  const field = parseGraphql(text).definitions[0].selectionSet.selections[0];
  const what = operation(field.name.value);
  const named = given(field);
  return {
    key: field.alias?.value ?? field.name.value,
    raw: what.action === "queryRaw",
    body: {
      ...what,
      query: { arguments: what.modelName ? tag(what.modelName, named) : named, selection: selection(field.selectionSet) },
    },
  };
}

function untag(value) {
  if (Array.isArray(value)) return value.map(untag);
  if (!value || typeof value !== "object") return value;
  if ("$type" in value && "value" in value) return value.$type === "BigInt" ? Number(value.value) : untag(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, untag(each)]));
}

function rawRows(result) {
  const read = (value) => (typeof value === "string" ? JSON.parse(value) : value);
  for (const [column, type] of (result.types ?? []).entries()) {
    for (const row of result.rows) {
      if (row[column] === null) continue;
      if (type === "json") row[column] = read(row[column]);
      if (type === "json-array") row[column] = row[column].map(read);
    }
  }
  return result;
}

function markLost(out) {
  if (Date.now() - lostAt > 5000) return out;
  for (const error of out.errors ?? []) {
    if (!/external connector|P2036/.test(JSON.stringify(error))) continue;
    const message = `Can't reach database server at \`${url.hostname}:${url.port}\``;
    const meta = { database_host: url.hostname, database_port: Number(url.port) };
    Object.assign(error, { error: message, user_facing_error: { is_panic: false, message, meta, error_code: "P1001" } });
  }
  return out;
}

async function run(text, transaction) {
  const asked = JSON.parse(text);
  if (asked.batch) {
    const all = asked.batch.map((each) => translate(each.query));
    const body = { batch: all.map((each) => each.body), transaction: asked.transaction ? {} : undefined };
    const out = JSON.parse(await engine.query(JSON.stringify(body), "{}", transaction));
    if (!out.batchResult) return out;
    const one = (result, index) => (result.data ? { data: { [all[index].key]: untag(Object.values(result.data)[0]) } } : result);
    return { batchResult: out.batchResult.map(one) };
  }
  const { key, raw, body } = translate(asked.query);
  const out = markLost(JSON.parse(await engine.query(JSON.stringify(body), "{}", transaction)));
  if (out.data) {
    const value = Object.values(out.data)[0];
    out.data = { [key]: raw ? rawRows(value) : untag(value) };
  }
  return out;
}

async function answer(request, body) {
  if (request.url === "/status") return { status: "ok" };
  if (request.url.startsWith("/metrics")) return { counters: [], gauges: [], histograms: [] };
  if (request.url === "/transaction/start") return JSON.parse(await engine.startTransaction(body, "{}"));
  const [, id, end] = request.url.match(/^\/transaction\/([^/]+)\/(commit|rollback)/) ?? [];
  if (end) {
    const out = await (end === "commit" ? engine.commitTransaction(id, "{}") : engine.rollbackTransaction(id, "{}"));
    return JSON.parse(out || "{}");
  }
  return run(body, request.headers["x-transaction-id"]);
}

const MOST_BYTES = 256 * 1024 * 1024;
const port = Number(argv[argv.indexOf("-p") + 1]);
const digest = (value) => createHash("sha256").update(value).digest();
const expected = digest(`Bearer ${token}`);

/** Why a request is not answered; a page in a browser fails at each of these. */
function refusal({ method, headers }) {
  if (headers.host !== `localhost:${port}` && headers.host !== `127.0.0.1:${port}`) return [421, "ask for localhost"];
  if (headers.origin !== undefined) return [403, "no browser is served"];
  if (!timingSafeEqual(digest(headers.authorization ?? ""), expected)) return [401, "the token of this run is missing"];
  if (method !== "GET" && headers["content-type"] !== "application/json") return [415, "send application/json"];
  if (Number(headers["content-length"] ?? 0) > MOST_BYTES) return [413, "too long"];
  return undefined;
}

async function textOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error("too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

const server = createServer(async (request, response) => {
  const send = (status, value, headers = {}) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };
  const refused = refusal(request);
  if (refused) return send(refused[0], { error: refused[1] }, { connection: "close" });
  try {
    send(200, await answer(request, await textOf(request)));
  } catch (error) {
    const message = String(error?.message ?? error);
    const seen = { is_panic: false, message, meta: {}, error_code: "P0000" };
    send(500, { errors: [{ error: message, user_facing_error: seen }] });
  }
});
server.keepAliveTimeout = 120_000;
server.listen(port, "127.0.0.1");
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
