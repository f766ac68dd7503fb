import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { renderConfig } from "../../src/litellm/config-yaml";
import { gatewayModel } from "../../src/litellm/gateway-model";
import { EVERYTHING } from "../support/every-provider";
import { litellmPython } from "../support/toolchain";

it("the real LiteLLM takes the config whole", async () => {
  const model = gatewayModel(EVERYTHING);
  const { yaml, environment } = renderConfig(model, { bedrockRegion: "eu-central-1", redisTls: false });
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  writeFileSync(join(folder, "config.yaml"), yaml);
  const litellm = join(dirname(await litellmPython()), "litellm");
  const env = {
    PATH: process.env.PATH,
    LITELLM_LOCAL_MODEL_COST_MAP: "True",
    LITELLM_MASTER_KEY: `sk-${randomBytes(16).toString("hex")}`,
    DATABASE_URL: "postgresql://nobody@127.0.0.1/none",
    REDIS_HOST: "127.0.0.1",
    REDIS_PORT: "1",
    REDIS_PASSWORD: "none",
    ...Object.fromEntries(Object.keys(environment).map((name) => [name, "https://example.invalid/v1"])),
  };
  const { stdout, stderr } = await promisify(execFile)(litellm, ["--config", "config.yaml", "--validate_config"], { cwd: folder, env });
  rmSync(folder, { recursive: true });
  const names = model.providers.flatMap((provider) => provider.models.map(({ name }) => name));
  // LiteLLM counts the deployments behind an alias once more.
  const behindAliases = Object.values(model.aliases).flatMap((target) => names.filter((name) => name === target));
  expect(stdout + stderr).toContain(`config OK (${names.length + behindAliases.length} models)`);
  // A deployment that it can not make is left out with no more than a line in the log.
  expect(stdout + stderr).not.toMatch(/Error creating deployment|unknown (setting|key)|LLM Provider NOT provided/i);
});
