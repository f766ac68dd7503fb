import { App } from "cdktf";
import { minimalProps, newStack } from "../gateways";
import { all, answers, type Asked } from "./answers";
import { type AppliedResource, type AppliedStack, onlyOf } from "./applied-stack";
import { AWS_PLACE } from "./aws-proof";
import { viaSecretsManager } from "./aws-requests";
import { iamAllows, type IamRequest, type IamRole } from "./iam";
import { administratorPolicy } from "./policy-document";
import { iamPoliciesOf } from "./role-policies";
import { aboutValue } from "./secret-requests";
import { AiGateway, type AiGatewayProps, ReaderRole } from "cdktf-ai-gateway";
import { AwsPlatform } from "cdktf-ai-gateway/aws";

const { account, region } = AWS_PLACE;
const ADMINISTRATOR = `arn:aws:iam::${account}:role/apply`;

/** The role of an agent's machine, as somebody else made it. */
export const AGENT_ROLE = { roleName: "research-box", rolePath: "/corp/" } as const;

/** A stack with a gateway whose secrets only those who are named may read: two agents, one of them with a role that was granted its key. */
export function gatewayWithAgents(app: App, props: Partial<AiGatewayProps> = {}): void {
  const stack = newStack("aws", app);
  const platform = new AwsPlatform({ region, secrets: { administrators: [ADMINISTRATOR] } });
  const agents = { "research-agent": { qpm: 1 }, "support-agent": { qpm: 1 } };
  const gateway = new AiGateway(stack, "gateway", { ...minimalProps("aws"), platform, agents, ...props });
  gateway.agents.grantKeyRead("research-agent", ReaderRole.fromRoleName(stack, "box", { platform, ...AGENT_ROLE }));
}

/** Tests that an agent's role may read the agent's key and nothing else of the gateway's. */
export function keepsAgentsApart(applied: () => Promise<AppliedStack>): void {
  let role: IamRole;
  let secrets: readonly AppliedResource[];
  let resources: AppliedStack;

  beforeAll(() => {
    role = { arn: `arn:aws:iam::${account}:role${AGENT_ROLE.rolePath}${AGENT_ROLE.roleName}`, account, policies: [] };
  });

  it("gives an agent's role a policy, and each secret one of its own", async () => {
    resources = await applied();
    role = { ...role, policies: iamPoliciesOf(resources, AGENT_ROLE.roleName) };
    secrets = resources.all("aws_secretsmanager_secret");
    expect(role.policies).toHaveLength(1);
    expect(resources.all("aws_secretsmanager_secret_policy")).toHaveLength(secrets.length);
    expect(secrets.map((secret) => secret.text("name"))).toEqual(
      expect.arrayContaining(["gateway/agents/research-agent", "gateway/agents/support-agent", "gateway/master-key", "gateway/openai"]),
    );
  });

  it("lets it read the agent's key", async () => {
    const key = onlyOf(resources, "aws_kms_key");
    const decrypt = {
      what: "decrypt by way of the store",
      action: "kms:Decrypt",
      resource: key.text("arn"),
      resourcePolicy: key.policy("policy"),
    };
    await expectAnswers(role, [read(own()), { ...decrypt, context: viaSecretsManager(region) }], true);
    await expectAnswers(role, [{ ...decrypt, what: "decrypt outside the store" }], false);
  });

  it("lets it read or change nothing else", async () => {
    await expectAnswers(role, [...others().map(read), ...aboutValue(guarded(own())).slice(1), ...elsewhere()], false);
  });

  it("lets it read no other secret even where IAM allows it everything", async () => {
    const mighty = { ...role, policies: [administratorPolicy("2012-10-17")] };
    await expectAnswers(mighty, others().map(read), false);
    await expectAnswers(mighty, [read(own()), ...elsewhere()], true);
  });

  const own = (): AppliedResource => secrets.find((secret) => secret.text("name") === "gateway/agents/research-agent")!;
  const others = (): AppliedResource[] => secrets.filter((secret) => secret !== own());

  function guarded(secret: AppliedResource) {
    const arn = secret.text("arn");
    const policy = resources.all("aws_secretsmanager_secret_policy").find((one) => one.text("secret_arn") === arn)!;
    return { arn, resourcePolicy: policy.policy("policy") };
  }

  function read(secret: AppliedResource): Asked<IamRequest> {
    return { ...aboutValue(guarded(secret))[0]!, what: `read ${secret.text("name")}` };
  }
}

function elsewhere(): Asked<IamRequest>[] {
  const bucket = `arn:aws:s3:::gateway-bundles-${account}-${region}`;
  return [
    { what: "list secrets", action: "secretsmanager:ListSecrets", resource: "*" },
    { what: "get the bundle", action: "s3:GetObject", resource: `${bucket}/bundles/0a.tar` },
    {
      what: "write to the log",
      action: "logs:PutLogEvents",
      resource: `arn:aws:logs:${region}:${account}:log-group:/cdktf-ai-gateway/gateway:log-stream:i-1`,
    },
    { what: "take another role", action: "sts:AssumeRole", resource: `arn:aws:iam::${account}:role/admin` },
  ];
}

async function expectAnswers(role: IamRole, requests: readonly Asked<IamRequest>[], answer: boolean): Promise<void> {
  expect(await answers(requests, (request) => iamAllows(role, request))).toEqual(all(requests, answer));
}
