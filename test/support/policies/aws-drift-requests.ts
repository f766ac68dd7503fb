import type { Asked } from "./answers";
import { type AwsGateway, secretArn, viaSecretsManager } from "./aws-requests";
import type { IamRequest } from "./iam";

/** What whoever compares a gateway with its code must see. */
export function allowedToCompare(gateway: AwsGateway): Asked<IamRequest>[] {
  const { region, account, name, secrets, key, keyPolicy: resourcePolicy } = gateway;
  const own = secrets.find((secret) => secret.startsWith(`${name}/`))!;
  const bucket = `arn:aws:s3:::${name}-bundles-${account}-${region}`;
  const nodes = `${name}-nodes-${region}`;
  return [
    { what: "see the nodes", action: "ec2:DescribeInstances", resource: "*" },
    { what: "see the group", action: "autoscaling:DescribeAutoScalingGroups", resource: "*" },
    { what: "see the balancer", action: "elasticloadbalancing:DescribeLoadBalancers", resource: "*" },
    { what: "find secrets that are there already", action: "secretsmanager:ListSecrets", resource: "*" },
    ...["DescribeSecret", "GetResourcePolicy"].map((action) => ({
      what: `${action} of a secret`,
      action: `secretsmanager:${action}`,
      resource: secretArn(gateway, own),
    })),
    ...["DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus"].map((action) => ({
      what: `${action} of its key`,
      action: `kms:${action}`,
      resource: key,
      resourcePolicy,
    })),
    { what: "see the nodes' role", action: "iam:GetRole", resource: `arn:aws:iam::${account}:role/${nodes}` },
    { what: "see its policy", action: "iam:GetRolePolicy", resource: `arn:aws:iam::${account}:role/${nodes}` },
    { what: "see its further policies", action: "iam:GetPolicyVersion", resource: `arn:aws:iam::${account}:policy/${nodes}-2` },
    { what: "see its profile", action: "iam:GetInstanceProfile", resource: `arn:aws:iam::${account}:instance-profile/${nodes}` },
    { what: "see the bucket's settings", action: "s3:GetBucketPolicy", resource: bucket },
    { what: "see the head of a bundle", action: "s3:GetObject", resource: `${bucket}/bundles/0a.tar` },
    {
      what: "see the log's settings",
      action: "logs:ListTagsForResource",
      resource: `arn:aws:logs:${region}:${account}:log-group:/cdktf-ai-gateway/${name}`,
    },
  ];
}

/** Values of secrets, which are denied whatever else it may be allowed. */
export function neverToCompare(gateway: AwsGateway): Asked<IamRequest>[] {
  const { region, account, key, keyPolicy: resourcePolicy } = gateway;
  return [
    ...gateway.secrets.map((secret) => ({
      what: `read ${secret}`,
      action: "secretsmanager:GetSecretValue",
      resource: secretArn(gateway, secret),
    })),
    { what: "read secrets by the batch", action: "secretsmanager:BatchGetSecretValue", resource: "*" },
    { what: "read a parameter", action: "ssm:GetParameter", resource: `arn:aws:ssm:${region}:${account}:parameter/corp` },
    { what: "read parameters by path", action: "ssm:GetParametersByPath", resource: `arn:aws:ssm:${region}:${account}:parameter/corp` },
    { what: "decrypt by way of the store", action: "kms:Decrypt", resource: key, resourcePolicy, context: viaSecretsManager(region) },
  ];
}

/** What else it must not do: change anything, or read what the gateway or others hold. */
export function refusedToCompare(gateway: AwsGateway): Asked<IamRequest>[] {
  const { region, account, name, secrets, key, keyPolicy: resourcePolicy, group } = gateway;
  const own = secretArn(gateway, secrets[0]!);
  const bucket = `arn:aws:s3:::${name}-bundles-${account}-${region}`;
  const log = `arn:aws:logs:${region}:${account}:log-group:/cdktf-ai-gateway/${name}`;
  return [
    { what: "decrypt with its key", action: "kms:Decrypt", resource: key, resourcePolicy },
    { what: "see another's secret", action: "secretsmanager:DescribeSecret", resource: secretArn(gateway, "payroll/database") },
    ...["PutSecretValue", "UpdateSecretVersionStage", "DeleteSecret", "PutResourcePolicy"].map((action) => ({
      what: `${action} of a secret`,
      action: `secretsmanager:${action}`,
      resource: own,
    })),
    { what: "see another role", action: "iam:GetRole", resource: `arn:aws:iam::${account}:role/admin` },
    { what: "take another role", action: "sts:AssumeRole", resource: `arn:aws:iam::${account}:role/admin` },
    { what: "hand a role on", action: "iam:PassRole", resource: `arn:aws:iam::${account}:role/${name}-nodes-${region}` },
    { what: "give itself more", action: "iam:PutRolePolicy", resource: `arn:aws:iam::${account}:role/${name}-drift-${region}` },
    { what: "read another bucket", action: "s3:GetObject", resource: "arn:aws:s3:::corp-terraform-state/prod.tfstate" },
    { what: "replace a bundle", action: "s3:PutObject", resource: `${bucket}/bundles/0a.tar` },
    { what: "read the log", action: "logs:GetLogEvents", resource: `${log}:log-stream:i-1` },
    { what: "search the log", action: "logs:FilterLogEvents", resource: log },
    { what: "scale the group", action: "autoscaling:SetDesiredCapacity", resource: group },
    { what: "look at a node's console", action: "ec2:GetConsoleOutput", resource: `arn:aws:ec2:${region}:${account}:instance/i-1` },
    { what: "take the queue's messages", action: "sqs:ReceiveMessage", resource: `arn:aws:sqs:${region}:${account}:${name}-drift` },
  ];
}
