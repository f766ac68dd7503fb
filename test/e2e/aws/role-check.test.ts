import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, TerraformOutput } from "cdktf";
import { COMMAND_FILE } from "../../../src/node/command";
import { newStack } from "../../support/gateways";
import { MotoCloud, StackJson, startMoto, targetMoto } from "../../support/moto";
import { queryAws } from "../../support/moto/aws-request";
import { runnerOnMoto } from "../../support/runner";
import { SimulatedProviders } from "../../support/simulated-provider";
import { rewriteStack, simulate } from "../../support/stacks";
import { Terraform } from "../../support/terraform";
import { awsPluginDir } from "../../support/toolchain";
import { GatewayRole, LlmSecrets, ProvidersProps } from "cdktf-ai-gateway";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

const REGION = "eu-central-1";
const ROLE = `gateway-nodes-${REGION}`;
const BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess";

/** So many that the role has managed policies, too. */
const PROVIDERS: ProvidersProps = Object.fromEntries(
  Array.from({ length: 110 }, (_, index) => [
    `provider-of-a-long-name-${index}`,
    { kind: "openai-compatible", baseUrl: "https://llm.corp.example/v1", models: ["m"] },
  ]),
);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A role that the real provider made, read by the command in one file: each step needs the one before. */
describe("role check on AWS", () => {
  let cloud: MotoCloud;
  let runner: SimulatedProviders;
  let terraform: Terraform;
  let required: string;
  const folder = mkdtempSync(join(tmpdir(), "role-check-"));

  beforeAll(async () => {
    cloud = await startMoto();
    runner = await simulate("hashicorp/null");
    const app = new App({ outdir: join(folder, "cdktf.out") });
    const stack = newStack("aws", app);
    const platform = new AwsPlatform({ region: REGION });
    const secrets = new LlmSecrets(stack, "secrets", {
      platform,
      name: "gateway",
      providers: PROVIDERS,
      removal: "destroy",
      mintSecrets: "none",
    });
    const role = new GatewayRole(stack, "role", { platform, name: "gateway", secrets, permissionsBoundary: BOUNDARY });
    new TerraformOutput(stack, "required", { value: role.requiredPolicy() });
    app.synth();
    terraform = await Terraform.ofFolder(join(app.outdir, "stacks", "stack"), {
      pluginDir: awsPluginDir(),
      env: { ...runner.environment, ...runnerOnMoto(cloud) },
    });
    await rewriteStack(terraform, (text) => JSON.stringify(targetMoto(JSON.parse(text) as StackJson, cloud)));
    await terraform.init();
    await terraform.apply();
    required = (await terraform.outputs()).required as string;
  });
  afterAll(async () => {
    await terraform.dispose();
    await runner.stop();
    await cloud.stop();
    rmSync(folder, { recursive: true });
  });

  const iam = (action: string, parameters: Record<string, string>) => queryAws(cloud.signer("iam"), "2010-05-08", action, parameters);

  function check(
    words: readonly string[] = [ROLE],
    policy = required,
    environment: Record<string, string> = runnerOnMoto(cloud),
  ): Promise<Ended> {
    const file = join(folder, "required.json");
    writeFileSync(file, policy);
    const env = { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: "true", ...environment };
    return new Promise((ended) => {
      execFile(process.execPath, [COMMAND_FILE, "role", "check", ...words, "--policy", file], { env }, (error, stdout, stderr) =>
        ended({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  /** A part of what is needed: whoever has it has neither too much nor enough. */
  const part = (): object => {
    const [first] = (JSON.parse(required) as { Statement: { Resource: string[] }[] }).Statement;
    return { ...first, Resource: first!.Resource.slice(0, 1) };
  };

  it("finds that a role which was made has what it needs, over all of its policies, and tells of its boundary", async () => {
    expect(await check()).toEqual({
      code: 0,
      stderr: "",
      stdout: `bounded   by ${BOUNDARY}, which is not looked at\narn:aws:iam::${cloud.account}:role/${ROLE}: 0 missing, 0 too much\n`,
    });
  });

  it("finds what was added by hand, in whichever of many policies it is", async () => {
    const secret = `arn:aws:secretsmanager:${REGION}:${cloud.account}:secret:payroll/database-??????`;
    const Statement = [{ Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: secret }];
    // More than IAM lists on one page.
    for (let index = 0; index < 101; index += 1) {
      const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: index === 100 ? Statement : [part()] });
      await iam("PutRolePolicy", { RoleName: ROLE, PolicyName: `z-${String(index).padStart(3, "0")}`, PolicyDocument });
    }
    await iam("AttachRolePolicy", { RoleName: ROLE, PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
    const { code, stdout } = await check();
    expect(code).toBe(2);
    expect(stdout).toContain(`too much  secretsmanager:GetSecretValue on ${secret}\n`);
    expect(stdout).toContain("too much  * on *\n");
    await iam("DetachRolePolicy", { RoleName: ROLE, PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
    await iam("DeleteRolePolicy", { RoleName: ROLE, PolicyName: "z-100" });
  });

  it("finds what a newer version of a managed policy took away", async () => {
    const PolicyArn = `arn:aws:iam::${cloud.account}:policy/${ROLE}-2`;
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [part()] });
    await iam("CreatePolicyVersion", { PolicyArn, PolicyDocument, SetAsDefault: "true" });
    const { code, stdout } = await check([ROLE, "--json"]);
    const { role, boundary, missing, tooMuch } = JSON.parse(stdout) as Record<string, unknown>;
    expect({ code, role, boundary, tooMuch }).toEqual({
      code: 2,
      role: `arn:aws:iam::${cloud.account}:role/${ROLE}`,
      boundary: BOUNDARY,
      tooMuch: [],
    });
    expect(missing).toContainEqual(
      expect.stringMatching(/^secretsmanager:GetSecretValue on arn:.*:secret:gateway\/provider-of-a-long-name-\d+-\?{6}$/),
    );
  });

  it("reads a role below a path by its name", async () => {
    const Statement = [
      { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: ["ec2.amazonaws.com", "lambda.amazonaws.com"] } },
    ];
    const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await iam("CreateRole", { RoleName: "corp-llm-nodes", Path: "/corp/llm/", AssumeRolePolicyDocument });
    await iam("PutRolePolicy", { RoleName: "corp-llm-nodes", PolicyName: "all", PolicyDocument: required });
    const { code, stdout } = await check(["corp-llm-nodes"]);
    expect({ code, stdout }).toEqual({
      code: 2,
      stdout: `too much  trust in lambda.amazonaws.com\narn:aws:iam::${cloud.account}:role/corp/llm/corp-llm-nodes: 0 missing, 1 too much\n`,
    });
  });

  it("says what to do when there is no such role, it is another account's, nobody answers, or there are no credentials", async () => {
    const told = async (...given: Parameters<typeof check>): Promise<string> => {
      const { code, stderr } = await check(...given);
      expect(code).toBe(1);
      return stderr;
    };
    expect(await told(["nobody"])).toMatch(/^error: nobody: IAM answered NoSuchEntity\w*: there is no such role in the account/);
    expect(await told([ROLE], required.replaceAll(cloud.account, "999999999999"))).toContain(
      `these credentials are of the account ${cloud.account}, and what the policy is about lies in 999999999999`,
    );
    const nowhere = { ...runnerOnMoto(cloud), AWS_ENDPOINT_URL: "http://127.0.0.1:1" };
    expect(await told([ROLE], required, nowhere)).toContain("IAM answered ECONNREFUSED: nothing answers there");
    expect(await told([ROLE], required, { AWS_ENDPOINT_URL: cloud.endpoint })).toContain(
      "no good credentials; they are looked for where the AWS CLI",
    );
  });
});
