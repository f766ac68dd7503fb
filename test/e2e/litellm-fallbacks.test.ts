import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parse } from "yaml";
import { renderConfig } from "../../src/litellm/config-yaml";
import { gatewayModel } from "../../src/litellm/gateway-model";
import { litellmPython } from "../support/toolchain";

it("LiteLLM's own router falls back as the props say: through the list, then to the general one, under an alias too", async () => {
  const model = gatewayModel({
    providers: { openai: { models: ["a", "b", "c", "d"] } },
    aliases: { x: "a" },
    routing: { fallbackModel: "c", fallbacks: { a: ["b"] } },
  });
  const config = parse(renderConfig(model, { bedrockRegion: "eu-central-1", redisTls: true }).yaml) as object;
  const answers = async (failing: string[], calls: string[]): Promise<unknown> => {
    const { stdout, stderr } = spawnSync(await litellmPython(), [join(__dirname, "..", "support", "answering_models.py")], {
      input: JSON.stringify({ config, failing, calls }),
      encoding: "utf8",
      env: { PATH: process.env.PATH, LITELLM_LOCAL_MODEL_COST_MAP: "True", PYTHONDONTWRITEBYTECODE: "1" },
    });
    const answered = /^ANSWERS (.*)$/m.exec(stdout)?.[1];
    if (answered === undefined) throw new Error(stderr);
    return JSON.parse(answered);
  };
  expect(await answers(["a"], ["a", "x", "d"])).toEqual(["b", "b", "d"]);
  expect(await answers(["a", "b", "d"], ["a", "x", "d"])).toEqual(["c", "c", "c"]);
});
