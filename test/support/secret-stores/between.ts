import { request } from "node:http";
import { Answer, Asked, RunningServer, serve } from "./server";

/** What stands between the command and a store: what it was asked, and what happens to a call. */
export class Between {
  /** What each call asked for, in order. */
  public readonly calls: string[] = [];
  /** Is told of each call before it reaches the store (its number from 0), may hold it up, and may answer in the store's place. */
  public before: (call: number, action: string, asked: Asked) => Answer | undefined | Promise<Answer | undefined> = () => undefined;
  /** Is told once the store has done it; true: the answer gets lost. */
  public after: (call: number, action: string) => boolean = () => false;

  private constructor(private readonly target: string) {}

  /** Starts one in front of a store. */
  public static async of(target: string): Promise<{ between: Between; server: RunningServer }> {
    const between = new Between(target);
    return { between, server: await serve((asked) => between.answer(asked)) };
  }

  private async answer(asked: Asked): Promise<Answer> {
    const action = actionOf(asked);
    const call = this.calls.push(action) - 1;
    const instead = await this.before(call, action, asked);
    if (instead !== undefined) return instead;
    const reply = await forwarded(asked, this.target);
    if (this.after(call, action)) return { status: 0 };
    return reply;
  }
}

/** As it came, its host too, which is signed. */
function forwarded({ method, url, headers, body }: Asked, target: string): Promise<Answer> {
  // What comes back is taken for a text.
  const plain = headers["accept-encoding"] === undefined ? headers : { ...headers, "accept-encoding": "identity" };
  return new Promise((answer, fail) => {
    const asked = request(`${target}${url.pathname}${url.search}`, { method, headers: plain }, (reply) => {
      let content = "";
      reply.setEncoding("utf8");
      reply.on("data", (part: string) => (content += part));
      reply.on("end", () =>
        answer({ status: reply.statusCode ?? 0, body: content, headers: { "content-type": reply.headers["content-type"] ?? "" } }),
      );
    });
    asked.on("error", fail);
    asked.end(body);
  });
}

function actionOf({ method, url, headers }: Asked): string {
  const named = headers["x-amz-target"] ?? headers["x-acs-action"];
  return typeof named === "string" ? named.replace(/^secretsmanager\./, "") : `${method} ${url.pathname}`;
}
