/**
 * Terraform providers without a cloud: real schemas served over plugin protocol 6, with the refusals, defaults and
 * replacements of the real ones from tables. `terraform` reaches them through TF_REATTACH_PROVIDERS.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { providerDefinition, providerService } from "./provider-service";
import { loadSchema } from "./schema";
import { SimulatedCloud } from "./simulated-cloud";

export { RULES, problemsOf, type Problem, type Rule } from "./rules";
export { Refusal, SimulatedCloud, type SimulatedResource } from "./simulated-cloud";
export { ACCOUNT_ID } from "./invented";
export { UNKNOWN, Unknown, type Value, type ValueMap } from "./wire";

export interface SimulatedProvidersOptions {
  /** Where the clouds live, one JSON file each; what is there already is taken up. */
  readonly directory: string;
  /** `aliyun/alicloud` and the file with its schema, as `terraform providers schema -json` writes it; `.gz` is fine. */
  readonly schemas: readonly { readonly source: string; readonly file: string }[];
}

export interface SimulatedProviders {
  /** What the environment of `terraform` needs. */
  readonly environment: { readonly TF_REATTACH_PROVIDERS: string };
  /** The cloud behind a provider, for a look or a change by hand. */
  cloud(source: string): SimulatedCloud;
  /** Ends the servers and removes their sockets; the clouds' files stay. */
  stop(): Promise<void>;
}

const MESSAGE_LIMIT = 256 * 1024 * 1024;

/** Serves the providers in this process until `stop`. Call terraform asynchronously: a blocked process cannot answer. */
export async function startSimulatedProviders({ directory, schemas }: SimulatedProvidersOptions): Promise<SimulatedProviders> {
  mkdirSync(directory, { recursive: true });
  // A socket's path has 107 bytes at most, so the sockets do not live in the directory.
  const sockets = mkdtempSync(join(tmpdir(), "sim-"));
  const definition = providerDefinition();
  const clouds = new Map<string, SimulatedCloud>();
  const servers: Server[] = [];
  const reattach: Record<string, object> = {};

  const stop = async (): Promise<void> => {
    for (const server of servers) server.forceShutdown();
    rmSync(sockets, { recursive: true, force: true });
    await Promise.resolve();
  };

  try {
    for (const { source, file } of schemas) {
      const name = source.replace(/\W+/g, "_");
      const schema = loadSchema(file);
      const cloud = new SimulatedCloud(join(directory, `${name}.cloud.json`), schema);
      const socket = join(sockets, `${name}.sock`);
      const server = new Server({ "grpc.max_receive_message_length": MESSAGE_LIMIT, "grpc.max_send_message_length": MESSAGE_LIMIT });
      servers.push(server);
      server.addService(definition, providerService(schema, cloud));
      await listen(server, socket);
      clouds.set(source, cloud);
      reattach[`registry.terraform.io/${source}`] = {
        Protocol: "grpc",
        ProtocolVersion: 6,
        Pid: process.pid,
        Test: true,
        Addr: { Network: "unix", String: socket },
      };
    }
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    environment: { TF_REATTACH_PROVIDERS: JSON.stringify(reattach) },
    cloud: (source) => {
      const cloud = clouds.get(source);
      if (!cloud) throw new Error(`no simulated provider ${source}; there are ${[...clouds.keys()].join(", ")}`);
      return cloud;
    },
    stop,
  };
}

function listen(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
}
