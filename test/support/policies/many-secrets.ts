import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { newStack } from "../gateways";
import { MotoCloud, StackJson, startMoto, targetMoto } from "../moto";
import { runnerOnMoto } from "../runner";
import { SimulatedProviders } from "../simulated-provider";
import { rewriteStack, simulate } from "../stacks";
import { Terraform } from "../terraform";
import { awsPluginDir } from "../toolchain";
import { all, answers, type Asked } from "./answers";
import { type AppliedStack } from "./applied-stack";
import { AWS_PLACE } from "./aws-proof";
import { iamAllows, type IamRequest, type IamRole } from "./iam";
import { administratorPolicy, type PolicyDocument } from "./policy-document";
import { iamPoliciesOf } from "./role-policies";
import { aboutValue, type GuardedSecret, notAboutValue } from "./secret-requests";
import { StateStack } from "./state-stack";
import { GatewayRole, LlmSecrets, ProvidersProps } from "cdktf-ai-gateway";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

const OWN = ["master-key", "salt-key"];
const NAME = "gateway";
const { account, region } = AWS_PLACE;
const roleArn = (name: string) => `arn:aws:iam::${account}:role/${name}`;
const ADMINISTRATOR = roleArn("platform/apply");

/** So many providers with a key of their own. */
function providers(count: number): ProvidersProps {
  const one = { kind: "openai-compatible", baseUrl: "https://llm.corp.example/v1", models: ["m"] } as const;
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`provider-of-a-long-name-${index}`, one]));
}

/** How many secrets, and at least how many managed policies their nodes' role needs for them. */
export interface ManySecrets {
  readonly count: number;
  readonly managed: number;
}

/** With the real provider and moto: each step needs the one before. */
export function describeManySecrets({ count, managed: least }: ManySecrets): void {
  describe(`a gateway of ${count} secrets, whose policies name administrators`, () => {
    let cloud: MotoCloud;
    let runner: SimulatedProviders;
    let terraform: Terraform;
    let applied: AppliedStack;

    beforeAll(async () => {
      cloud = await startMoto();
      runner = await simulate("hashicorp/null");
      const app = new App({ outdir: mkdtempSync(join(tmpdir(), "many-")) });
      const stack = newStack("aws", app);
      const platform = new AwsPlatform({ region, secrets: { administrators: [ADMINISTRATOR] } });
      const secrets = new LlmSecrets(stack, "secrets", {
        platform,
        name: NAME,
        providers: providers(count),
        removal: "destroy",
        mintSecrets: "none",
      });
      new GatewayRole(stack, "role", { platform, name: NAME, secrets });
      new GatewayRole(stack, "reader", { platform, name: "reader", secrets });
      app.synth();
      terraform = await Terraform.ofFolder(join(app.outdir, "stacks", "stack"), {
        pluginDir: awsPluginDir(),
        env: { ...runner.environment, ...runnerOnMoto(cloud) },
      });
      rmSync(app.outdir, { recursive: true });
      await rewriteStack(terraform, (text) => JSON.stringify(targetMoto(JSON.parse(text) as StackJson, cloud)));
      await terraform.init();
    });
    afterAll(async () => {
      await terraform.dispose();
      await runner.stop();
      await cloud.stop();
    });

    function nodes(name = NAME): IamRole {
      const role = `${name}-nodes-${region}`;
      return { arn: roleArn(role), account, policies: iamPoliciesOf(applied, role) };
    }

    function guarded(): GuardedSecret[] {
      const policies = new Map(
        applied.all("aws_secretsmanager_secret_policy").map((one) => [one.text("secret_arn"), one.policy("policy")]),
      );
      return applied.all("aws_secretsmanager_secret").map((secret) => {
        const arn = secret.text("arn");
        return { arn, resourcePolicy: policies.get(arn)! };
      });
    }

    it("applies", async () => {
      await terraform.apply();
      applied = new StateStack(await terraform.state());
      expect(guarded()).toHaveLength(count + OWN.length);
      expect(applied.all("aws_secretsmanager_secret_policy")).toHaveLength(count + OWN.length);
    });

    it("has policies of lengths that IAM takes, by the values that they really have", () => {
      const [inline, ...managed] = nodes().policies.map(lengthOf);
      expect(inline).toBeLessThanOrEqual(10_240);
      expect(managed.length).toBeGreaterThanOrEqual(least);
      expect(managed.length).toBeLessThanOrEqual(10);
      expect(managed.filter((length) => length > 6144)).toEqual([]);
    });

    it("lets its nodes, and who else was granted it, read each secret and no other", async () => {
      const other: Asked<IamRequest> = {
        what: "another",
        action: "secretsmanager:GetSecretValue",
        resource: `arn:aws:secretsmanager:${region}:${account}:secret:${NAME}/another-a1B2c3`,
      };
      const reads = guarded().map((secret) => ({ ...aboutValue(secret)[0]!, what: secret.arn }));
      for (const role of [nodes(), nodes("reader")]) {
        expect(await answers(reads, (request) => iamAllows(role, request))).toEqual(all(reads, true));
        expect(await iamAllows(role, other)).toBe(false);
      }
    });

    it("lets nobody else touch a value, whatever IAM allows them, and everybody mend the policy", async () => {
      const [secret] = guarded();
      const mighty = (name: string): IamRole => ({ arn: roleArn(name), account, policies: [administratorPolicy("2012-10-17")] });
      const told = (role: IamRole, requests: readonly Asked<IamRequest>[]) => answers(requests, (request) => iamAllows(role, request));
      for (const name of ["admin", "apply", "platform/apply-2", `other/${NAME}-nodes-${region}`]) {
        expect([name, await told(mighty(name), aboutValue(secret!))]).toEqual([name, all(aboutValue(secret!), false)]);
        expect([name, await told(mighty(name), notAboutValue(secret!))]).toEqual([name, all(notAboutValue(secret!), true)]);
      }
      const administrator = mighty("platform/apply");
      expect(await told(administrator, aboutValue(secret!))).toEqual(all(aboutValue(secret!), true));
      const [get, ...others] = aboutValue(secret!);
      expect(await told(nodes(), [get!])).toEqual(all([get!], true));
      expect(await told(nodes(), others)).toEqual(all(others, false));
    });
  });
}

/** IAM counts no white space; Terraform's JSON has none. */
function lengthOf(policy: PolicyDocument): number {
  return JSON.stringify(policy).length;
}
