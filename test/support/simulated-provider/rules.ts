import { valuesAt } from "./paths";
import {
  atLeast,
  between,
  conflictsWith,
  distinct,
  exactlyOneOf,
  isBase64UpTo,
  isJson,
  isSystemArn,
  length,
  matches,
  maxBytes,
  neededInEach,
  neededWhen,
  notBelow,
  oneOf,
  orOneOf,
  portRangeOfProtocol,
  removed,
  type Check,
} from "./rule-checks";
import type { ValueMap } from "./wire";

/** What the provider refuses at plan, or the cloud at apply, and no schema tells. */
export interface Rule {
  readonly type: string;
  /** Dotted path of the argument, through nested blocks. */
  readonly attribute: string;
  /** `provider`: refused by validate and plan; `cloud`: refused by the API at apply. */
  readonly by: "provider" | "cloud";
  readonly check: Check;
  readonly source: string;
}

type TypedRule = Omit<Rule, "type">;

/** A rule of terraform-provider-alicloud 1.289.0: ValidateFunc, ConflictsWith, AtLeastOneOf, Removed. */
function provider(attribute: string, check: Check): TypedRule {
  return { attribute, by: "provider", check, source: "terraform-provider-alicloud 1.289.0" };
}

/** A rule of terraform-provider-vault 5.6.0. */
function vaultProvider(attribute: string, check: Check): TypedRule {
  return { attribute, by: "provider", check, source: "terraform-provider-vault 5.6.0" };
}

/** A rule of the cloud's API; `source` names the call or the document. */
function cloud(attribute: string, check: Check, source: string): TypedRule {
  return { attribute, by: "cloud", check, source };
}

const DISK_CATEGORIES = ["all", "cloud", "ephemeral_ssd", "cloud_essd", "cloud_efficiency", "cloud_ssd", "local_disk"];
const PERFORMANCE_LEVELS = oneOf("PL0", "PL1", "PL2", "PL3");
const NO_URL = matches(/^(?!https?:\/\/)/, 'it cannot begin with "http://", "https://".');
const ECS_TYPE = matches(/^ecs\..*/, "prefix must be 'ecs.'");
const HEADER_NAME = matches(/^[A-Za-z0-9_-]{1,40}$/, "the name of a header has 1 to 40 letters, digits, underscores (_), and hyphens (-)");
const SYSTEM_NAME = matches(
  /^[a-zA-Z\p{Script=Han}](?!ttps?:\/\/)[\p{Script=Han}\w.:-]{1,127}$/u,
  "2 to 128 characters, the first a letter",
);
const NAMESPACE = matches(/^[^/](.*[^/])?$/, "cannot have leading or trailing slashes");
/** Narrower than HCL: paths, and what they allow. */
const VAULT_POLICY = matches(
  /^(\s*path\s+"[^"]+"\s*\{\s*capabilities\s*=\s*\[\s*"(create|read|update|patch|delete|list|sudo|deny)"(\s*,\s*"(create|read|update|patch|delete|list|sudo|deny)")*\s*\]\s*\})+\s*$/,
  "failed to parse policy",
);
const VAULT_TOKEN_TYPE = oneOf("default", "service", "batch", "default-service", "default-batch");
const VAULT_EC2_BOUNDS = [
  "bound_account_ids",
  "bound_ami_ids",
  "bound_ec2_instance_ids",
  "bound_iam_instance_profile_arns",
  "bound_iam_role_arns",
  "bound_regions",
  "bound_subnet_ids",
  "bound_vpc_ids",
];
const STORE_NAME = matches(
  /^[a-z0-9](?:[a-z0-9_-]{1,61})[a-z0-9]$/,
  "3 to 63 lower-case letters, digits, hyphens (-), underscores (_); no sign at the ends",
);
const USER_DATA = "ECS instance user data: base64, 16 KB";

