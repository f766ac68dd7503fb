import { createHash, randomBytes, randomUUID } from "node:crypto";
import { RULES } from "../../../src/cli/scan/rules";
import { matchesIn } from "../../../src/cli/scan/text-scanner";
import { ALPHANUMERIC, BASE64, HEX, LOWER, privateKey, random, secret, UPPER, webToken } from "./secrets";

const BASE32 = `${UPPER}234567`;

/** What each rule finds, the value in the place of `@`, and what only looks like it. */
const EXAMPLES: Readonly<Record<string, { readonly finds: readonly (readonly [string, string])[]; readonly misses: readonly string[] }>> = {
  "private-key": {
    finds: [
      ["@", privateKey()],
      ["@", privateKey("PRIVATE KEY")],
      ["@", privateKey("OPENSSH PRIVATE KEY")],
      ['{"key": "@"}', privateKey().replaceAll("\n", "\\n")],
      ["@", `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n${secret(64, BASE64)}`],
    ],
    misses: [
      `-----BEGIN PUBLIC KEY-----\n${secret(64, BASE64)}\n-----END PUBLIC KEY-----\n${secret(64)}`,
      `-----BEGIN CERTIFICATE-----\n${secret(64, BASE64)}`,
      `The file starts with -----BEGIN RSA PRIVATE KEY----- and it must stay on the machine that made it, whoever asks for it.`,
      `-----BEGIN RSA PRIVATE KEY-----\n${"x".repeat(64)}\n${"x".repeat(64)}\n`,
    ],
  },
  "anthropic-key": {
    finds: [["key @ given", `sk-ant-api03-${secret(93)}AA`]],
    misses: ["sk-ant-api03-your-key-goes-here-please", "sk-ant-" + "x".repeat(40), `task-sk-ant-${LOWER}`],
  },
  "openai-key": {
    finds: [
      ["@", `sk-proj-${secret(120)}`],
      ["@", `sk-svcacct-${secret(60)}`],
      ["OPENAI_API_KEY=@", `sk-${secret(20)}T3BlbkFJ${secret(20)}`],
    ],
    misses: ["sk-proj-<your key>", "sk-proj-of-the-research-department", `sk-proj-${"*".repeat(40)}`],
  },
  "dashscope-key": {
    finds: [["DASHSCOPE_API_KEY: @", `sk-${secret(32, HEX)}`]],
    misses: [`sk-${"0".repeat(32)}`, `disk-${secret(32, HEX)}`, `sk-${"xxxxxxxx".repeat(4)}`],
  },
  "gateway-key": {
    finds: [
      ["LITELLM_MASTER_KEY=@", `sk-${secret(48, HEX)}`],
      ["the key @.", `sk-${secret(22)}`],
    ],
    misses: [
      "sk-1234",
      "sk-key-of-the-research-agent-0000",
      `task-${secret(40)}`,
      `sk-${"1234567890".repeat(4)}`,
      "sk-learn-is-a-package-of-python",
    ],
  },
  "google-key": {
    finds: [["?key=@&x=1", `AIza${secret(35)}`]],
    misses: [`AIza${"x".repeat(35)}`, `AIza${secret(34)}`, `AIza${secret(36)}`],
  },
  "aws-access-key": {
    finds: [
      ["aws_access_key_id = @", `AKIA${secret(16, BASE32)}`],
      ["Credential=@/20261125/eu-central-1", `ASIA${secret(16, BASE32)}`],
    ],
    misses: ["AKIAIOSFODNN7EXAMPLE", `AKIA${"X".repeat(16)}`, `PAKIA${secret(16, BASE32)}`],
  },
  "aws-secret-key": {
    finds: [
      ["aws_secret_access_key = @", secret(40, BASE64)],
      ['"secretAccessKey": "@"', secret(40, BASE64)],
      [`AKIA${secret(16, BASE32)},@\n`, secret(40, BASE64)],
    ],
    misses: [
      `secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"`,
      `aws_secret_key = data.vault.commit ${createHash("sha1").digest("hex")}`,
      `sha1 of it ${secret(40)}`,
    ],
  },
  "alicloud-access-key": {
    finds: [
      ["access_key: @", `LTAI${secret(20)}`],
      ["id=@", `LTAI${secret(12)}`],
      ["@", `STS.N${secret(25)}`],
    ],
    misses: [`LTAI${"x".repeat(20)}`, "LTAI<id>", `BLTAI${secret(20)}`],
  },
  "alicloud-secret-key": {
    finds: [
      ["ALICLOUD_ACCESS_KEY_SECRET=@", secret(30)],
      ['{"AccessKeySecret":"@"}', secret(30)],
    ],
    misses: ["access_key_secret = var.access_key_secret_of_the_account", `access_key_secret = ${"x".repeat(30)}`],
  },
  "azure-key": {
    finds: [
      ['AZURE_OPENAI_API_KEY="@"', secret(32, HEX)],
      ["azure_api_key: @", secret(84)],
      ["Ocp-Apim-Subscription-Key: @", secret(32, HEX)],
    ],
    misses: [`azure_resource_id: ${secret(32, HEX)}`, `AZURE_API_KEY=${"0".repeat(32)}`, `md5: ${secret(32, HEX)}`],
  },
  "github-token": {
    finds: [
      ["https://x:@@github.com/a/b", `ghp_${secret(36)}`],
      ["GITHUB_TOKEN=@", `ghs_${secret(36)}`],
      ["@", `github_pat_${secret(22)}_${secret(59)}`],
    ],
    misses: ["ghp_" + "x".repeat(36), `ghp_${secret(20)}`, "github_pat_<token>", `high_${secret(36)}`],
  },
  "vault-token": {
    finds: [
      ["VAULT_TOKEN=@", `hvs.${secret(95)}`],
      ["X-Vault-Token: @", `s.${secret(24)}`],
    ],
    misses: ["hvs.your-token-of-vault-goes-in-here", `this.s.${secret(24)}`, "s.toLocaleLowerCaseOfNames", `s.${secret(24)}(x)`],
  },
  "slack-token": {
    finds: [
      ["@", `xoxb-${secret(12, "0123456789")}-${secret(24)}`],
      ["https://@", `hooks.slack.com/services/T${secret(9, BASE32)}/B${secret(9, BASE32)}/${secret(24)}`],
    ],
    misses: ["xoxb-your-token-of-slack-in-here", "hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"],
  },
  "dingtalk-robot": {
    finds: [
      ["https://oapi.dingtalk.com/robot/send?access_token=@", secret(64, HEX)],
      ["sign with SEC@", secret(64, HEX)],
    ],
    misses: [`robot/send?access_token=${"x".repeat(64)}`, `SEC-${secret(64, HEX)}`, `sha256:${secret(64, HEX)}`],
  },
  "json-web-token": {
    finds: [["id_token @", webToken()]],
    misses: [webToken().replace(/\.[^.]*$/, "."), "eyJhbGciOi...eyJzdWIi...signature-of-the-token"],
  },
  "url-password": {
    finds: [
      ["DATABASE_URL=postgresql://litellm:@@db.internal:5432/litellm", secret(20)],
      ["rediss://:@@redis:6379", secret(20)],
      ["url https://robot:@@example.org/x.git", secret(20)],
      ["mysql://root:@@10.0.0.1/x", "hunter22"],
    ],
    misses: [
      "postgresql://user:password@host/db",
      "postgresql://litellm:${var.db_password}@host/db",
      "postgresql://litellm:$DB_PASSWORD@host",
      "https://host:8443/path@v2",
      "postgres://user:<password-1>@host",
    ],
  },
  "random-password": {
    finds: [["bcrypt_hash: @", `$2a$10$${secret(53)}`]],
    misses: [`$2a$10$${secret(50)}`, `$1$${secret(53)}`],
  },
  authorization: {
    finds: [
      ["authorization: Bearer @", secret(40)],
      ["-H 'Authorization: Basic @'", Buffer.from(`admin:${secret(20)}`).toString("base64")],
    ],
    misses: [
      "Authorization: Bearer $TOKEN",
      "Authorization: Bearer <token>",
      "a bearer authenticationtokenofvault",
      "Bearer ${local.token_of_the_admin}",
    ],
  },
  "secret-option": {
    finds: [
      ["1234 ?  Ssl 0:01 /usr/bin/tool --api-key @ --port 4000", secret(32)],
      ["tool --db-password='@'", secret(16)],
    ],
    misses: ["tool --api-key $API_KEY", "tool --token your-token-of-the-tool", "tool --password-file /run/secrets/password1"],
  },
  "password-field": {
    finds: [
      ['password = "@"', "Sommer-2026!"],
      ["DB_PASSWORD=@", secret(24)],
      ['"master_password": {"value": "@"}', secret(24)],
      ['db_password: "@"', secret(16)],
    ],
    misses: [
      'password = "changeme"',
      'password = "${random_password.db.result}"',
      'password = "your-password-1"',
      'password: "<your password 1>"',
      "password = self.password_of(agent1)",
      'password = "os.environ/REDIS_PASSWORD"',
      'password = "(sensitive value)"',
      'password_file = "/run/secrets/password1"',
      'password_hash = "Sommer-2026!"',
    ],
  },
  "secret-field": {
    finds: [
      ['api_key = "@"', secret(32)],
      ['"client_secret": "@"', secret(40)],
      ["LITELLM_SALT_KEY=@", secret(32)],
      ['{\\"token\\": \\"@\\"}', secret(24)],
      ['- name: APP_TOKEN\n  value: "@"', secret(24)],
      ['{"name":"APP_SECRET","value":"@"}', secret(24)],
      ['"secret_string": "@"', secret(24)],
      ['"client_secret": {\n "value": "@"', secret(24)],
      ["secret: |\n    @\n", secret(32)],
      ["master_key: @", secret(64, HEX)],
      ['token: str = "@"', secret(24)],
    ],
    misses: [
      'secret = "prod-gateway/openai"',
      'secret_id = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod-gateway/openai-a1B2c3"',
      "arn:aws:secretsmanager:eu-central-1:123456789012:secret:MyTestDatabaseSecret-a1b2c3",
      `secret_version = "${randomUUID()}"`,
      `token = "${randomUUID()}"`,
      'api_key: "os.environ/AIGW_OPENAI_API_KEY"',
      'api_key: "${var.openai_api_key_2}"',
      "token = await session.getToken2(name)",
      `"integrity": "sha512-${randomBytes(64).toString("base64")}"`,
      `--hash=sha256:${randomBytes(32).toString("hex")}`,
      `"token": "${randomBytes(32).toString("hex")}"`,
      `"source_code_hash": "${randomBytes(32).toString("base64")}"`,
      `secret: "sha256:${randomBytes(32).toString("hex")}"`,
      'tokens: "1234567890123456"',
      "const secretKey = someVariableName123;",
    ],
  },
};

