import type { Asked } from "./answers";
import type { RamRequest } from "./ram";

/** What there is of a gateway on Alibaba Cloud, written down apart from what makes it. */
export interface AlicloudGateway {
  readonly region: string;
  readonly account: string;
  readonly name: string;
  readonly secrets: readonly string[];
  readonly key: string;
  /** The ids of its scaling groups; none for a fleet of fixed size. */
  readonly groups: readonly string[];
}

/** What the nodes must be able to do. */
export function allowedOnAlicloud(gateway: AlicloudGateway): Asked<RamRequest>[] {
  const { key, groups, secrets } = gateway;
  const bucket = bucketOf(gateway);
  return [
    ...secrets.map((secret) => ({ what: `read ${secret}`, action: "kms:GetSecretValue", resource: kmsArn(gateway, `secret/${secret}`) })),
    { what: "decrypt with its key", action: "kms:Decrypt", resource: kmsArn(gateway, `key/${key}`) },
    { what: "get its bundle", action: "oss:GetObject", resource: `${bucket}/bundles/0a.tar` },
    { what: "get its settings", action: "oss:GetObject", resource: `${bucket}/settings/0a.json` },
    { what: "write to its log", action: "log:PostLogStoreLogs", resource: logOf(gateway) },
    ...groups.map((group) => ({
      what: `complete the launch of ${group}`,
      action: "ess:CompleteLifecycleAction",
      resource: groupOf(gateway, group),
    })),
    ...groups.slice(0, 1).flatMap(() =>
      ["DescribeScalingInstances", "DescribeLifecycleActions"].map((action) => ({
        what: `find itself by ${action}`,
        action: `ess:${action}`,
        resource: groupOf(gateway, "*"),
      })),
    ),
  ];
}

/** What the nodes must be able to do where they make the agents' keys, and may not where others do. */
export function provisioningOnAlicloud(gateway: AlicloudGateway): Asked<RamRequest>[] {
  const { name, key } = gateway;
  return [
    { what: "read what is desired of the agents", action: "oss:GetObject", resource: `${bucketOf(gateway)}/agents/desired.json` },
    ...["GetSecretValue", "ListSecretVersionIds", "PutSecretValue", "CreateSecret"].map((action) => ({
      what: `${action} of an agent's key`,
      action: `kms:${action}`,
      resource: kmsArn(gateway, `secret/${name}/agents/research-agent`),
    })),
    { what: "encrypt with its key", action: "kms:GenerateDataKey", resource: kmsArn(gateway, `key/${key}`) },
  ];
}

/** What nodes that make the agents' keys may do no more than others. */
export function refusedToProvisionOnAlicloud(gateway: AlicloudGateway): Asked<RamRequest>[] {
  const { name } = gateway;
  const [put, agent] = ["kms:PutSecretValue", `secret/${name}/agents/research-agent`];
  return [
    { what: "write the master key", action: put, resource: kmsArn(gateway, `secret/${name}/master-key`) },
    { what: "write a secret beside the agents'", action: put, resource: kmsArn(gateway, `secret/${name}/agents-of-others`) },
    { what: "write the key of another gateway's agent", action: put, resource: kmsArn(gateway, "secret/other/agents/research-agent") },
    { what: "write an agent's key in another region", action: put, resource: kmsArn({ ...gateway, region: "cn-beijing" }, agent) },
    { what: "make a secret beside the agents'", action: "kms:CreateSecret", resource: kmsArn(gateway, `secret/${name}/other`) },
    ...["DeleteSecret", "UpdateSecret", "UpdateSecretVersionStage", "SetSecretPolicy", "RotateSecret"].map((action) => ({
      what: `${action} of an agent's key`,
      action: `kms:${action}`,
      resource: kmsArn(gateway, agent),
    })),
    { what: "encrypt with another key", action: "kms:GenerateDataKey", resource: kmsArn(gateway, "key/key-other") },
    { what: "read another object beside what is desired", action: "oss:GetObject", resource: `${bucketOf(gateway)}/agents/0a.json` },
    { what: "change what is desired", action: "oss:PutObject", resource: `${bucketOf(gateway)}/agents/desired.json` },
  ];
}