const RULES_BY_TYPE: Record<string, readonly TypedRule[]> = {
  alicloud_ram_role: [
    provider("assume_role_policy_document", isJson),
    provider("assume_role_policy_document", conflictsWith("document", "version", "ram_users", "services")),
    provider("document", isJson),
    provider("role_name", conflictsWith("name")),
    cloud("role_name", orOneOf("name"), "RAM CreateRole"),
    cloud("role_name", matches(/^[A-Za-z0-9.-]{1,64}$/, "1 to 64 letters, digits, periods (.) and hyphens (-)"), "RAM CreateRole"),
    cloud("assume_role_policy_document", orOneOf("document", "ram_users", "services"), "RAM CreateRole"),
    cloud("max_session_duration", between(3600, 43200), "RAM CreateRole"),
  ],
  alicloud_ram_policy: [
    provider("policy_document", isJson),
    provider("policy_document", conflictsWith("document", "version", "statement")),
    provider("document", isJson),
    provider("policy_name", conflictsWith("name")),
    provider("rotate_strategy", oneOf("None", "DeleteOldestNonDefaultVersionWhenLimitExceeded")),
    cloud("policy_document", maxBytes(6144), "RAM CreatePolicy"),
    cloud("policy_document", orOneOf("document", "statement"), "RAM CreatePolicy"),
    cloud("policy_name", orOneOf("name"), "RAM CreatePolicy"),
    cloud("policy_name", matches(/^[A-Za-z0-9-]{1,128}$/, "1 to 128 letters, digits and hyphens (-)"), "RAM CreatePolicy"),
  ],
  alicloud_ram_role_policy_attachment: [provider("policy_type", oneOf("System", "Custom"))],
  alicloud_kms_key: [
    provider(
      "key_spec",
      oneOf("Aliyun_AES_256", "Aliyun_AES_128", "Aliyun_AES_192", "Aliyun_SM4", "RSA_2048", "RSA_3072", "EC_P256", "EC_SM2", "EC_P256K"),
    ),
    provider("key_usage", oneOf("ENCRYPT/DECRYPT", "SIGN/VERIFY")),
    provider("origin", oneOf("Aliyun_KMS", "EXTERNAL")),
    provider("protection_level", oneOf("SOFTWARE", "HSM")),
    provider("automatic_rotation", oneOf("Enabled", "Disabled")),
    provider("deletion_protection", oneOf("Enabled", "Disabled")),
    provider("status", oneOf("Enabled", "Disabled", "PendingDeletion")),
    provider("pending_window_in_days", between(7, 366)),
    provider("pending_window_in_days", conflictsWith("deletion_window_in_days")),
    cloud("dkms_instance_id", matches(/^kst-[A-Za-z0-9]+$/, 'it starts with "kst-"'), "KMS CreateKey"),
    cloud("rotation_interval", neededWhen("automatic_rotation", "Enabled"), "KMS CreateKey"),
    cloud("rotation_interval", matches(/^\d+[dhms]$/, 'a number and a unit, like "7d" or "604800s"'), "KMS CreateKey"),
  ],
  alicloud_kms_alias: [cloud("alias_name", matches(/^alias\/[A-Za-z0-9_/-]{1,249}$/, 'it starts with "alias/"'), "KMS CreateAlias")],
  alicloud_kms_secret: [
    provider("secret_type", oneOf("Generic", "Rds", "Redis", "RAMCredentials", "ECS", "PolarDB")),
    provider("secret_data_type", oneOf("text", "binary")),
    cloud(
      "secret_name",
      matches(/^(?!acs\/)[A-Za-z0-9_/+=.@-]{1,192}$/, "up to 192 of A-Z a-z 0-9 _/+=.@- and not starting with acs/"),
      "KMS CreateSecret",
    ),
    cloud("secret_data", maxBytes(30720), "KMS CreateSecret"),
    cloud("version_id", length(1, 64), "KMS PutSecretValue"),
    cloud("recovery_window_in_days", between(7, 30), "KMS DeleteSecret"),
    cloud("policy", maxBytes(32768), "KMS SetSecretPolicy"),
  ],
  alicloud_security_group: [
    provider("inner_access_policy", oneOf("Accept", "Drop")),
    provider("inner_access_policy", conflictsWith("inner_access")),
    provider("security_group_type", oneOf("normal", "enterprise")),
    cloud("security_group_name", SYSTEM_NAME, "ECS CreateSecurityGroup"),
  ],
  alicloud_security_group_rule: [
    provider("type", oneOf("ingress", "egress")),
    provider("ip_protocol", oneOf("tcp", "udp", "icmp", "icmpv6", "gre", "all")),
    provider("policy", oneOf("accept", "drop")),
    provider("nic_type", oneOf("internet", "intranet")),
    provider("priority", between(1, 100)),
    provider("cidr_ip", orOneOf("ipv6_cidr_ip", "source_security_group_id", "prefix_list_id")),
    provider("ipv6_cidr_ip", conflictsWith("cidr_ip")),
    provider("source_security_group_id", conflictsWith("cidr_ip")),
    cloud("cidr_ip", matches(/^(\d{1,3}\.){3}\d{1,3}(\/\d{1,2})?$/, "an IPv4 address or block"), "ECS AuthorizeSecurityGroup"),
    cloud("port_range", portRangeOfProtocol, "ECS AuthorizeSecurityGroup"),
  ],
  alicloud_ecs_launch_template: [
    provider("instance_type", ECS_TYPE),
    provider("launch_template_name", conflictsWith("name")),
    provider("description", length(2, 256)),
    provider("description", NO_URL),
    provider(
      "instance_name",
      matches(/^[a-zA-Z\p{Script=Han}][\p{Script=Han}\w.:,[\]-]{1,127}$/u, "it must begin with an English or a Chinese character"),
    ),
    provider("instance_charge_type", oneOf("PostPaid", "PrePaid")),
    provider("internet_charge_type", oneOf("PayByBandwidth", "PayByTraffic")),
    provider("internet_max_bandwidth_out", between(0, 100)),
    provider("network_type", oneOf("classic", "vpc")),
    provider("security_enhancement_strategy", oneOf("Active", "Deactive")),
    provider("spot_strategy", oneOf("NoSpot", "SpotAsPriceGo", "SpotWithPriceLimit")),
    provider("http_put_response_hop_limit", between(1, 64)),
    provider("default_version_number", atLeast(1)),
    provider("update_default_version_number", conflictsWith("default_version_number")),
    provider("user_data", conflictsWith("userdata")),
    provider("system_disk", conflictsWith("system_disk_category", "system_disk_description", "system_disk_name", "system_disk_size")),
    provider("system_disk.category", oneOf(...DISK_CATEGORIES)),
    provider("system_disk.performance_level", PERFORMANCE_LEVELS),
    provider("system_disk.name", matches(/^[a-zA-Z\p{Script=Han}][\p{Script=Han}\w.:-]{1,127}$/u, "it must begin with a letter")),
    provider("system_disk.description", length(2, 256)),
    provider("data_disks.name", matches(/^[a-zA-Z\p{Script=Han}][\p{Script=Han}\w.:-]{1,127}$/u, "it must begin with a letter")),
    provider("data_disks.description", length(2, 256)),
    cloud("launch_template_name", SYSTEM_NAME, "ECS CreateLaunchTemplate"),
    cloud("http_tokens", oneOf("optional", "required"), "ECS CreateLaunchTemplate"),
    cloud("http_endpoint", oneOf("enabled", "disabled"), "ECS CreateLaunchTemplate"),
    cloud("data_disks.category", oneOf(...DISK_CATEGORIES.slice(1)), "ECS CreateLaunchTemplate"),
    cloud("user_data", isBase64UpTo(16 * 1024), USER_DATA),
  ],
  alicloud_instance: [
    provider("image_id", orOneOf("launch_template_id", "launch_template_name")),
    provider("instance_type", orOneOf("launch_template_id", "launch_template_name")),
    provider("instance_type", ECS_TYPE),
    provider("instance_name", length(2, 128)),
    provider("description", length(2, 256)),
    provider("system_disk_category", oneOf(...DISK_CATEGORIES, "cloud_auto", "cloud_essd_entry")),
    provider("system_disk_performance_level", PERFORMANCE_LEVELS),
    provider("system_disk_name", length(2, 128)),
    provider("instance_charge_type", oneOf("PrePaid", "PostPaid")),
    provider("internet_charge_type", oneOf("PayByBandwidth", "PayByTraffic")),
    provider("http_tokens", oneOf("optional", "required")),
    provider("http_endpoint", oneOf("enabled", "disabled")),
    provider("http_put_response_hop_limit", between(1, 64)),
    provider("spot_strategy", oneOf("NoSpot", "SpotAsPriceGo", "SpotWithPriceLimit")),
    provider("status", oneOf("Running", "Stopped")),
    provider("stopped_mode", oneOf("StopCharging", "KeepCharging", "Not-applicable")),
    provider("io_optimized", removed("Field `io_optimized` has been removed from provider version 1.213.1.")),
    provider("subnet_id", removed("Field 'subnet_id' has been removed from version 1.210.0")),
    cloud("security_groups", orOneOf("launch_template_id", "launch_template_name", "network_interface_id"), "ECS RunInstances"),
    cloud("user_data", maxBytes(16 * 1024), USER_DATA),
  ],
  alicloud_ess_scaling_group: [
    provider("min_size", between(0, 2000)),
    provider("max_size", between(0, 2000)),
    provider("desired_capacity", between(0, 2000)),
    provider("default_cooldown", between(0, 86400)),
    provider("health_check_type", oneOf("ECS", "NONE", "LOAD_BALANCER")),
    provider("health_check_type", conflictsWith("health_check_types")),
    provider("max_instance_lifetime", atLeast(86400)),
    provider("multi_az_policy", oneOf("PRIORITY", "BALANCE", "COST_OPTIMIZED", "COMPOSABLE")),
    provider("balance_mode", oneOf("BalancedBestEffort", "BalancedOnly")),
    provider("stop_instance_timeout", between(30, 240)),
    provider("scaling_policy", oneOf("recycle", "release", "forceRecycle", "forceRelease")),
    provider("group_type", oneOf("ECS", "ECI")),
    provider("on_demand_percentage_above_base_capacity", between(0, 100)),
    cloud("max_size", notBelow("min_size"), "ESS CreateScalingGroup"),
    cloud("desired_capacity", notBelow("min_size"), "ESS CreateScalingGroup"),
    cloud("vswitch_ids", orOneOf("vswitch_id"), "ESS CreateScalingGroup"),
    cloud(
      "scaling_group_name",
      matches(/^[\p{Script=Han}A-Za-z0-9][\p{Script=Han}\w.-]{1,63}$/u, "2 to 64 letters, digits, _ . -"),
      "ESS CreateScalingGroup",
    ),
    cloud("launch_template_version", matches(/^(\d+|Latest|Default)$/, "a number, Latest or Default"), "ESS CreateScalingGroup"),
    cloud("alb_server_group.port", between(1, 65535), "ESS AttachAlbServerGroups"),
    cloud("alb_server_group.weight", between(0, 100), "ESS AttachAlbServerGroups"),
  ],
  alicloud_ess_scaling_rule: [
    provider("scaling_rule_type", oneOf("SimpleScalingRule", "TargetTrackingScalingRule", "StepScalingRule", "PredictiveScalingRule")),
    provider("adjustment_type", oneOf("QuantityChangeInCapacity", "PercentChangeInCapacity", "TotalCapacity")),
    provider("cooldown", between(0, 86400)),
    provider("predictive_scaling_mode", oneOf("PredictOnly", "PredictAndScale")),
    cloud("metric_name", neededWhen("scaling_rule_type", "TargetTrackingScalingRule", "PredictiveScalingRule"), "ESS CreateScalingRule"),
    cloud("target_value", neededWhen("scaling_rule_type", "TargetTrackingScalingRule", "PredictiveScalingRule"), "ESS CreateScalingRule"),
  ],
  alicloud_ess_lifecycle_hook: [
    provider("lifecycle_transition", oneOf("SCALE_IN", "SCALE_OUT")),
    provider("heartbeat_timeout", between(30, 21600)),
    provider("default_result", oneOf("CONTINUE", "ABANDON", "ROLLBACK")),
    cloud("notification_arn", isSystemArn(["mns", "ess", "oos"]), "ESS CreateLifecycleHook"),
  ],
  alicloud_ess_instance_refresh: [
    provider("min_healthy_percentage", between(0, 100)),
    provider("max_healthy_percentage", between(100, 200)),
    cloud(
      "desired_configuration_launch_template_version",
      matches(/^(\d+|Latest|Default)$/, "a number, Latest or Default"),
      "ESS StartInstanceRefresh",
    ),
  ],
  alicloud_alb_load_balancer: [
    provider("address_type", oneOf("Internet", "Intranet")),
    provider("address_allocated_mode", oneOf("Fixed", "Dynamic")),
    provider("load_balancer_billing_config.pay_type", oneOf("PayAsYouGo")),
    cloud("zone_mappings", distinct(2, "zone_id"), "ALB CreateLoadBalancer: at least two zones"),
    cloud("load_balancer_edition", oneOf("Basic", "Standard", "StandardWithWaf"), "ALB CreateLoadBalancer"),
    cloud(
      "load_balancer_name",
      matches(/^[a-zA-Z\p{Script=Han}][\p{Script=Han}\w.-]{1,127}$/u, "2 to 128 characters, the first a letter"),
      "ALB CreateLoadBalancer",
    ),
    cloud("modification_protection_config.status", oneOf("NonProtection", "ConsoleProtection"), "ALB CreateLoadBalancer"),
  ],
  alicloud_alb_server_group: [
    provider("protocol", oneOf("HTTP", "HTTPS", "GRPC")),
    provider("scheduler", oneOf("Wrr", "Wlc", "Sch", "Uch")),
    provider("health_check_config.health_check_method", oneOf("GET", "POST", "HEAD")),
    provider("health_check_config.health_check_protocol", oneOf("HTTP", "HTTPS", "TCP", "GRPC")),
    provider("health_check_config.health_check_http_version", oneOf("HTTP1.0", "HTTP1.1")),
    provider("health_check_config.health_check_interval", between(0, 50)),
    provider("health_check_config.health_check_timeout", between(0, 300)),
    provider("health_check_config.health_check_connect_port", between(0, 65535)),
    provider("health_check_config.healthy_threshold", between(2, 10)),
    provider("health_check_config.unhealthy_threshold", between(2, 10)),
    provider("sticky_session_config.sticky_session_type", oneOf("Insert", "Server")),
    provider("sticky_session_config.cookie_timeout", between(0, 86400)),
    provider("servers.port", between(0, 65535)),
    cloud("server_group_type", oneOf("Instance", "Ip", "Fc"), "ALB CreateServerGroup"),
    cloud("connection_drain_config.connection_drain_timeout", between(0, 900), "ALB CreateServerGroup"),
    cloud("slow_start_config.slow_start_duration", between(30, 900), "ALB CreateServerGroup"),
    cloud("health_check_config.health_check_path", matches(/^\/.{0,79}$/, "up to 80 characters, the first a /"), "ALB CreateServerGroup"),
    cloud("health_check_config.health_check_codes", oneOf("http_2xx", "http_3xx", "http_4xx", "http_5xx"), "ALB CreateServerGroup"),
    cloud("server_group_name", SYSTEM_NAME, "ALB CreateServerGroup"),
  ],
  alicloud_alb_listener: [
    provider("listener_protocol", oneOf("HTTP", "HTTPS", "QUIC")),
    provider("listener_port", between(0, 65535)),
    provider("idle_timeout", between(0, 600)),
    provider("request_timeout", between(0, 600)),
    provider("xforwarded_for_config", conflictsWith("x_forwarded_for_config")),
    provider("acl_config.acl_type", oneOf("White", "Black")),
    provider("access_log_tracing_config.tracing_sample", between(0, 10000)),
    provider("access_log_tracing_config.tracing_type", oneOf("Zipkin")),
    cloud("listener_port", between(1, 65535), "ALB CreateListener"),
    cloud("certificates", neededWhen("listener_protocol", "HTTPS", "QUIC"), "ALB CreateListener"),
    cloud("default_actions.type", oneOf("ForwardGroup"), "ALB CreateListener"),
    cloud("default_actions", neededInEach("default_actions", "type", "ForwardGroup", "forward_group_config"), "ALB CreateListener"),
  ],
  alicloud_alb_rule: [
    provider("direction", oneOf("Request", "Response")),
    provider("rule_actions.order", between(1, 50000)),
    provider(
      "rule_actions.type",
      oneOf(
        "ForwardGroup",
        "Redirect",
        "FixedResponse",
        "Rewrite",
        "InsertHeader",
        "TrafficLimit",
        "TrafficMirror",
        "Cors",
        "RemoveHeader",
      ),
    ),
    provider(
      "rule_actions.fixed_response_config.content_type",
      oneOf("text/plain", "text/css", "text/html", "application/javascript", "application/json"),
    ),
    provider(
      "rule_actions.fixed_response_config.http_code",
      matches(/^[2-5][0-9]{2}$/, "the http code must be an HTTP_2xx,HTTP_4xx or HTTP_5xx"),
    ),
    provider("rule_actions.forward_group_config.server_group_tuples.weight", between(0, 100)),
    provider("rule_actions.insert_header_config.key", HEADER_NAME),
    provider("rule_actions.insert_header_config.value", length(1, 128)),
    provider("rule_actions.insert_header_config.value_type", oneOf("UserDefined", "ReferenceHeader", "SystemDefined")),
    provider("rule_actions.remove_header_config.key", HEADER_NAME),
    provider("rule_actions.redirect_config.http_code", oneOf("301", "302", "303", "307", "308")),
    provider("rule_actions.traffic_limit_config.qps", between(1, 100000)),
    provider("rule_actions.traffic_limit_config.per_ip_qps", between(1, 100000)),
    provider(
      "rule_conditions.type",
      oneOf("Host", "Path", "Header", "QueryString", "Method", "Cookie", "SourceIp", "ResponseHeader", "ResponseStatusCode"),
    ),
    provider("rule_conditions.header_config.key", HEADER_NAME),
    cloud("priority", between(1, 10000), "ALB CreateRule"),
    cloud(
      "rule_name",
      matches(/^[a-zA-Z\p{Script=Han}][\p{Script=Han}\w.-]{1,127}$/u, "2 to 128 characters, the first a letter"),
      "ALB CreateRule",
    ),
    cloud("rule_actions", neededInEach("rule_actions", "type", "ForwardGroup", "forward_group_config"), "ALB CreateRule"),
    cloud("rule_actions", neededInEach("rule_actions", "type", "FixedResponse", "fixed_response_config"), "ALB CreateRule"),
    cloud("rule_conditions", neededInEach("rule_conditions", "type", "Path", "path_config"), "ALB CreateRule"),
    cloud(
      "rule_conditions.path_config.values",
      matches(/^\/[A-Za-z0-9$\-_.+/&~@:'*?]{0,127}$/, "1 to 128 characters, the first a /"),
      "ALB CreateRule",
    ),
  ],
  alicloud_alb_acl: [cloud("acl_name", SYSTEM_NAME, "ALB CreateAcl")],
  alicloud_alb_acl_entry_attachment: [
    provider("description", length(1, 256)),
    cloud("entry", matches(/^[0-9a-f.:]+\/\d{1,3}$/i, "an IP block like 10.0.0.0/8"), "ALB AddEntriesToAcl"),
  ],
  alicloud_alb_listener_acl_attachment: [provider("acl_type", oneOf("White", "Black"))],
  alicloud_log_project: [
    provider("project_name", matches(/^[0-9a-zA-Z_-]+$/, "the name of the log project")),
    provider("project_name", exactlyOneOf("name")),
    cloud(
      "project_name",
      matches(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, "3 to 63 lower-case letters, digits and hyphens; no hyphen at the ends"),
      "SLS CreateProject",
    ),
  ],
  alicloud_log_store: [
    provider("logstore_name", exactlyOneOf("name")),
    provider("project_name", exactlyOneOf("project")),
    provider("max_split_shard_count", between(0, 256)),
    cloud("logstore_name", STORE_NAME, "SLS CreateLogStore"),
    cloud("retention_period", between(1, 3650), "SLS CreateLogStore"),
    cloud("mode", oneOf("standard", "query", "lite"), "SLS CreateLogStore"),
    cloud("max_split_shard_count", neededWhen("auto_split", "true"), "SLS CreateLogStore"),
  ],
  alicloud_log_store_index: [
    provider("field_search.type", oneOf("text", "long", "double", "json")),
    provider("field_search", orOneOf("full_text")),
  ],
  alicloud_oss_bucket: [
    provider("bucket", length(3, 63)),
    provider("acl", oneOf("private", "public-read", "public-read-write")),
    provider("storage_class", oneOf("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")),
    provider("redundancy_type", oneOf("LRS", "ZRS")),
    provider("versioning.status", oneOf("Enabled", "Suspended")),
    provider("server_side_encryption_rule.sse_algorithm", oneOf("AES256", "KMS", "SM4")),
    provider("server_side_encryption_rule.kms_data_encryption", oneOf("SM4")),
    cloud(
      "bucket",
      matches(/^[a-z0-9][a-z0-9-]*[a-z0-9]$/, "lower-case letters, digits and hyphens; no hyphen at the ends"),
      "OSS PutBucket",
    ),
  ],
  alicloud_oss_bucket_acl: [cloud("acl", oneOf("private", "public-read", "public-read-write"), "OSS PutBucketAcl")],
  alicloud_oss_bucket_versioning: [provider("status", matches(/^(enabled|suspended)$/i, "expected to be one of [Enabled, Suspended]"))],
  alicloud_oss_bucket_server_side_encryption: [
    provider("sse_algorithm", oneOf("KMS", "AES256", "SM4")),
    provider("kms_data_encryption", oneOf("SM4")),
  ],
  alicloud_oss_bucket_https_config: [
    cloud("tls_versions", oneOf("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"), "OSS PutBucketHttpsConfig"),
    cloud("tls_versions", neededWhen("enable", "true"), "OSS PutBucketHttpsConfig"),
  ],
  alicloud_oss_bucket_object: [
    provider("acl", oneOf("private", "public-read", "public-read-write")),
    provider("server_side_encryption", oneOf("KMS", "AES256")),
    provider("source", conflictsWith("content")),
    cloud("source", orOneOf("content"), 'provider, at create: Must specify "source" or "content" field'),
    cloud("key", matches(/^[^/\\][\s\S]{0,1022}$/, "up to 1023 bytes, the first neither / nor \\"), "OSS PutObject"),
  ],
  alicloud_pvtz_zone: [
    provider("zone_name", conflictsWith("name")),
    provider("proxy_pattern", oneOf("RECORD", "ZONE")),
    provider("lang", oneOf("en", "jp", "zh")),
    provider("sync_status", oneOf("ON", "OFF")),
    cloud("zone_name", orOneOf("name"), "PrivateZone AddZone"),
  ],
  alicloud_pvtz_zone_attachment: [provider("vpcs", conflictsWith("vpc_ids"))],
  alicloud_pvtz_zone_record: [
    provider("type", oneOf("A", "CNAME", "MX", "PTR", "SRV", "TXT")),
    provider("priority", between(1, 99)),
    provider("status", oneOf("DISABLE", "ENABLE")),
    provider("rr", conflictsWith("resource_record")),
    cloud("rr", orOneOf("resource_record"), "PrivateZone AddZoneRecord"),
  ],
  alicloud_event_bridge_event_bus: [provider("event_bus_name", length(0, 127))],
  alicloud_event_bridge_rule: [
    provider("status", oneOf("ENABLE", "DISABLE")),
    provider(
      "targets.type",
      oneOf(
        "acs.alikafka",
        "acs.api.destination",
        "acs.arms.loki",
        "acs.datahub",
        "acs.dingtalk",
        "acs.eventbridge",
        "acs.eventbridge.olap",
        "acs.eventbus.SLSCloudLens",
        "acs.fc.function",
        "acs.fnf",
        "acs.k8s",
        "acs.mail",
        "acs.mns.queue",
        "acs.mns.topic",
        "acs.openapi",
        "acs.rabbitmq",
        "acs.rds.mysql",
        "acs.rocketmq",
        "acs.sae",
        "acs.sls",
        "acs.sms",
        "ApacheKafkaSelf",
        "http",
        "https",
        "mysql",
      ),
    ),
    provider("targets.push_retry_strategy", oneOf("BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY")),
    provider("targets.param_list.form", oneOf("ORIGINAL", "TEMPLATE", "JSONPATH", "CONSTANT")),
    cloud("filter_pattern", isJson, "EventBridge CreateRule"),
  ],
  alicloud_message_service_queue: [
    provider("delay_seconds", between(0, 604800)),
    provider("maximum_message_size", between(1024, 65536)),
    provider("message_retention_period", between(60, 604800)),
    provider("polling_wait_seconds", between(0, 30)),
    provider("queue_type", oneOf("normal", "fifo")),
    provider("visibility_timeout", between(0, 43200)),
    cloud(
      "queue_name",
      matches(/^[A-Za-z][A-Za-z0-9-]{0,119}$/, "up to 120 letters, digits and hyphens, the first a letter"),
      "MNS CreateQueue",
    ),
  ],
  vault_policy: [vaultProvider("namespace", NAMESPACE), cloud("policy", VAULT_POLICY, "Vault sys/policies/acl")],
  vault_aws_auth_backend_role: [
    vaultProvider("namespace", NAMESPACE),
    cloud("auth_type", oneOf("iam", "ec2"), "Vault auth/aws/role"),
    cloud("bound_iam_principal_arns", orOneOf(...VAULT_EC2_BOUNDS), "Vault auth/aws/role: at least one bound parameter"),
    cloud("bound_iam_principal_arns", matches(/^arn:[a-z-]+:iam::\d{12}:/, "an ARN of IAM is needed"), "Vault auth/aws/role"),
    cloud("inferred_aws_region", neededWhen("inferred_entity_type", "ec2_instance"), "Vault auth/aws/role"),
    cloud("token_max_ttl", notBelow("token_ttl"), "Vault auth/aws/role: ttl exceeds max ttl"),
    cloud("token_type", VAULT_TOKEN_TYPE, "Vault auth/aws/role"),
  ],
  vault_alicloud_auth_backend_role: [
    vaultProvider("namespace", NAMESPACE),
    cloud("arn", matches(/^acs:ram:[^:]*:[^:]*:role\/.+$/, "an ARN of a RAM role is needed"), "vault-plugin-auth-alicloud parseARN"),
    cloud("token_max_ttl", notBelow("token_ttl"), "vault-plugin-auth-alicloud: ttl exceeds max ttl"),
    cloud("token_type", VAULT_TOKEN_TYPE, "Vault auth/alicloud/role"),
  ],
};

/** Every rule there is. */
export const RULES: readonly Rule[] = Object.entries(RULES_BY_TYPE).flatMap(([type, rules]) => rules.map((rule) => ({ type, ...rule })));

export interface Problem {
  readonly rule: Rule;
  readonly text: string;
}

/** What the rules of a type say against a configuration. */
export function problemsOf(type: string, config: ValueMap, by?: Rule["by"]): Problem[] {
  return RULES.filter((rule) => rule.type === type && (by === undefined || rule.by === by)).flatMap((rule) => {
    const problem = rule.check(present(config, rule.attribute), config, rule.attribute);
    return problem === undefined ? [] : [{ rule, text: `${type}: ${rule.attribute} ${problem} [${rule.source}]` }];
  });
}

/** What the configuration has at the path; elements of lists one by one, an empty list as nothing. */
function present(config: ValueMap, attribute: string) {
  return valuesAt(config, attribute).flatMap((value) => (Array.isArray(value) ? value : [value]));
}
