/** A call that can be sent as often as needed. */
export interface RepeatableCall {
  readonly url: string;
  readonly init: RequestInit;
}

/**
 * What `fetch` was given, as a call to the gateway and to nobody else. A body that can be read only once is read into memory.
 * @throws TypeError when the address is another one's, who would be sent the key
 */
export async function repeatableCall(gateway: URL, input: string | URL | Request, init: RequestInit = {}): Promise<RepeatableCall> {
  const isRequest = input instanceof Request;
  const url = new URL(isRequest ? input.url : input, gateway);
  if (url.origin !== gateway.origin) {
    throw new TypeError(`${url.origin} is not the gateway; the agent's key is sent to ${gateway.origin} only`);
  }
  const whole = isRequest || isReadOnce(init.body) ? await wholeOf(new Request(isRequest ? input : url, asked(init))) : init;
  // A gateway does not redirect; whoever does is not followed with the key.
  return { url: url.href, init: { ...whole, redirect: "manual" } };
}

async function wholeOf(request: Request): Promise<RequestInit> {
  const { method, headers, signal, body } = request;
  return { method, headers, signal, body: body === null ? undefined : await request.arrayBuffer() };
}

/** `fetch` wants to be told that a body is not to be answered before it has ended. */
function asked(init: RequestInit): RequestInit {
  return isReadOnce(init.body) ? { ...init, duplex: "half" } : init;
}

function isReadOnce(body: RequestInit["body"]): boolean {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}
