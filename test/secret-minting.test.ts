import { CLOUDS, CloudName, gatewayIn } from "./support/gateways";
import { AiGatewayProps } from "cdktf-ai-gateway";
import { resourcesOfType, synthesized } from "cdktf-ai-gateway/testing";

interface Run {
  readonly depends_on?: readonly string[];
  readonly triggers: Readonly<Record<string, string>>;
  readonly provisioner: readonly {
    readonly "local-exec": { readonly interpreter: string[]; readonly command: string; readonly environment: Record<string, string> };
  }[];
}

function runs(cloud: CloudName, props: Partial<AiGatewayProps> = {}): Run[] {
  return resourcesOfType(synthesized(gatewayIn(cloud, props).stack), "null_resource") as unknown as Run[];
}

const NAMES = Object.keys(CLOUDS) as CloudName[];

describe.each(NAMES)("the gateway's own values on %s", (cloud) => {
  it("are minted at apply, by the command that the stack carries", () => {
    const [run, ...others] = runs(cloud);
    expect(others).toEqual([]);
    const { interpreter, command, environment } = run!.provisioner[0]!["local-exec"];
    expect(interpreter).toEqual([
      "node",
      expect.stringMatching(/^assets\/ai-gateway-command\/[0-9a-f]{64}\/bundled\.js$/),
      "secrets",
      "ensure",
      "--encryption-key",
      expect.stringMatching(/^\$\{(aws|alicloud)_kms_key\./),
    ]);
    expect(command).toBe("--allow-missing");
    expect(environment).toEqual({ AIGW_SECRETS: expect.stringMatching(/^\$\{local\.\w+_Document_[0-9A-F]{8}\}$/) as string });
    expect(run!.triggers).toEqual({ document: `\${sha256(${environment.AIGW_SECRETS!.slice(2, -1)})}` });
  });

  it("are minted where the secrets are, and before a key is made with them", () => {
    const agents = { agents: { "an-agent": { qpm: 1 } }, adminFrom: ["10.0.9.0/24"], provisioning: "runner" as const };
    const all = runs(cloud, agents);
    const [key, minted] = ["agent", "document"].map((trigger) => all.find(({ triggers }) => trigger in triggers));
    expect(key!.depends_on!.join()).toMatch(/null_resource\.gateway_Secrets_Minted/);
    const declared = (minted!.depends_on ?? []).filter((address) => address.startsWith("aws_secretsmanager_secret."));
    expect(declared).toHaveLength(cloud === "aws" ? 6 : 0);
  });

  it("are left to who runs the command by hand", () => {
    expect(runs(cloud, { mintSecrets: "none" })).toEqual([]);
  });

  it("a word that is none of both is refused", () => {
    expect(() => gatewayIn(cloud, { mintSecrets: "node" as "none" })).toThrow(/mintSecrets: "node" is not/);
  });
});
