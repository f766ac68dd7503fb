import { Canaries } from "./canaries";

/** What people keep in the environment of a shell or of a pipeline in which they synthesize and apply. */
const VARIABLES = [
  "ANTHROPIC_API_KEY",
  "ARM_CLIENT_SECRET",
  "AZURE_OPENAI_API_KEY",
  "DASHSCOPE_API_KEY",
  "DATABASE_URL",
  "DEEPSEEK_API_KEY",
  "GITHUB_TOKEN",
  "LITELLM_MASTER_KEY",
  "LITELLM_SALT_KEY",
  "OPENAI_API_KEY",
  "PGPASSWORD",
  "REDIS_PASSWORD",
  "TF_TOKEN_app_terraform_io",
  "VAULT_TOKEN",
];

/** The credentials of a cloud that synthesis has no use for. */
const CREDENTIALS = ["ALICLOUD_SECRET_KEY", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/** An environment with a canary in each of these, and in a variable of Terraform for each secret. */
export function environmentOf(canaries: Canaries, phase: "synthesis" | "apply", secrets: readonly string[] = []): Record<string, string> {
  const names = [...VARIABLES, ...(phase === "synthesis" ? CREDENTIALS : []), ...secrets.map(variableOf)];
  return Object.fromEntries(names.map((name) => [name, canaries.passwordInto(`${phase}: ${name}`)]));
}

/** The variable of Terraform that a secret's value would come in by. */
export function variableOf(secret: string): string {
  return `TF_VAR_${secret.replace(/[^A-Za-z0-9]+/g, "_")}`;
}
