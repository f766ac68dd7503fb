import { createHash } from "node:crypto";
import { CLOUD_DEFAULTS } from "./defaults";
import { elementsAt } from "./paths";
import type { AttributeType, Block } from "./schema";
import { asMap, Unknown, type Value, type ValueMap } from "./wire";

/** The account of every simulated cloud. */
export const ACCOUNT_ID = "1234567890123456";

/** When everything was created. */
const CREATED = "2026-01-01T00:00:00Z";

/** What inventing needs to know besides the resource itself. */
export interface Origin {
  /** 32 hexadecimal digits that depend on type, name and how often that name was created before. */
  readonly seed: string;
  readonly region: string;
}

type Id = (state: ValueMap, seed: string) => string;

const text = (value: Value | undefined): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");
const prefixed =
  (prefix: string): Id =>
  (_state, seed) =>
    `${prefix}-${seed.slice(0, 18)}`;
const joined =
  (...attributes: string[]): Id =>
  (state) =>
    attributes.map((name) => text(state[name])).join(":");

const loginRole: Id = (state) => `auth/${text(state.backend)}/role/${text(state.role)}`;

/** The form of ids, from SetId in terraform-provider-alicloud 1.289.0 and -vault 5.6.0, and the prefixes of the cloud. */
const IDS: Readonly<Record<string, Id>> = {
  alicloud_ram_role: joined("role_name"),
  alicloud_ram_policy: joined("policy_name"),
  alicloud_ram_role_policy_attachment: (state) => `role:${joined("policy_name", "policy_type", "role_name")(state, "")}`,
  alicloud_kms_key: prefixed("key"),
  alicloud_kms_alias: joined("alias_name"),
  alicloud_kms_secret: joined("secret_name"),
  alicloud_security_group: prefixed("sg"),
  alicloud_security_group_rule: (state) => {
    const source =
      [state.cidr_ip, state.ipv6_cidr_ip, state.source_security_group_id, state.prefix_list_id].map(text).find((value) => value !== "") ??
      "";
    return [
      joined("security_group_id", "type", "ip_protocol", "port_range", "nic_type")(state, ""),
      source,
      text(state.policy),
      text(state.priority),
    ].join(":");
  },
  alicloud_ecs_launch_template: prefixed("lt"),
  alicloud_instance: prefixed("i"),
  alicloud_ess_scaling_group: prefixed("asg"),
  alicloud_ess_scaling_rule: prefixed("asr"),
  alicloud_ess_lifecycle_hook: prefixed("ash"),
  alicloud_ess_instance_refresh: (state, seed) => `${text(state.scaling_group_id)}:ir-${seed.slice(0, 18)}`,
  alicloud_alb_load_balancer: prefixed("alb"),
  alicloud_alb_load_balancer_security_group_attachment: joined("load_balancer_id", "security_group_id"),
  alicloud_alb_server_group: prefixed("sgp"),
  alicloud_alb_listener: prefixed("lsn"),
  alicloud_alb_rule: prefixed("rule"),
  alicloud_alb_acl: prefixed("acl"),
  alicloud_alb_acl_entry_attachment: joined("acl_id", "entry"),
  alicloud_alb_listener_acl_attachment: joined("listener_id", "acl_id"),
  alicloud_log_project: joined("project_name"),
  alicloud_log_store: joined("project_name", "logstore_name"),
  alicloud_log_store_index: joined("project", "logstore"),
  alicloud_oss_bucket: joined("bucket"),
  alicloud_oss_bucket_acl: joined("bucket"),
  alicloud_oss_bucket_versioning: joined("bucket"),
  alicloud_oss_bucket_public_access_block: joined("bucket"),
  alicloud_oss_bucket_server_side_encryption: joined("bucket"),
  alicloud_oss_bucket_https_config: joined("bucket"),
  alicloud_oss_bucket_object: joined("key"),
  alicloud_pvtz_zone: (_state, seed) => seed,
  alicloud_pvtz_zone_attachment: joined("zone_id"),
  alicloud_pvtz_zone_record: (state, seed) => `${numeric(seed)}:${text(state.zone_id)}`,
  alicloud_event_bridge_event_bus: joined("event_bus_name"),
  alicloud_event_bridge_event_source_v2: joined("event_source_name"),
  alicloud_event_bridge_rule: joined("event_bus_name", "rule_name"),
  alicloud_message_service_queue: joined("queue_name"),
  null_resource: (_state, seed) => numeric(seed),
  vault_policy: joined("name"),
  vault_aws_auth_backend_role: loginRole,
  vault_alicloud_auth_backend_role: loginRole,
};

