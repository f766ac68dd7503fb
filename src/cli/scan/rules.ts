import { isStandIn, looksChosen, looksRandom, looksReal } from "./real-looking";

/** One kind of secret, and how it is told from what only looks like it. */
export interface Rule {
  /** Its name in reports and in the allow file. */
  readonly id: string;
  readonly description: string;
  /**
   * Global. The value is the named group `value`, `quoted` or `bare`, else all that matched. No match is longer than
   * 8,000 characters, so that none is cut where a file is read in pieces.
   */
  readonly pattern: RegExp;
  /** Without one of these texts there is no match; looking for them is much cheaper than the pattern. */
  readonly hints?: readonly string[];
  /** Whether the value is a secret indeed; all are, if not given. */
  readonly accepts?: (value: Found) => boolean;
  /** True: neither a line nor an allow file can excuse it. */
  readonly never?: boolean;
}

/** What a pattern found. */
export interface Found {
  readonly value: string;
  /** The value with its name, as it stands. */
  readonly whole: string;
  /** True when the value stood in quotes; source code has unquoted names where a file of settings has values. */
  readonly isQuoted: boolean;
}

const START = "(?<![A-Za-z0-9_-])";
const END = "(?![A-Za-z0-9_-])";

/** A quote, escaped as often as the JSON is inside of other JSON. */
const QUOTE = "(?:\\\\*[\"'`])?";
const ASSIGNS = "[ \\t]*(?::[ \\t]*\\w{1,20}[ \\t]*=|:=|=>|[:=])[ \\t]*";
const BLOCK = "(?:(?:<<[-~]?\\w+|[|>][+-]?)[ \\t]*\\r?\\n[ \\t]*)?";
/** `{ "value": …` as in plans and states, `name: X, value: …` as in containers' environments. */
const VALUE_FIELD = `\\s*${QUOTE}(?:value|default|Value)${QUOTE}${ASSIGNS}`;
const GIVES = `${QUOTE}(?:${ASSIGNS}${BLOCK}(?:\\{(?:\\s*${QUOTE}sensitive${QUOTE}:\\s*true\\s*,)?${VALUE_FIELD})?|\\s*,?${VALUE_FIELD})`;
const QUOTED = "\\\\*[\"'`](?<quoted>(?:[^\\s\"'`\\\\]|\\\\+u00[0-9a-f]{2}|\\\\+/){8,512})(?=\\\\*[\"'`])";
const BARE = "(?<bare>[A-Za-z0-9+/=_.~!@#$%^&*?-]{8,512})(?=[\\s\"'`\\\\,;)}\\]&<]|$)";
const VALUE = `(?:${QUOTED}|${BARE})`;

const PASSWORD = "(?:passw(?:or)?d|passphrase|pwd)";
const A_PASSWORD = new RegExp(`^${PASSWORD}`, "i");
const KEY_KINDS =
  "api|access|private|secret|master|salt|encryption|signing|subscription|account|auth|shared|openai|azure|anthropic|dashscope";
const SECRET = `(?:(?:${KEY_KINDS})[_-]?key(?:[_-]?secret)?|secret|token|credentials?)`;
const SUFFIX = "(?:[_-]?(?:value|string|data|text|plain|wo|base64|b64))?\\d{0,2}";

/** LiteLLM writes the sha256 of a key under these names. */
const LITELLM_HASH = /^(?:token|api_?key)\W*[0-9a-f]{64}\W*$/i;

const behindPrefix = (prefix: RegExp) => (found: Found) => looksReal(found.value.replace(prefix, ""));
const random = ({ value, isQuoted }: Found): boolean => value.length >= 16 && (isQuoted ? looksRandom(value) : looksRandom(value, 3.2));
const real = ({ value }: Found): boolean => looksReal(value);

