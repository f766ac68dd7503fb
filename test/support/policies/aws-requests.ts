import type { Asked } from "./answers";
import type { IamRequest } from "./iam";
import type { PolicyDocument } from "./policy-document";

/** What there is of a gateway on AWS, written down apart from what makes it. */
export interface AwsGateway {
  readonly region: string;
  readonly account: string;
  readonly name: string;
  readonly secrets: readonly string[];
  readonly key: string;
  readonly keyPolicy: PolicyDocument;
  readonly group: string;
  /** Inference profiles of Bedrock, and the models behind. */
  readonly profiles: readonly { readonly id: string; readonly model: string }[];
}

/** What the nodes must be able to do. */
export function allowedOnAws(gateway: AwsGateway): Asked<IamRequest>[] {
  const { region, account, name, secrets, key, keyPolicy: resourcePolicy, group, profiles } = gateway;
  const objects = bucketOf(gateway);
  const logs = `arn:aws:logs:${region}:${account}:log-group:/cdktf-ai-gateway/${name}`;
  return [
    ...secrets.map((secret) => ({ what: `read ${secret}`, action: "secretsmanager:GetSecretValue", resource: secretArn(gateway, secret) })),
    ...secrets.map((secret) => ({
      what: `look at ${secret}`,
      action: "secretsmanager:DescribeSecret",
      resource: secretArn(gateway, secret),
    })),
    { what: "decrypt by way of the store", action: "kms:Decrypt", resource: key, resourcePolicy, context: viaSecretsManager(region) },
    { what: "get its bundle", action: "s3:GetObject", resource: `${objects}/bundles/0a.tar` },
    { what: "get its settings", action: "s3:GetObject", resource: `${objects}/settings/0a.json` },
    { what: "open a log stream", action: "logs:CreateLogStream", resource: `${logs}:log-stream:i-1` },
    { what: "write to its log", action: "logs:PutLogEvents", resource: `${logs}:log-stream:i-1` },
    { what: "find its log stream", action: "logs:DescribeLogStreams", resource: logs },
    { what: "complete its group's launch", action: "autoscaling:CompleteLifecycleAction", resource: group },
    ...profiles.flatMap((profile) => {
      const arn = profileArn(gateway, profile.id);
      const behind = { action: "bedrock:InvokeModel", context: { "bedrock:InferenceProfileArn": arn } };
      return [
        { what: `call ${profile.id}`, action: "bedrock:InvokeModel", resource: arn },
        { what: `stream ${profile.id}`, action: "bedrock:InvokeModelWithResponseStream", resource: arn },
        { what: `the model behind ${profile.id} here`, resource: modelArn(region, profile.model), ...behind },
        { what: `the model behind ${profile.id} in another region`, resource: modelArn("eu-north-1", profile.model), ...behind },
      ];
    }),
  ];
}

/** What the nodes must be able to do where they make the agents' keys, and may not where others do. */
export function provisioningOnAws(gateway: AwsGateway): Asked<IamRequest>[] {
  const { region, name, key, keyPolicy: resourcePolicy } = gateway;
  const secret = secretArn(gateway, `${name}/agents/research-agent`);
  return [
    { what: "read what is desired of the agents", action: "s3:GetObject", resource: `${bucketOf(gateway)}/agents/desired.json` },
    ...["GetSecretValue", "DescribeSecret", "PutSecretValue"].map((action) => ({
      what: `${action} of an agent's key`,
      action: `secretsmanager:${action}`,
      resource: secret,
    })),
    {
      what: "encrypt by way of the store",
      action: "kms:GenerateDataKey",
      resource: key,
      resourcePolicy,
      context: viaSecretsManager(region),
    },
  ];
}

