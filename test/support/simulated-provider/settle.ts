import { createHash } from "node:crypto";
import { ALIASES, RECOMPUTED } from "./defaults";
import { objectFacts } from "./invented";
import { elementsAt } from "./paths";
import { asMap, sameValue, textOf, Unknown, type Value, type ValueMap } from "./wire";

/** What the cloud brings in line by itself after a create (no prior) or an update. */
export function settle(type: string, prior: ValueMap | undefined, state: ValueMap): ValueMap {
  const next = withAliases(type, prior, state);
  if (type === "alicloud_alb_load_balancer") return withProtection(prior, next);
  if (type === "alicloud_ecs_launch_template") return withVersion(prior, next);
  if (type === "alicloud_oss_bucket_object" && prior) return { ...next, ...objectFacts(next) };
  if (/^vault_\w+_role$/.test(type)) return withLowerCasePolicies(next);
  return next;
}

/** The instances of a scaling group in one server group. */
export function groupMembers(group: ValueMap, serverGroupId: string): ValueMap[] {
  const attachment = elementsAt(group, "alb_server_group")
    .map(asMap)
    .find((element) => element.alb_server_group_id === serverGroupId);
  if (!attachment) return [];
  const size = Number(group.desired_capacity ?? group.min_size ?? 0);
  return Array.from({ length: size }, (_none, index) => ({
    server_id: `i-${createHash("md5")
      .update(`${textOf(group.id)} ${index}`)
      .digest("hex")
      .slice(0, 18)}`,
    server_type: "Ecs",
    server_ip: `10.0.${index % 2}.${10 + index}`,
    server_group_id: serverGroupId,
    port: attachment.port ?? null,
    weight: attachment.weight ?? null,
    description: null,
    remote_ip_enabled: false,
    status: "Available",
  }));
}

function withAliases(type: string, prior: ValueMap | undefined, state: ValueMap): ValueMap {
  const next = { ...state };
  for (const [old, current] of ALIASES[type] ?? []) {
    const given = prior
      ? !sameValue(prior[old], state[old]) && sameValue(prior[current], state[current])
      : isSet(state[old]) && !isSet(state[current]);
    const [from, to] = given ? [old, current] : [current, old];
    if (isSet(next[from])) next[to] = next[from] ?? null;
  }
  return next;
}

function isSet(value: Value | undefined): boolean {
  return value !== undefined && value !== null && value !== "" && !(value instanceof Unknown);
}

/** Two arguments switch the same protection; the one that changed wins (provider source). */
function withProtection(prior: ValueMap | undefined, state: ValueMap): ValueMap {
  const [block] = elementsAt(state, "deletion_protection_config.enabled");
  const changed = prior && !sameValue(prior.deletion_protection_enabled, state.deletion_protection_enabled);
  if (block === undefined || block instanceof Unknown) return state;
  const enabled = changed ? (state.deletion_protection_enabled ?? block) : block;
  const config = elementsAt(state, "deletion_protection_config").map((element) => ({ ...asMap(element), enabled }));
  return { ...state, deletion_protection_enabled: enabled, deletion_protection_config: config };
}

/** Vault makes the names of policies lower-case. */
function withLowerCasePolicies(state: ValueMap): ValueMap {
  const { token_policies: policies = null } = state;
  return Array.isArray(policies) ? { ...state, token_policies: policies.map((name) => textOf(name).toLowerCase()) } : state;
}

/** Every change of what an instance gets makes a new version of the template. */
function withVersion(prior: ValueMap | undefined, state: ValueMap): ValueMap {
  if (!prior) return state;
  const triggers = RECOMPUTED.alicloud_ecs_launch_template?.latest_version_number ?? [];
  const changed = triggers.some((name) => !sameValue(prior[name], state[name]));
  const latest = Number(prior.latest_version_number) + (changed ? 1 : 0);
  const version = state.update_default_version_number === true ? latest : (state.default_version_number ?? 1);
  return { ...state, latest_version_number: latest, default_version_number: version };
}
