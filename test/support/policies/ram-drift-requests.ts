import type { Asked } from "./answers";
import type { RamRequest } from "./ram";
import { type AlicloudGateway, bucketOf, kmsArn, logOf } from "./ram-requests";

/** What whoever compares a gateway with its code must see. */
export function allowedToCompare(gateway: AlicloudGateway): Asked<RamRequest>[] {
  const { region, account, name, key } = gateway;
  return [
    { what: "see the nodes", action: "ecs:DescribeInstances", resource: `acs:ecs:${region}:${account}:instance/*` },
    { what: "see the groups", action: "ess:DescribeScalingGroups", resource: `acs:ess:${region}:${account}:scalinggroup/*` },
    { what: "see its key", action: "kms:DescribeKey", resource: kmsArn(gateway, `key/${key}`) },
    { what: "see the nodes' role", action: "ram:GetRole", resource: `acs:ram::${account}:role/${name}-nodes-${region}` },
    { what: "see its policies", action: "ram:ListPoliciesForRole", resource: `acs:ram::${account}:role/${name}-nodes-${region}` },
    { what: "see a policy", action: "ram:GetPolicyVersion", resource: `acs:ram::${account}:policy/${name}-nodes-${region}` },
    { what: "see the log's settings", action: "log:GetLogStore", resource: logOf(gateway) },
    { what: "see the bucket's settings", action: "oss:GetBucketInfo", resource: bucketOf(gateway) },
    { what: "see the head of a bundle", action: "oss:GetObject", resource: `${bucketOf(gateway)}/bundles/0a.tar` },
  ];
}

/** Values of secrets, which are denied whatever else it may be allowed. */
export function neverToCompare(gateway: AlicloudGateway): Asked<RamRequest>[] {
  return [
    ...gateway.secrets.map((secret) => ({
      what: `read ${secret}`,
      action: "kms:GetSecretValue",
      resource: kmsArn(gateway, `secret/${secret}`),
    })),
    { what: "decrypt with its key", action: "kms:Decrypt", resource: kmsArn(gateway, `key/${gateway.key}`) },
    { what: "decrypt with another key", action: "kms:Decrypt", resource: kmsArn(gateway, "key/key-other") },
  ];
}

/** What else it must not do: change anything, or read what the gateway or others hold. */
export function refusedToCompare(gateway: AlicloudGateway): Asked<RamRequest>[] {
  const { region, account, name, secrets } = gateway;
  const drift = `acs:ram::${account}:role/${name}-drift-${region}`;
  return [
    ...["PutSecretValue", "UpdateSecretVersionStage", "DeleteSecret", "SetSecretPolicy"].map((action) => ({
      what: `${action} of a secret`,
      action: `kms:${action}`,
      resource: kmsArn(gateway, `secret/${secrets[0]!}`),
    })),
    { what: "take another role", action: "sts:AssumeRole", resource: `acs:ram::${account}:role/admin` },
    { what: "hand a role on", action: "ram:PassRole", resource: `acs:ram::${account}:role/${name}-nodes-${region}` },
    { what: "give itself more", action: "ram:AttachPolicyToRole", resource: drift },
    {
      what: "read another bucket",
      action: "oss:GetObject",
      resource: `acs:oss:oss-${region}:${account}:corp-terraform-state/prod.tfstate`,
    },
    { what: "replace a bundle", action: "oss:PutObject", resource: `${bucketOf(gateway)}/bundles/0a.tar` },
    { what: "read the log", action: "log:GetLogStoreLogs", resource: logOf(gateway) },
    { what: "scale a group", action: "ess:ModifyScalingGroup", resource: `acs:ess:${region}:${account}:scalinggroup/asg-1` },
    { what: "run a command on a node", action: "ecs:RunCommand", resource: `acs:ecs:${region}:${account}:instance/i-1` },
    { what: "look at a node's console", action: "ecs:GetInstanceConsoleOutput", resource: `acs:ecs:${region}:${account}:instance/i-1` },
    { what: "take the queue's messages", action: "mns:ReceiveMessage", resource: `acs:mns:${region}:${account}:/queues/${name}-drift` },
  ];
}
