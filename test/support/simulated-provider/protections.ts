import type { Neighbours } from "./agreements";
import { valuesAt } from "./paths";
import type { ValueMap } from "./wire";

/** Why the cloud refuses to delete a resource, or nothing. */
type Protection = (state: ValueMap, neighbours: Neighbours) => string | undefined;

const PROTECTIONS: Readonly<Record<string, Protection>> = {
  // ALB DeleteLoadBalancer
  alicloud_alb_load_balancer: (state) =>
    state.deletion_protection_enabled === true
      ? "OperationDenied.DeletionProtection: deletion protection of the load balancer is enabled"
      : undefined,
  // ESS DeleteScalingGroup; the provider's ForceDelete does not lift it
  alicloud_ess_scaling_group: (state) =>
    state.group_deletion_protection === true
      ? "IncorrectScalingGroupStatus: GroupDeletionProtection of the scaling group is enabled"
      : undefined,
  // ECS DeleteInstance
  alicloud_instance: (state) =>
    state.deletion_protection === true ? "InvalidOperation.DeletionProtection: deletion protection of the instance is enabled" : undefined,
  // KMS ScheduleKeyDeletion; that the window must be set is the provider's own check
  alicloud_kms_key: (state) => {
    if (state.deletion_protection === "Enabled") return "Rejected.DeletionProtection: deletion protection of the key is enabled";
    const window = [...valuesAt(state, "pending_window_in_days"), ...valuesAt(state, "deletion_window_in_days")].some(
      (days) => Number(days) > 0,
    );
    return window ? undefined : 'Argument "pending_window_in_days" or "deletion_window_in_days" must be set one!';
  },
  // OSS DeleteBucket; the provider empties the bucket first when force_destroy is set
  alicloud_oss_bucket: (state, neighbours) => {
    if (state.force_destroy === true) return undefined;
    const held = neighbours.list("alicloud_oss_bucket_object").some((object) => object.attributes.bucket === state.bucket);
    const versions = neighbours.list(NONCURRENT_OBJECT).some((object) => object.attributes.bucket === state.bucket);
    if (held) return "BucketNotEmpty: the bucket you tried to delete is not empty";
    return versions
      ? "BucketNotEmpty: the bucket you tried to delete is not empty: it keeps noncurrent versions of deleted objects"
      : undefined;
  },
};

/** A deleted object of a versioned bucket: DeleteObject without a version id leaves its versions and a marker. */
export const NONCURRENT_OBJECT = "noncurrent_object";

export function protectionOf(type: string, state: ValueMap, neighbours: Neighbours): string | undefined {
  return PROTECTIONS[type]?.(state, neighbours);
}