const found = (text: string) => matchesIn(text, RULES);

it("every rule has examples", () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual(RULES.map(({ id }) => id).sort());
});

describe.each(Object.entries(EXAMPLES))("%s", (id, { finds, misses }) => {
  it.each(finds.map(([template, value]) => [template, value]))("finds %j", (template, value) => {
    const [before = "", after = ""] = template.split(/@(.*)/s);
    const matches = found(before + value + after);
    expect(matches.map(({ rule }) => rule.id)).toContain(id);
    const { offset, length } = matches.find(({ rule }) => rule.id === id)!;
    expect(offset).toBeGreaterThanOrEqual(before.length);
    expect(offset + length).toBeGreaterThan(before.length + 7);
  });

  it.each(misses.map((text) => [text]))("does not find %j", (text) => {
    expect(found(text).map(({ rule }) => rule.id)).toEqual([]);
  });
});

it("finds nearly all that generators make, in quotes and without", () => {
  const shapes = [
    [22, ALPHANUMERIC],
    [32, ALPHANUMERIC],
    [32, HEX],
    [43, `${ALPHANUMERIC}-_`],
    [44, BASE64],
    [32, LOWER + "0123456789"],
  ] as const;
  const rates = shapes.flatMap(([length, alphabet]) =>
    ['api_key = "@"', "API_KEY=@\n"].map((template) => {
      const hits = Array.from({ length: 500 }, () => found(template.replace("@", () => random(length, alphabet)))).filter(
        ({ length: count }) => count > 0,
      );
      return hits.length / 500;
    }),
  );
  expect(Math.min(...rates)).toBeGreaterThan(0.8);
  expect(rates.reduce((sum, rate) => sum + rate, 0) / rates.length).toBeGreaterThan(0.93);
});
