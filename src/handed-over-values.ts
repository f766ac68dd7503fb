/** What providers' keys, clouds' keys and tokens begin with, and enough behind it to be one. */
const VALUE = new RegExp(
  [
    /\b(sk|pk|rk|gsk|xai|nvapi)[-_][\w-]*[A-Za-z0-9]{16,}/,
    /\bAIza[\w-]{30,}/,
    /\b(AKIA|ASIA)[A-Z0-9]{16}\b/,
    /\bLTAI[A-Za-z0-9]{12,}/,
    /\b(gh[pousr]_|github_pat_|glpat-)\w{20,}/,
    /\bhv[sb]\.[\w-]{20,}/,
    /\bxox[abprs]-[\w-]{10,}/,
    /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\./,
    /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
    /:\/\/[^/\s:@${]+:[^/\s:@${]+@/,
  ]
    .map(({ source }) => source)
    .join("|"),
);

/**
 * The places below the props that hold what looks like a secret's value; the value itself is not told. Objects of classes
 * are not looked into.
 * @param prop the props' own name; "" for the props themselves
 */
export function handedOverValueProblems(prop: string, value: unknown): string[] {
  if (typeof value === "string") return VALUE.test(value) ? [`${prop}: ${ADVICE}`] : [];
  if (!isPlain(value)) return [];
  return Object.entries(value).flatMap(([key, content]) => {
    const path = Array.isArray(value) ? `${prop}[${key}]` : [prop, key].filter(Boolean).join(".");
    return VALUE.test(key) ? [`${prop || "props"}: the name of a prop ${ADVICE}`] : handedOverValueProblems(path, content);
  });
}

const ADVICE =
  "looks like a secret's value, which would be in all that is synthesized; take it out, revoke it, and put a new one into the store: cdktf-ai-gateway secrets put NAME";

function isPlain(value: unknown): value is object {
  return Array.isArray(value) || (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype);
}