/** What the scan looks for. Of several that match one place the first one is told. */
export const RULES: readonly Rule[] = [
  {
    id: "private-key",
    description: "a private key in PEM",
    pattern: /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?<value>[^]{64,400})/g,
    hints: ["PRIVATE KEY"],
    accepts: ({ value }) => (value.match(/[A-Za-z0-9+/=]{40,}/g) ?? []).some(looksReal),
  },
  {
    id: "anthropic-key",
    description: "a key of Anthropic's API",
    pattern: new RegExp(`${START}sk-ant-[A-Za-z0-9_-]{20,200}`, "g"),
    hints: ["sk-ant-"],
    accepts: ({ value }) => looksRandom(value.slice("sk-ant-".length)),
  },
  {
    id: "openai-key",
    description: "a key of OpenAI's API, of a project, a service account or a user",
    pattern: new RegExp(
      `${START}sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,300}|[A-Za-z0-9_-]{16,100}T3BlbkFJ[A-Za-z0-9_-]{16,100})`,
      "g",
    ),
    hints: ["sk-"],
    accepts: ({ value }) => looksRandom(value.slice("sk-".length)),
  },
  {
    id: "dashscope-key",
    description: "a key of DashScope's or DeepSeek's API",
    pattern: new RegExp(`${START}sk-[0-9a-f]{32}${END}`, "g"),
    hints: ["sk-"],
    accepts: behindPrefix(/^sk-/),
  },
  {
    id: "gateway-key",
    description: "a key that starts with sk-: LiteLLM's master or virtual key, Moonshot, an older OpenAI key",
    pattern: new RegExp(`${START}sk-[A-Za-z0-9_-]{20,200}`, "g"),
    hints: ["sk-"],
    accepts: ({ value }) => looksRandom(value.slice("sk-".length)),
  },
  {
    id: "google-key",
    description: "a key of Google's APIs",
    pattern: new RegExp(`${START}AIza[A-Za-z0-9_-]{35}${END}`, "g"),
    hints: ["AIza"],
    accepts: behindPrefix(/^AIza/),
  },
  {
    id: "aws-access-key",
    description: "the id of an AWS access key, long-lived (AKIA) or of a session (ASIA)",
    pattern: /(?<![A-Za-z0-9+])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9+])/g,
    hints: ["AKIA", "ASIA"],
    accepts: behindPrefix(/^A[KS]IA/),
  },
  {
    id: "aws-secret-key",
    description: "an AWS secret access key, under its name or within a few words of an access key's id",
    pattern:
      /(?:secret_?access_?key|aws_?secret(?:_?key)?|(?:AKIA|ASIA)[A-Z2-7]{16})[^A-Za-z0-9+/][^]{0,80}?(?<![A-Za-z0-9+/])(?<value>[A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])/gi,
    accepts: ({ value }) => !/^[0-9a-f]{40}$/.test(value) && looksRandom(value),
  },
  {
    id: "alicloud-access-key",
    description: "the id of an Alibaba Cloud access key, long-lived (LTAI) or of a session (STS)",
    pattern: /(?<![A-Za-z0-9_-])(?:LTAI[A-Za-z0-9]{12,26}|STS\.N[A-Za-z0-9]{20,30})(?![A-Za-z0-9_-])/g,
    hints: ["LTAI", "STS.N"],
    accepts: behindPrefix(/^(?:LTAI|STS\.N)/),
  },
  {
    id: "alicloud-secret-key",
    description: "an Alibaba Cloud access key's secret, under its name or within a few words of the id",
    pattern:
      /(?:access_?key_?secret|LTAI[A-Za-z0-9]{12,26})[^A-Za-z0-9][^]{0,80}?(?<![A-Za-z0-9])(?<value>[A-Za-z0-9]{30})(?![A-Za-z0-9])/gi,
    accepts: ({ value }) => looksRandom(value),
  },
  {
    id: "azure-key",
    description: "a key of an Azure AI resource (32 hexadecimal digits, or 84 characters), under a key's name",
    pattern: new RegExp(
      `(?:azure|cognitive|openai|subscription|api)[\\w.-]{0,40}key${SUFFIX}${GIVES}${QUOTE}(?<value>[0-9a-fA-F]{32}|[A-Za-z0-9]{84})(?![A-Za-z0-9])`,
      "gi",
    ),
    accepts: real,
  },
  {
    id: "github-token",
    description: "a token of GitHub",
    pattern: new RegExp(`${START}(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})${END}`, "g"),
    hints: ["gh", "github_pat_"],
    accepts: behindPrefix(/^(?:gh[pousr]|github_pat)_/),
  },
  {
    id: "vault-token",
    description: "a token of HashiCorp Vault",
    pattern: /(?<![\w.-])(?:hv[sbr]\.[A-Za-z0-9_-]{24,300}|s\.[A-Za-z0-9]{24})(?![\w.(-])/g,
    hints: ["hvs.", "hvb.", "hvr.", "s."],
    accepts: ({ value }) => looksRandom(value.slice(value.indexOf(".") + 1)),
  },
  {
    id: "slack-token",
    description: "a token or an incoming webhook of Slack",
    pattern:
      /(?<![\w-])(?:xox[abeoprs]-[A-Za-z0-9-]{20,200}|xapp-\d-[A-Za-z0-9-]{20,200}|hooks\.slack\.com\/(?:services|workflows)\/[A-Z0-9]{8,14}\/[A-Z0-9]{8,14}\/[A-Za-z0-9]{20,40})/g,
    hints: ["xox", "xapp-", "hooks.slack.com"],
    accepts: real,
  },
  {
    id: "dingtalk-robot",
    description: "the access token of a DingTalk robot, or its signing secret",
    pattern: /(?:access_token(?:=|%3D)|(?<![A-Za-z0-9])SEC)(?<value>[0-9a-f]{64})(?![A-Za-z0-9])/g,
    hints: ["access_token", "SEC"],
    accepts: real,
  },
  {
    id: "json-web-token",
    description: "a JSON web token with its signature",
    pattern: /(?<![\w-])eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.(?<value>[\w-]{20,1000})/g,
    hints: ["eyJ"],
    accepts: ({ value }) => looksRandom(value),
  },
  {
    id: "url-password",
    description: "a password in the URL of a database or another server",
    pattern: /[a-z][a-z0-9+.]{2,20}:\/\/[^\s:@/"'`\\<>]{0,100}:(?<value>[^\s@/"'`\\]{6,200})@[A-Za-z0-9[]/gi,
    hints: ["://"],
    accepts: ({ value, whole }) => !isStandIn(value) && isGuarded(value) && !whole.includes(`//${value}:`),
  },
  {
    id: "random-password",
    description: "the hash that the state of a random_password holds beside its value",
    pattern: /(?<![\w$])\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}(?![./A-Za-z0-9])/g,
    hints: ["$2a$", "$2b$", "$2y$"],
    accepts: real,
  },
  {
    id: "authorization",
    description: "an Authorization header's value: Bearer, or Basic with a name and a password",
    pattern: /(?:Bearer|Basic)(?: |%20|\+)+(?<value>[A-Za-z0-9._~+/-]{20,2000}=*)/gi,
    accepts: ({ value, whole }) => looksRandom(value, 3.2) && (/^bearer/i.test(whole) || isNameAndPassword(value)),
  },
  {
    id: "secret-option",
    description: "a secret as an option of a command line, as a list of processes shows it",
    pattern: new RegExp(`(?<=--[\\w-]{0,40})(?:${PASSWORD}|${SECRET})[ =]${VALUE}`, "gi"),
    hints: ["--"],
    accepts: (found) => random(found) || (isPasswords(found) && looksChosen(found.value)),
  },
  {
    id: "password-field",
    description: "a password in a field or a variable",
    pattern: new RegExp(`${PASSWORD}${SUFFIX}${GIVES}${VALUE}`, "gi"),
    accepts: (found) => random(found) || (looksChosen(found.value) && (found.isQuoted || looksRandom(found.value))),
  },
  {
    id: "secret-field",
    description: "a random value in a field or a variable that is named like a secret: secret, token, api_key, master_key",
    // Not where an ARN says what it names: `…:secret:NAME`.
    pattern: new RegExp(`(?<!:)${SECRET}${SUFFIX}${GIVES}${VALUE}`, "gi"),
    accepts: (found) => random(found) && !LITELLM_HASH.test(found.whole),
  },
];

/** A password without a digit is mostly the word "password" or a name. */
function isGuarded(inUrl: string): boolean {
  return /\d/.test(inUrl.replace(/%[0-9A-F]{2}/gi, "")) && !/[{}|]/.test(inUrl);
}

function isPasswords({ whole }: Found): boolean {
  return A_PASSWORD.test(whole);
}

function isNameAndPassword(base64: string): boolean {
  return /^[\x20-\x7e]+:[\x20-\x7e]+$/.test(Buffer.from(base64, "base64").toString("latin1"));
}