/** What nodes that make the agents' keys may do no more than others. */
export function refusedToProvisionOnAws(gateway: AwsGateway): Asked<IamRequest>[] {
  const { name, key, keyPolicy: resourcePolicy } = gateway;
  const [put, agent] = ["secretsmanager:PutSecretValue", secretArn(gateway, `${name}/agents/research-agent`)];
  return [
    { what: "write the master key", action: put, resource: secretArn(gateway, `${name}/master-key`) },
    { what: "write a secret beside the agents'", action: put, resource: secretArn(gateway, `${name}/agents-of-others`) },
    { what: "write the key of another gateway's agent", action: put, resource: secretArn(gateway, "other/agents/research-agent") },
    { what: "write an agent's key in another region", action: put, resource: agent.replace(gateway.region, "us-east-1") },
    ...["DeleteSecret", "UpdateSecret", "UpdateSecretVersionStage", "PutResourcePolicy", "RotateSecret", "CreateSecret"].map((action) => ({
      what: `${action} of an agent's key`,
      action: `secretsmanager:${action}`,
      resource: agent,
    })),
    { what: "encrypt outside the store", action: "kms:GenerateDataKey", resource: key, resourcePolicy },
    { what: "read another object beside what is desired", action: "s3:GetObject", resource: `${bucketOf(gateway)}/agents/0a.json` },
    { what: "change what is desired", action: "s3:PutObject", resource: `${bucketOf(gateway)}/agents/desired.json` },
  ];
}

