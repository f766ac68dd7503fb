/** A request, in words for a test's title. */
export type Asked<Request> = Request & { readonly what: string };

/** What was answered to each request, by its words. */
export async function answers<Request>(
  requests: readonly Asked<Request>[],
  allows: (request: Request) => boolean | Promise<boolean>,
): Promise<Record<string, boolean>> {
  return Object.fromEntries(
    await Promise.all(requests.map(async (request): Promise<[string, boolean]> => [request.what, await allows(request)])),
  );
}

/** The same answer to all of the requests. */
export function all<Request>(requests: readonly Asked<Request>[], answer: boolean): Record<string, boolean> {
  return Object.fromEntries(requests.map(({ what }) => [what, answer]));
}
