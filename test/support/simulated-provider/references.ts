import { elementsAt } from "./paths";
import { textOf, type Value, type ValueMap } from "./wire";

/** An argument that names another simulated resource. */
export interface Reference {
  readonly attribute: string;
  readonly target: string;
  /** The attribute of the target that is named; its id where left out. */
  readonly by?: string;
  /** The cloud refuses to delete the target as long as this reference stands. */
  readonly holds?: true;
  /** Which named thing is looked up, for arguments that do not hold a plain name; undefined means none. */
  readonly names?: (value: string, state: ValueMap) => string | undefined;
}

const loadBalancer: Reference = { attribute: "load_balancer_id", target: "alicloud_alb_load_balancer" };
const listener: Reference = { attribute: "listener_id", target: "alicloud_alb_listener" };
const scalingGroup: Reference = { attribute: "scaling_group_id", target: "alicloud_ess_scaling_group" };
const acl: Reference = { attribute: "acl_id", target: "alicloud_alb_acl" };
const bucket: Reference = { attribute: "bucket", target: "alicloud_oss_bucket" };
const zone: Reference = { attribute: "zone_id", target: "alicloud_pvtz_zone" };
const eventBus: Reference = {
  attribute: "event_bus_name",
  target: "alicloud_event_bridge_event_bus",
  by: "event_bus_name",
  names: (name) => (name === "default" ? undefined : name),
};
const securityGroup = (attribute: string): Reference => ({ attribute, target: "alicloud_security_group", holds: true });
const serverGroup = (attribute: string): Reference => ({ attribute, target: "alicloud_alb_server_group", holds: true });

/** The queue in an MNS ARN, `acs:mns:<region>:<uid>:/queues/<name>` or `...:queue/<name>`. */
const queueOfArn = (arn: string): string | undefined => /^acs:mns:.*[:/]queues?\/([^/]+)/.exec(arn)?.[1];

/** References by type. VPCs, vswitches and keys of others come from outside and are not looked up. */
export const REFERENCES: Readonly<Record<string, readonly Reference[]>> = {
  alicloud_ram_role_policy_attachment: [
    { attribute: "role_name", target: "alicloud_ram_role", by: "role_name", holds: true },
    {
      attribute: "policy_name",
      target: "alicloud_ram_policy",
      by: "policy_name",
      holds: true,
      names: (name, state) => (state.policy_type === "Custom" ? name : undefined),
    },
  ],
  alicloud_kms_alias: [{ attribute: "key_id", target: "alicloud_kms_key" }],
  alicloud_security_group_rule: [
    { attribute: "security_group_id", target: "alicloud_security_group" },
    securityGroup("source_security_group_id"),
  ],
  alicloud_ecs_launch_template: [
    { attribute: "security_group_ids", target: "alicloud_security_group" },
    { attribute: "security_group_id", target: "alicloud_security_group" },
    { attribute: "ram_role_name", target: "alicloud_ram_role", by: "role_name" },
  ],
  alicloud_instance: [
    securityGroup("security_groups"),
    { attribute: "role_name", target: "alicloud_ram_role", by: "role_name" },
    { attribute: "launch_template_id", target: "alicloud_ecs_launch_template" },
    { attribute: "launch_template_name", target: "alicloud_ecs_launch_template", by: "launch_template_name" },
  ],
  alicloud_ess_scaling_group: [
    { attribute: "launch_template_id", target: "alicloud_ecs_launch_template" },
    serverGroup("alb_server_group.alb_server_group_id"),
  ],
  alicloud_ess_scaling_rule: [scalingGroup],
  alicloud_ess_lifecycle_hook: [
    scalingGroup,
    { attribute: "notification_arn", target: "alicloud_message_service_queue", by: "queue_name", names: queueOfArn },
  ],
  alicloud_ess_instance_refresh: [
    scalingGroup,
    { attribute: "desired_configuration_launch_template_id", target: "alicloud_ecs_launch_template" },
  ],
  alicloud_alb_load_balancer: [
    { attribute: "access_log_config.log_project", target: "alicloud_log_project", by: "project_name" },
    { attribute: "access_log_config.log_store", target: "alicloud_log_store", by: "logstore_name" },
  ],
  alicloud_alb_load_balancer_security_group_attachment: [loadBalancer, securityGroup("security_group_id")],
  alicloud_alb_listener: [
    loadBalancer,
    serverGroup("default_actions.forward_group_config.server_group_tuples.server_group_id"),
    { attribute: "acl_config.acl_relations.acl_id", target: "alicloud_alb_acl", holds: true },
  ],
  alicloud_alb_rule: [listener, serverGroup("rule_actions.forward_group_config.server_group_tuples.server_group_id")],
  alicloud_alb_acl_entry_attachment: [acl],
  alicloud_alb_listener_acl_attachment: [listener, { ...acl, holds: true }],
  alicloud_log_store: [{ attribute: "project_name", target: "alicloud_log_project", by: "project_name" }],
  alicloud_log_store_index: [
    { attribute: "project", target: "alicloud_log_project", by: "project_name" },
    { attribute: "logstore", target: "alicloud_log_store", by: "id", names: (store, state) => `${textOf(state.project)}:${store}` },
  ],
  alicloud_oss_bucket: [{ ...bucket, attribute: "logging.target_bucket" }],
  alicloud_oss_bucket_acl: [bucket],
  alicloud_oss_bucket_versioning: [bucket],
  alicloud_oss_bucket_public_access_block: [bucket],
  alicloud_oss_bucket_server_side_encryption: [bucket],
  alicloud_oss_bucket_https_config: [bucket],
  alicloud_oss_bucket_object: [bucket],
  alicloud_pvtz_zone_attachment: [{ ...zone, holds: true }],
  alicloud_pvtz_zone_record: [zone],
  alicloud_event_bridge_event_source_v2: [
    eventBus,
    { attribute: "source_mns_parameters.queue_name", target: "alicloud_message_service_queue", by: "queue_name" },
    { attribute: "source_sls_parameters.project", target: "alicloud_log_project", by: "project_name" },
    { attribute: "source_sls_parameters.role_name", target: "alicloud_ram_role", by: "role_name" },
  ],
  alicloud_event_bridge_rule: [{ ...eventBus, holds: true }],
  alicloud_message_service_queue: [
    { attribute: "dlq_policy.dead_letter_target_queue", target: "alicloud_message_service_queue", by: "queue_name" },
  ],
};

/** The names of the target that a resource holds in this argument. */
export function namedBy(reference: Reference, state: ValueMap): string[] {
  const { names = (value: string): string => value } = reference;
  return elementsAt(state, reference.attribute)
    .filter((value: Value) => typeof value === "string" && value !== "")
    .map((value) => names(textOf(value), state))
    .filter((name) => name !== undefined);
}
