/** A store refused, or did not answer. The message is one line of the secret's name, the store's code, and what to do; never a value. */
export class StoreError extends Error {
  constructor(
    secret: string,
    store: string,
    public readonly code: string,
    advice?: string,
  ) {
    super(`${secret}: ${store} answered ${code}${advice === undefined ? "" : `: ${advice}`}`);
  }

  /** Whether the caller may not do it. */
  public get isRefusal(): boolean {
    return /^(AccessDenied|NoPermission|HTTP 403$|Forbidden(\.(NoPermission|RAM|Unauthorized))?$)/.test(this.code);
  }
}

/** What a failure that is none of the store's own answers is called; its words may repeat what was sent. */
export function failureCode(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return ([code, name].find((word) => typeof word === "string" && /^[\w.-]{1,80}$/.test(word)) as string | undefined) ?? "an error";
}