/** What nobody who takes over a node may do. */
export function refusedOnAlicloud(gateway: AlicloudGateway): Asked<RamRequest>[] {
  const { account, name, region, key, secrets } = gateway;
  const own = secrets[0]!;
  const bucket = bucketOf(gateway);
  const elsewhere = { ...gateway, region: "cn-beijing" };
  const foreign = { ...gateway, account: "9999999999999999" };
  const get = "kms:GetSecretValue";
  return [
    { what: "read another secret", action: get, resource: kmsArn(gateway, "secret/payroll/database") },
    { what: "read another of the gateway's prefix", action: get, resource: kmsArn(gateway, `secret/${name}/not-declared`) },
    { what: "read a secret whose name starts as its own", action: get, resource: kmsArn(gateway, `secret/${own}-old`) },
    { what: "read its secret in another region", action: get, resource: kmsArn(elsewhere, `secret/${own}`) },
    { what: "read its secret of another account", action: get, resource: kmsArn(foreign, `secret/${own}`) },
    { what: "list secrets", action: "kms:ListSecrets", resource: kmsArn(gateway, "secret") },
    ...["PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage", "DeleteSecret", "SetSecretPolicy", "ListSecretVersionIds"].map(
      (action) => ({
        what: `${action} of its own secret`,
        action: `kms:${action}`,
        resource: kmsArn(gateway, `secret/${own}`),
      }),
    ),
    { what: "decrypt with another key", action: "kms:Decrypt", resource: kmsArn(gateway, "key/key-other") },
    { what: "decrypt with its key of another region", action: "kms:Decrypt", resource: kmsArn(elsewhere, `key/${key}`) },
    ...["Encrypt", "SetKeyPolicy", "ScheduleKeyDeletion", "DisableKey"].map((action) => ({
      what: `${action} of its own key`,
      action: `kms:${action}`,
      resource: kmsArn(gateway, `key/${key}`),
    })),
    {
      what: "read another bucket",
      action: "oss:GetObject",
      resource: `acs:oss:oss-${region}:${account}:corp-terraform-state/bundles/0a.tar`,
    },
    { what: "read a bucket whose name starts as its own", action: "oss:GetObject", resource: `${bucket}2/bundles/0a.tar` },
    { what: "read an old version of its bundle", action: "oss:GetObjectVersion", resource: `${bucket}/bundles/0a.tar` },
    { what: "replace its bundle", action: "oss:PutObject", resource: `${bucket}/bundles/0a.tar` },
    { what: "delete its bundle", action: "oss:DeleteObject", resource: `${bucket}/bundles/0a.tar` },
    { what: "list its bucket", action: "oss:ListObjects", resource: bucket },
    { what: "write to another log", action: "log:PostLogStoreLogs", resource: `${logOf(gateway)}-2` },
    { what: "write to another project's log", action: "log:PostLogStoreLogs", resource: logOf({ ...gateway, name: "other" }) },
    { what: "read its log", action: "log:GetLogStoreLogs", resource: logOf(gateway) },
    { what: "delete its log", action: "log:DeleteLogStore", resource: logOf(gateway) },
    { what: "take another role", action: "sts:AssumeRole", resource: `acs:ram::${account}:role/admin` },
    { what: "hand a role on", action: "ram:PassRole", resource: `acs:ram::${account}:role/admin` },
    { what: "give itself more", action: "ram:AttachPolicyToRole", resource: `acs:ram::${account}:role/${name}-nodes-${region}` },
    { what: "complete another group's launch", action: "ess:CompleteLifecycleAction", resource: groupOf(gateway, "asg-other") },
    {
      what: "complete a launch in another region",
      action: "ess:CompleteLifecycleAction",
      resource: groupOf(elsewhere, gateway.groups[0] ?? "asg"),
    },
    { what: "scale its group", action: "ess:ModifyScalingGroup", resource: groupOf(gateway, gateway.groups[0] ?? "asg") },
    { what: "run a command on a node", action: "ecs:RunCommand", resource: `acs:ecs:${region}:${account}:instance/i-1` },
  ];
}

export function kmsArn({ region, account }: AlicloudGateway, what: string): string {
  return `acs:kms:${region}:${account}:${what}`;
}

export function bucketOf({ region, account, name }: AlicloudGateway): string {
  return `acs:oss:oss-${region}:${account}:${name}-${account}-${region}`;
}

export function logOf({ region, account, name }: AlicloudGateway): string {
  return `acs:log:${region}:${account}:project/${name}-${account}/logstore/gateway-requests`;
}

function groupOf({ region, account }: AlicloudGateway, id: string): string {
  return `acs:ess:${region}:${account}:scalinggroup/${id}`;
}
