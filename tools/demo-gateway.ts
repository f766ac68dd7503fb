// The second half of `npm run demo`: the quickstart's gateway on this computer, and what it does.
import { LocalGateway } from "../src/cli/local/local-gateway";
import { findPython } from "../src/cli/local/python";
import { synthesizedGateway } from "../src/cli/local/synthesized-gateway";

const REFRESH_SECONDS = 2;
const REQUESTS_A_SECOND = 20;
/** Time for the new key to be fetched and used, and for as many requests again. */
const LOAD_SECONDS = 10;
const ROTATED = "dashscope";
/** Its quota is enough for the load. */
const LOADING_AGENT = "support-agent";
const REVOKED = "code-agent";

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
  const gateway = new LocalGateway(synthesizedGateway(output, stack, undefined), {
    refreshIntervalSeconds: REFRESH_SECONDS,
    keys: "none",
    say,
  });
  const onSignal = (): void => void gateway.stop().then(() => process.exit(130));
  (["SIGINT", "SIGTERM"] as const).forEach((signal) => process.once(signal, onSignal));
  try {
    await gateway.start();
    say("Asking it ...\n");
    const rows: Row[] = [];
    for (const show of [provisioned, served, refused, stopped, rotated, revoked]) rows.push(await show(gateway));
    const width = Math.max(...rows.map(({ what }) => what.length));
    rows.forEach(({ what, seen, isRight }) => say(`  ${isRight ? "ok  " : "FAIL"}  ${what.padEnd(width)}  ${seen}`));
    return rows.every(({ isRight }) => isRight);
  } finally {
    await gateway.stop();
  }
}

/** The agents' keys are made by the command that an apply of the stack runs. */
async function provisioned({ command }: LocalGateway): Promise<Row> {
  const said: string[] = [];
  for (let time = 0; time < 2; time += 1) said.push((await command.run(["keys", "apply"])).trimEnd().split("\n").at(-1)!);
  const isRight = said.join() === "4 agents: 4 made,4 agents: 4 unchanged";
  return { what: "keys apply, and once more", seen: said.join(", then "), isRight };
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
  const pids = (): string => gateway.nodes.map(({ pid }) => pid).join();
  const [before, asked, fresh] = [pids(), gateway.provider.calls.length, crypto.randomUUID()];
  const statuses: Promise<number>[] = [];
  let put: Promise<unknown> | undefined;
  for (let index = 0; index < REQUESTS_A_SECOND * LOAD_SECONDS; index += 1) {
    if (index === REQUESTS_A_SECOND) put = gateway.command.run(["secrets", "put", `${gateway.name}/${ROTATED}`], fresh);
    statuses.push(ask(gateway, LOADING_AGENT, "qwen-max").then((reply) => reply.arrayBuffer().then(() => reply.status)));
    await new Promise((resolve) => setTimeout(resolve, 1000 / REQUESTS_A_SECOND));
  }
  await put;
  const failed = (await Promise.all(statuses)).filter((status) => status !== 200).length;
  const keys = gateway.provider.calls.slice(asked).map((call) => call.key);
  const isRight = failed === 0 && keys.at(-1) === fresh && keys[0] !== fresh && pids() === before;
  return {
    what: `secrets put changes ${ROTATED}'s key under load`,
    seen: `${statuses.length} requests, ${failed} failed; ${keys.filter((used) => used === fresh).length} with the new key; no restart`,
    isRight,
  };
}

async function revoked(gateway: LocalGateway): Promise<Row> {
  const { key } = gateway.agents.find(({ agent }) => agent.name === REVOKED)!;
  const before = await chat(gateway, key, "qwen-plus");
  await gateway.command.run(["keys", "revoke", REVOKED]);
  const after = await chat(gateway, key, "qwen-plus");
  const seen = [before.status, after.status];
  await Promise.all([before.arrayBuffer(), after.arrayBuffer()]);
  return { what: `keys revoke ${REVOKED}`, seen: seen.join(", then "), isRight: seen.join() === "200,401" };
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
