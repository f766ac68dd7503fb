import { IncomingHttpHeaders, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

const TIMEOUT_MS = 10_000;

/** A request to a service that no SDK of ours calls. */
export interface HttpCall {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The PEM of a private authority; `fetch` takes none, nor a host of one's own. */
  readonly ca?: string;
}

/** What was answered, whatever its status. */
export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Fails with the code of Node.js where there is no answer. */
export function httpCall(url: URL, { method, headers, body, ca }: HttpCall): Promise<HttpReply> {
  const open = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((answer, fail) => {
    const asked = open(url, { method, headers, ca, timeout: TIMEOUT_MS }, (reply) => {
      let text = "";
      reply.setEncoding("utf8");
      reply.on("data", (part: string) => (text += part));
      reply.on("end", () => answer({ status: reply.statusCode ?? 0, headers: reply.headers, text }));
      reply.on("error", fail);
    });
    asked.on("timeout", () => asked.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })));
    asked.on("error", fail);
    asked.end(body);
  });
}
