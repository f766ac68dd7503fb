import { once } from "node:events";
import { createServer, IncomingMessage, Server, ServerResponse } from "node:http";
import { AddressInfo } from "node:net";

interface Asked {
  readonly model?: string;
  readonly stream?: boolean;
  readonly messages?: readonly { readonly content?: unknown }[];
  readonly input?: unknown;
}

/** One call that the stand-in has answered: with which key, for which model. */
export interface Call {
  readonly key: string;
  readonly model: string;
}

/** Tokens are letters / 4, as a rule of thumb; the numbers only need to be plausible. */
const LETTERS_A_TOKEN = 4;
const MOST_REMEMBERED = 10_000;

/**
 * A provider that costs nothing: it speaks the wire formats of OpenAI (chat, completions, responses, embeddings, images)
 * and Anthropic (messages), plain and streamed, and answers with a sentence about what it was asked.
 */
export class StandInProvider {
  /** What it was asked, the newest last. */
  public readonly calls: Call[] = [];
  private readonly server: Server = createServer((request, response) => void this.serve(request, response));

  /** The URL, without a path. */
  public async start(): Promise<string> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = asked(Buffer.concat(chunks).toString());
    const { authorization = "", "x-api-key": apiKey } = request.headers;
    this.calls.push({ key: String(apiKey ?? authorization).replace(/^Bearer /, ""), model: body.model ?? "" });
    if (this.calls.length > MOST_REMEMBERED) this.calls.shift();
    const path = new URL(request.url ?? "/", "http://stand-in").pathname;
    const format = FORMATS.find(({ ending }) => path.endsWith(ending));
    if (format === undefined) {
      response.writeHead(404, JSON_TYPE).end(JSON.stringify({ error: { message: `the stand-in provider has no ${path}` } }));
    } else if (body.stream === true && format.events !== undefined) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(format.events(body).map(serverSentEvent).join(""));
    } else {
      response.writeHead(200, JSON_TYPE).end(JSON.stringify(format.reply(body)));
    }
  }
}

const JSON_TYPE = { "content-type": "application/json" };

interface Format {
  readonly ending: string;
  readonly reply: (body: Asked) => object;
  /** The events of a stream; a text stands for itself. */
  readonly events?: (body: Asked) => (object | string)[];
}

const FORMATS: readonly Format[] = [
  {
    ending: "/chat/completions",
    reply: (body) => ({
      ...common("chat.completion", body),
      choices: [{ index: 0, message: { role: "assistant", content: answer(body) }, finish_reason: "stop" }],
      usage: openaiUsage(body),
    }),
    events: (body) => [
      ...words(body).map((content) => ({
        ...common("chat.completion.chunk", body),
        choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: null }],
      })),
      { ...common("chat.completion.chunk", body), choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: openaiUsage(body) },
      "[DONE]",
    ],
  },
  {
    ending: "/responses",
    reply: (body) => ({
      ...common("response", body),
      created_at: 1,
      status: "completed",
      output: [
        {
          type: "message",
          id: "msg_1",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: answer(body), annotations: [] }],
        },
      ],
      usage: { ...anthropicUsage(body), total_tokens: openaiUsage(body).total_tokens },
    }),
  },
  {
    ending: "/messages",
    reply: (body) => ({
      ...anthropicMessage(body),
      content: [{ type: "text", text: answer(body) }],
      stop_reason: "end_turn",
      usage: anthropicUsage(body),
    }),
    events: (body) => [
      { type: "message_start", message: { ...anthropicMessage(body), content: [], stop_reason: null, usage: anthropicUsage(body) } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      ...words(body).map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: anthropicUsage(body) },
      { type: "message_stop" },
    ],
  },
  {
    ending: "/embeddings",
    reply: (body) => ({
      ...common("list", body),
      data: [{ object: "embedding", index: 0, embedding: [0.1, 0.2, 0.3] }],
      usage: { prompt_tokens: tokens(question(body)), total_tokens: tokens(question(body)) },
    }),
  },
  {
    ending: "/completions",
    reply: (body) => ({
      ...common("text_completion", body),
      choices: [{ index: 0, text: answer(body), finish_reason: "stop" }],
      usage: openaiUsage(body),
    }),
  },
  { ending: "/images/generations", reply: () => ({ created: 1, data: [{ url: "https://stand-in.invalid/image.png" }] }) },
];

function asked(text: string): Asked {
  try {
    return JSON.parse(text) as Asked;
  } catch {
    return {};
  }
}

function serverSentEvent(event: object | string): string {
  if (typeof event === "string") return `data: ${event}\n\n`;
  const { type } = event as { type?: string };
  return `${type === undefined ? "" : `event: ${type}\n`}data: ${JSON.stringify(event)}\n\n`;
}

function common(object: string, body: Asked): object {
  return { id: "stand-in", object, created: Math.floor(Date.now() / 1000), model: body.model };
}

function anthropicMessage(body: Asked): object {
  return { id: "msg_1", type: "message", role: "assistant", model: body.model, stop_sequence: null };
}

function question(body: Asked): string {
  const last = body.messages?.at(-1)?.content ?? body.input ?? "";
  return typeof last === "string" ? last : JSON.stringify(last);
}

function answer(body: Asked): string {
  return `This is the stand-in for ${body.model}; you asked: ${question(body).slice(0, 200)}`;
}

function words(body: Asked): string[] {
  return answer(body).split(/(?<= )/);
}

function tokens(text: string): number {
  return Math.max(1, Math.round(text.length / LETTERS_A_TOKEN));
}

function anthropicUsage(body: Asked): { input_tokens: number; output_tokens: number } {
  return { input_tokens: tokens(question(body)), output_tokens: tokens(answer(body)) };
}

function openaiUsage(body: Asked): { prompt_tokens: number; completion_tokens: number; total_tokens: number } {
  const { input_tokens: input, output_tokens: output } = anthropicUsage(body);
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}
