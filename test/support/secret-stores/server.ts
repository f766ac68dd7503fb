import { createServer, IncomingHttpHeaders, RequestListener, Server } from "node:http";
import { createServer as createTlsServer, ServerOptions } from "node:https";
import { AddressInfo } from "node:net";

/** A request as a double sees it. */
export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a double answers; no body: it ends the connection. */
export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal with the service's code. */
export class Refused extends Error {
  constructor(
    public readonly status: number,
    public readonly code: string,
  ) {
    super(code);
  }
}

/** A server on a free port of this machine. */
export interface RunningServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves until it is stopped; with a certificate, by TLS. */
export async function serve(answer: (asked: Asked) => Answer | Promise<Answer>, tls?: ServerOptions): Promise<RunningServer> {
  const listener: RequestListener = (request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => (body += part));
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://127.0.0.1");
      void Promise.resolve(answer({ method: request.method ?? "", url, headers: request.headers, body })).then((reply) => {
        if (reply.body === undefined) response.destroy();
        else response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers }).end(reply.body);
      });
    });
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

/** A service of our own in the place of a real one. */
export abstract class Double {
  private server?: RunningServer;

  /** @param tls a certificate: it is entered by TLS */
  public async start(tls?: ServerOptions): Promise<void> {
    this.server = await serve((asked) => this.answer(asked), tls);
  }

  public get url(): string {
    return this.server!.url;
  }

  public async stop(): Promise<void> {
    await this.server?.stop();
  }

  protected abstract answer(asked: Asked): Answer | Promise<Answer>;
}
