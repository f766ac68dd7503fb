// The second half of `npm run demo`: the quickstart's gateway on this computer, and what it does.
import { AdminApi } from "../src/cli/keys/admin-api";
import { keySpec } from "../src/cli/keys/key-spec";
import { LocalGateway } from "../src/cli/local/local-gateway";
import { findPython } from "../src/cli/local/python";
import { synthesizedGateway } from "../src/cli/local/synthesized-gateway";
import { AGENT_ROUTES } from "../src/litellm/routes";

const REFRESH_SECONDS = 2;
const REQUESTS_A_SECOND = 20;
/** Time for the new key to be fetched and used, and for as many requests again. */
const LOAD_SECONDS = 10;
const ROTATED = "dashscope";

interface Row {
  readonly what: string;
  readonly seen: string;
  readonly isRight: boolean;
}

/** Runs the gateway and shows it; true if all was as it should be. */
export async function demonstrate(output: string, stack: string, say: (text: string) => void): Promise<boolean> {
  const python = await findPython().catch((error: unknown) => error as Error);
  if (python instanceof Error) {
    say(`The gateway was not started: ${python.message}.`);
    return true;
  }
  const gateway = new LocalGateway(synthesizedGateway(output, stack, undefined), { refreshIntervalSeconds: REFRESH_SECONDS, say });
  const onSignal = (): void => void gateway.stop().then(() => process.exit(130));
  (["SIGINT", "SIGTERM"] as const).forEach((signal) => process.once(signal, onSignal));
  try {
    await gateway.start();
    say("Asking it ...\n");
    const rows = [await served(gateway), await refused(gateway), await stopped(gateway), await rotated(gateway)];
    const width = Math.max(...rows.map(({ what }) => what.length));
    rows.forEach(({ what, seen, isRight }) => say(`  ${isRight ? "ok  " : "FAIL"}  ${what.padEnd(width)}  ${seen}`));
    return rows.every(({ isRight }) => isRight);
  } finally {
    await gateway.stop();
  }
}

async function served(gateway: LocalGateway): Promise<Row> {
  const reply = await ask(gateway, "research-agent", "qwen-max");
  const body = (await reply.json()) as { usage: { total_tokens: number } };
  return {
    what: "research-agent asks qwen-max",
    seen: `${reply.status}, ${body.usage.total_tokens} tokens`,
    isRight: reply.status === 200,
  };
}

async function refused(gateway: LocalGateway): Promise<Row> {
  const reply = await ask(gateway, "schedule-agent", "gpt-4o");
  const { error } = (await reply.json()) as { error: { type: string } };
  return { what: "schedule-agent asks gpt-4o, not its own", seen: `${reply.status} ${error.type}`, isRight: reply.status === 403 };
}

async function stopped(gateway: LocalGateway): Promise<Row> {
  const limit = gateway.agents.find(({ agent }) => agent.name === "schedule-agent")!.agent.qpm!;
  const statuses: number[] = [];
  let wait: string | null = null;
  for (let index = 0; index <= limit; index += 1) {
    const reply = await ask(gateway, "schedule-agent", "qwen-plus");
    statuses.push(reply.status);
    wait ??= reply.status === 429 ? reply.headers.get("retry-after") : null;
    await reply.arrayBuffer();
  }
  const good = statuses.filter((status) => status === 200).length;
  const isRight = good === limit && statuses.at(-1) === 429 && wait !== null;
  return {
    what: `schedule-agent asks ${limit + 1} times, ${limit} a minute are its quota`,
    seen: `${good} x 200, then 429, Retry-After ${wait} s`,
    isRight,
  };
}

/** A provider's key is changed while requests run. */
async function rotated(gateway: LocalGateway): Promise<Row> {
  const { pid } = gateway;
  const key = `sk-${crypto.randomUUID()}`;
  const spec = keySpec({ name: "demo-load", secretName: "none", models: ["qwen-max"], enabled: true }, "load", AGENT_ROUTES);
  await new AdminApi(gateway.adminEndpoint, gateway.masterKey).generate(key, spec);
  const fresh = crypto.randomUUID();
  const statuses: Promise<number>[] = [];
  const before = gateway.provider.calls.length;
  for (let index = 0; index < REQUESTS_A_SECOND * LOAD_SECONDS; index += 1) {
    if (index === REQUESTS_A_SECOND) gateway.rotate(ROTATED, fresh);
    statuses.push(chat(gateway, key, "qwen-max").then((reply) => reply.arrayBuffer().then(() => reply.status)));
    await new Promise((resolve) => setTimeout(resolve, 1000 / REQUESTS_A_SECOND));
  }
  const failed = (await Promise.all(statuses)).filter((status) => status !== 200).length;
  const keys = gateway.provider.calls.slice(before).map((call) => call.key);
  const isRight = failed === 0 && keys.at(-1) === fresh && keys[0] !== fresh && gateway.pid === pid;
  return {
    what: `${ROTATED}'s key is changed under load`,
    seen: `${statuses.length} requests, ${failed} failed; ${keys.filter((used) => used === fresh).length} with the new key; no restart`,
    isRight,
  };
}

function ask(gateway: LocalGateway, agent: string, model: string): Promise<Response> {
  return chat(gateway, gateway.agents.find((each) => each.agent.name === agent)!.key, model);
}

function chat(gateway: LocalGateway, key: string, model: string): Promise<Response> {
  return fetch(`${gateway.endpoint}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "What is a gateway?" }] }),
  });
}
