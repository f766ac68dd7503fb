import { valuesAt } from "./paths";
import { textOf, type ValueMap } from "./wire";

/** What no two resources of a type may share, as the cloud's APIs refuse it on a second create. */
const UNIQUE: Readonly<Record<string, readonly string[]>> = {
  alicloud_ram_role: ["role_name"],
  alicloud_ram_policy: ["policy_name"],
  alicloud_ram_role_policy_attachment: ["role_name", "policy_type", "policy_name"],
  alicloud_kms_alias: ["alias_name"],
  alicloud_kms_secret: ["secret_name"],
  alicloud_ecs_launch_template: ["launch_template_name"],
  alicloud_ess_scaling_group: ["scaling_group_name"],
  alicloud_ess_scaling_rule: ["scaling_group_id", "scaling_rule_name"],
  alicloud_ess_lifecycle_hook: ["scaling_group_id", "name"],
  alicloud_alb_load_balancer: ["load_balancer_name"],
  alicloud_alb_load_balancer_security_group_attachment: ["load_balancer_id", "security_group_id"],
  alicloud_alb_listener: ["load_balancer_id", "listener_port"],
  alicloud_alb_rule: ["listener_id", "priority"],
  alicloud_alb_acl_entry_attachment: ["acl_id", "entry"],
  alicloud_alb_listener_acl_attachment: ["listener_id", "acl_id"],
  alicloud_log_project: ["project_name"],
  alicloud_log_store: ["project_name", "logstore_name"],
  alicloud_log_store_index: ["project", "logstore"],
  alicloud_oss_bucket: ["bucket"],
  alicloud_pvtz_zone_record: ["zone_id", "rr", "type", "value"],
  alicloud_event_bridge_event_bus: ["event_bus_name"],
  alicloud_event_bridge_event_source_v2: ["event_bus_name", "event_source_name"],
  alicloud_event_bridge_rule: ["event_bus_name", "rule_name"],
  alicloud_message_service_queue: ["queue_name"],
};

/** The values that make a resource unique, as text; nothing for types that may repeat or while a part is missing. */
export function uniqueName(type: string, state: ValueMap): string | undefined {
  const parts = (UNIQUE[type] ?? []).map((attribute) => valuesAt(state, attribute));
  if (parts.length === 0 || parts.some((values) => values.length === 0 || values[0] === "")) return undefined;
  const text = parts.map(([value]) => textOf(value)).join("/");
  return type === "alicloud_alb_listener" && state.listener_protocol === "QUIC" ? `${text}/udp` : text;
}

/** The attributes of {@link uniqueName}, for messages. */
export function uniqueAttributes(type: string): string {
  return (UNIQUE[type] ?? []).join(", ");
}