/** What nobody who takes over a node may do. */
export function refusedOnAws(gateway: AwsGateway): Asked<IamRequest>[] {
  const { region, account, name, secrets, key, keyPolicy: resourcePolicy, group, profiles } = gateway;
  const own = secrets[0]!;
  const secret = secretArn(gateway, own);
  const bucket = bucketOf(gateway);
  const logs = `arn:aws:logs:${region}:${account}:log-group:/cdktf-ai-gateway/${name}`;
  const otherKey = `arn:aws:kms:${region}:${account}:key/00000000-1111-2222-3333-444444444444`;
  const otherGroup = `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:00000000-1111-2222-3333-444444444444:autoScalingGroupName/other`;
  const get = "secretsmanager:GetSecretValue";
  const invoke = "bedrock:InvokeModel";
  return [
    { what: "read another secret", action: get, resource: secretArn(gateway, "payroll/database") },
    { what: "read another of the gateway's prefix", action: get, resource: secretArn(gateway, `${name}/not-declared`) },
    { what: "read a secret whose name starts as its own", action: get, resource: secretArn(gateway, `${own}-old`) },
    { what: "read a secret whose name is longer by a letter", action: get, resource: `${secret}x` },
    { what: "read its secret in another region", action: get, resource: secret.replace(region, "us-east-1") },
    { what: "read its secret of another account", action: get, resource: secret.replace(account, "999999999999"), account: "999999999999" },
    { what: "list secrets", action: "secretsmanager:ListSecrets", resource: "*" },
    { what: "read secrets by the batch", action: "secretsmanager:BatchGetSecretValue", resource: "*" },
    ...[
      "PutSecretValue",
      "UpdateSecret",
      "UpdateSecretVersionStage",
      "DeleteSecret",
      "PutResourcePolicy",
      "RotateSecret",
      "ListSecretVersionIds",
    ].map((action) => ({ what: `${action} of its own secret`, action: `secretsmanager:${action}`, resource: secret })),
    { what: "decrypt with another key", action: "kms:Decrypt", resource: otherKey, context: viaSecretsManager(region) },
    { what: "decrypt outside the store", action: "kms:Decrypt", resource: key, resourcePolicy },
    {
      what: "decrypt by way of S3",
      action: "kms:Decrypt",
      resource: key,
      resourcePolicy,
      context: { "kms:ViaService": `s3.${region}.amazonaws.com` },
    },
    {
      what: "decrypt by way of another region's store",
      action: "kms:Decrypt",
      resource: key,
      resourcePolicy,
      context: viaSecretsManager("us-east-1"),
    },
    ...["Encrypt", "CreateGrant", "PutKeyPolicy", "ScheduleKeyDeletion", "DescribeKey"].map((action) => ({
      what: `${action} of its own key`,
      action: `kms:${action}`,
      resource: key,
      resourcePolicy,
      context: viaSecretsManager(region),
    })),
    { what: "read another bucket", action: "s3:GetObject", resource: "arn:aws:s3:::corp-terraform-state/bundles/0a.tar" },
    { what: "read a bucket whose name starts as its own", action: "s3:GetObject", resource: `${bucket}-2/bundles/0a.tar` },
    { what: "read the root of its bucket", action: "s3:GetObject", resource: `${bucket}/terraform.tfstate` },
    { what: "read an old version of its bundle", action: "s3:GetObjectVersion", resource: `${bucket}/bundles/0a.tar` },
    { what: "replace its bundle", action: "s3:PutObject", resource: `${bucket}/bundles/0a.tar` },
    { what: "delete its bundle", action: "s3:DeleteObject", resource: `${bucket}/bundles/0a.tar` },
    { what: "list its bucket", action: "s3:ListBucket", resource: bucket },
    { what: "write to another log", action: "logs:PutLogEvents", resource: `${logs}-2:log-stream:i-1` },
    { what: "read its log", action: "logs:GetLogEvents", resource: `${logs}:log-stream:i-1` },
    { what: "search its log", action: "logs:FilterLogEvents", resource: logs },
    { what: "delete its log", action: "logs:DeleteLogGroup", resource: logs },
    { what: "keep its log for a shorter time", action: "logs:PutRetentionPolicy", resource: logs },
    { what: "take another role", action: "sts:AssumeRole", resource: `arn:aws:iam::${account}:role/admin` },
    { what: "hand a role on", action: "iam:PassRole", resource: `arn:aws:iam::${account}:role/admin` },
    { what: "give itself more", action: "iam:PutRolePolicy", resource: `arn:aws:iam::${account}:role/${name}-nodes-${region}` },
    { what: "complete another group's launch", action: "autoscaling:CompleteLifecycleAction", resource: otherGroup },
    {
      what: "complete a launch in another region",
      action: "autoscaling:CompleteLifecycleAction",
      resource: group.replace(region, "us-east-1"),
    },
    { what: "scale its group", action: "autoscaling:SetDesiredCapacity", resource: group },
    { what: "read parameters", action: "ssm:GetParameter", resource: `arn:aws:ssm:${region}:${account}:parameter/corp` },
    { what: "open a session on itself", action: "ssmmessages:CreateDataChannel", resource: "*" },
    { what: "call a model that is not declared", action: invoke, resource: modelArn(region, "anthropic.claude-3-haiku-20240307-v1:0") },
    ...profiles.flatMap(({ id, model }) => [
      { what: `call the model behind ${id} without it`, action: invoke, resource: modelArn(region, model) },
      { what: `call ${id} of another region`, action: invoke, resource: profileArn(gateway, id).replace(region, "us-east-1") },
      {
        what: `call the model behind ${id} by another profile`,
        action: invoke,
        resource: modelArn(region, model),
        context: { "bedrock:InferenceProfileArn": profileArn(gateway, `global.${model}`) },
      },
      {
        what: `call another model by ${id}`,
        action: invoke,
        resource: modelArn(region, "anthropic.claude-3-haiku-20240307-v1:0"),
        context: { "bedrock:InferenceProfileArn": profileArn(gateway, id) },
      },
    ]),
  ];
}

export function secretArn({ region, account }: AwsGateway, name: string): string {
  return `arn:aws:secretsmanager:${region}:${account}:secret:${name}-a1B2c3`;
}

function bucketOf({ name, account, region }: AwsGateway): string {
  return `arn:aws:s3:::${name}-bundles-${account}-${region}`;
}

export function viaSecretsManager(region: string): Record<string, string> {
  return { "kms:ViaService": `secretsmanager.${region}.amazonaws.com` };
}

function profileArn({ region, account }: AwsGateway, id: string): string {
  return `arn:aws:bedrock:${region}:${account}:inference-profile/${id}`;
}

function modelArn(region: string, id: string): string {
  return `arn:aws:bedrock:${region}::foundation-model/${id}`;
}
