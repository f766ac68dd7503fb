import { join } from "node:path";
import { ENVIRONMENT_FILE } from "./gateway-command";
import { LocalGateway, LocalOptions } from "./local-gateway";
import { synthesizedGateway } from "./synthesized-gateway";

/** What the command line says. */
export interface LocalCommand extends Pick<LocalOptions, "port" | "redis" | "keep" | "nodes"> {
  readonly output: string;
  readonly gateway?: string;
  readonly json?: boolean;
  /** `NAME=URL`, each. */
  readonly provider?: readonly string[];
}

/**
 * Runs a synthesized stack's gateway until Ctrl-C.
 * @throws Error when a program of the run ends before that, once all others are stopped
 */
export async function local(stack: string | undefined, command: LocalCommand): Promise<void> {
  const chosen = synthesizedGateway(command.output, stack, command.gateway);
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  say(`Running the gateway ${chosen.settings.name} of the stack ${chosen.stack} on this computer.`);
  const gateway = new LocalGateway(chosen, { ...command, providers: ownAddresses(command.provider ?? []), say });
  const signalled = untilSignalled();
  const starting = gateway.start();
  // A program that we started may end because the terminal sent Ctrl-C to all of us: that is no failure to tell.
  const isUp = await Promise.race([starting.then(() => true), signalled.then(() => false)]);
  let died: string | undefined;
  if (isUp) {
    process.stdout.write(command.json === true ? `${JSON.stringify(facts(gateway), null, 2)}\n` : report(gateway));
    died = await Promise.race([signalled.then(() => undefined), gateway.died]);
  }
  say("\nStopping ...");
  await gateway.stop();
  await starting.catch(() => undefined);
  if (command.keep === true) say(`Left behind: ${gateway.folders.join(" and ")}`);
  if (died !== undefined) throw new Error(died);
}

/** @throws Error for what is no name and address */
export function ownAddresses(pairs: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    pairs.map((pair): [string, string] => {
      const [, name, address] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
      const url = address !== undefined && URL.canParse(address) ? new URL(address) : undefined;
      if (name === undefined || url === undefined || !/^https?:$/.test(url.protocol)) {
        throw new Error("--provider takes NAME=URL, such as openai=http://127.0.0.1:11434/v1");
      }
      if (url.username + url.password + url.search !== "") {
        throw new Error(`--provider: leave user, password and ?… out of the URL of ${name}; set ${name.toUpperCase()}_API_KEY`);
      }
      return [name, address!.replace(/\/+$/, "")];
    }),
  );
}

/** Ctrl-C, or the terminal has gone, or somebody wants it to end. */
function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    (["SIGINT", "SIGTERM", "SIGHUP"] as const).forEach((signal) => process.on(signal, () => resolve()));
  });
}

function facts(gateway: LocalGateway): object {
  return {
    endpoint: gateway.endpoint,
    adminEndpoint: gateway.adminEndpoint,
    masterKey: gateway.masterKey,
    nodes: gateway.nodes.map(({ endpoint, adminEndpoint, pid }) => ({ endpoint, adminEndpoint, pid })),
    folder: gateway.folder,
    environmentFile: join(gateway.folder, ENVIRONMENT_FILE),
    agents: gateway.agents.map(({ agent, key }) => ({ name: agent.name, key, models: agent.models })),
    providers: { real: gateway.config.real, played: gateway.config.played, own: gateway.config.own },
  };
}

function report(gateway: LocalGateway): string {
  const { real, played, own } = gateway.config;
  const [first] = gateway.agents;
  const width = Math.max(...gateway.agents.map(({ agent }) => agent.name.length), 0);
  return [
    "",
    `The gateway serves at ${gateway.nodes.map(({ endpoint }) => endpoint).join(" and ")}`,
    `  administration     ${gateway.adminEndpoint} (master key ${gateway.masterKey})`,
    `  request log        ${gateway.folder}/requests`,
    `  its own log        ${gateway.folder}/gateway.log`,
    ...(played.length > 0
      ? [`  played providers   ${played.join(", ")} (set OPENAI_API_KEY and the like before the start to ask the real ones)`]
      : []),
    ...(own.length > 0 ? [`  at your own URL    ${own.join(", ")}`] : []),
    ...(real.length > 0 ? [`  real providers     ${real.join(", ")}: calls cost money`] : []),
    "",
    "Agents' keys, for this run only:",
    ...gateway.agents.map(({ agent, key }) => `  ${agent.name.padEnd(width)}  ${key}`),
    ...(first === undefined
      ? []
      : [
          "",
          "Try:",
          `  ${curl(gateway.endpoint, first.key, first.agent.models[0]!)}`,
          "and, to list, rotate or revoke keys and to see what was used, in another shell:",
          `  . ${join(gateway.folder, ENVIRONMENT_FILE)} && npx cdktf-ai-gateway keys list`,
        ]),
    "",
    "Ctrl-C stops everything.",
    "",
  ].join("\n");
}

function curl(endpoint: string, key: string, model: string): string {
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "hello" }] });
  return `curl ${endpoint}/v1/chat/completions -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" -d '${body}'`;
}