/** What the cloud computes, by type; given the resource with its id. */
const COMPUTED: Readonly<Record<string, (state: ValueMap, origin: Origin) => ValueMap>> = {
  alicloud_ram_role: (state, { seed }) => ({ arn: `acs:ram::${ACCOUNT_ID}:role/${text(state.role_name)}`, role_id: numeric(seed) }),
  alicloud_ram_policy: () => ({ type: "Custom", default_version: "v1", version_id: "v1", attachment_count: 0 }),
  alicloud_kms_key: (state, { region }) => ({ arn: `acs:kms:${region}:${ACCOUNT_ID}:key/${text(state.id)}`, creator: ACCOUNT_ID }),
  alicloud_kms_secret: (state, { region }) => ({ arn: `acs:kms:${region}:${ACCOUNT_ID}:secret/${text(state.secret_name)}` }),
  alicloud_security_group_rule: (_state, { seed }) => ({ security_group_rule_id: `sgr-${seed.slice(0, 18)}` }),
  alicloud_instance: (_state, { seed }) => {
    const address = `10.0.0.${10 + (parseInt(seed.slice(0, 4), 16) % 200)}`;
    return {
      primary_ip_address: address,
      private_ip: address,
      system_disk_id: `d-${seed.slice(0, 18)}`,
      cpu: 2,
      memory: 4096,
      os_type: "linux",
    };
  },
  alicloud_ess_scaling_rule: (state, { region }) => ({
    ari: `ari:acs:ess:${region}:${ACCOUNT_ID}:scalingrule/${text(state.id)}`,
    scaling_rule_name: text(state.id),
  }),
  alicloud_ess_lifecycle_hook: (state) => ({ name: text(state.id) }),
  alicloud_alb_load_balancer: (state, { region }) => ({ dns_name: `${text(state.id)}.${region}.alb.aliyuncs.com`, region_id: region }),
  alicloud_oss_bucket: (state, { region }) => ({
    location: `oss-${region}`,
    extranet_endpoint: `oss-${region}.aliyuncs.com`,
    intranet_endpoint: `oss-${region}-internal.aliyuncs.com`,
    creation_date: CREATED.slice(0, 10),
    owner: ACCOUNT_ID,
    bucket: text(state.bucket),
  }),
  alicloud_oss_bucket_object: (state) => objectFacts(state),
  alicloud_pvtz_zone_attachment: (state) => ({ vpc_ids: elementsAt(state, "vpcs.vpc_id") }),
  alicloud_pvtz_zone_record: (_state, { seed }) => ({ record_id: numeric(seed) }),
};

/** What follows from an object's content. */
export function objectFacts(state: ValueMap): ValueMap {
  const content = text(state.content);
  const etag = createHash("md5")
    .update(content || text(state.source))
    .digest("hex")
    .toUpperCase();
  return { etag, content_length: String(Buffer.byteLength(content)), version_id: `v-${etag.slice(0, 16)}` };
}

/** A completed resource: everything that was unknown has a value. */
export function complete(type: string, block: Block, planned: ValueMap, origin: Origin): ValueMap {
  const known = { ...planned, ...topLevelDefaults(type, planned) };
  if (known.id instanceof Unknown || known.id === null || known.id === undefined) {
    known.id = IDS[type]?.(known, origin.seed) ?? `${type.split("_").pop() ?? type}-${origin.seed.slice(0, 18)}`;
  }
  const computed = COMPUTED[type]?.(known, origin) ?? {};
  for (const [name, value] of Object.entries(computed)) if (known[name] instanceof Unknown) known[name] = value;
  return fill(type, block, known, "");
}

function topLevelDefaults(type: string, planned: ValueMap): ValueMap {
  return Object.fromEntries(Object.entries(CLOUD_DEFAULTS[type] ?? {}).filter(([path]) => planned[path] instanceof Unknown));
}

function fill(type: string, block: Block, value: ValueMap, prefix: string): ValueMap {
  const out: ValueMap = { ...value };
  for (const [name, attribute] of Object.entries(block.attributes ?? {})) {
    if (out[name] instanceof Unknown) out[name] = CLOUD_DEFAULTS[type]?.[prefix + name] ?? empty(name, attribute.type);
  }
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    const inner = out[name] ?? null;
    if (Array.isArray(inner)) out[name] = inner.map((element) => fill(type, nested.block, asMap(element), `${prefix}${name}.`));
  }
  return out;
}

/** What plugin SDK 1 keeps for a value that the cloud did not give. */
function empty(name: string, type: AttributeType): Value {
  if (type === "string") return name === "create_time" ? CREATED : "";
  if (type === "number") return 0;
  if (type === "bool") return false;
  return type[0] === "map" || type[0] === "object" ? {} : [];
}

function numeric(seed: string): string {
  return String(parseInt(seed.slice(0, 12), 16)).padStart(15, "1");
}
