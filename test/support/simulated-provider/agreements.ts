import type { SimulatedResource } from "./simulated-cloud";
import { sameValue, textOf, type ValueMap } from "./wire";

/** The resources of the cloud, as far as it is asked whether they agree. */
export interface Neighbours {
  list(type: string): readonly SimulatedResource[];
}

/** Why the cloud refuses a resource beside what is there, or the change of one that is there; or nothing. */
type Agreement = (state: ValueMap, neighbours: Neighbours, prior: ValueMap | undefined) => string | undefined;

/** A deleted secret whose name is held until its recovery window has passed. */
export const SECRET_IN_WINDOW = "secret_in_delete_window";

const AGREEMENTS: Readonly<Record<string, Agreement>> = {
  // KMS CreateSecret, PutSecretValue
  alicloud_kms_secret: (state, neighbours, prior) => {
    const name = textOf(state.secret_name);
    if (neighbours.list(SECRET_IN_WINDOW).some(({ id }) => id === state.id)) {
      return `Rejected.ResourceInDeleteWindow: the secret ${name} is planned to be deleted`;
    }
    const key = neighbours.list("alicloud_kms_key").find(({ id }) => id === state.encryption_key_id);
    // Its pages name no code for it.
    if (key !== undefined && instanceOf(key.attributes) !== instanceOf(state)) {
      return `Forbidden.DKMSInstanceNotMatch: the secret ${name} is of the KMS instance "${instanceOf(state)}", and its key of "${instanceOf(key.attributes)}"`;
    }
    const isSameVersion = prior !== undefined && sameValue(prior.version_id, state.version_id);
    return isSameVersion && !sameValue(prior.secret_data, state.secret_data)
      ? `Rejected.ResourceExist: the secret ${name} has a version ${textOf(state.version_id)} already, with another value`
      : undefined;
  },
};

/** @param prior what the resource was before a change */
export function disagreementOf(type: string, state: ValueMap, neighbours: Neighbours, prior?: ValueMap): string | undefined {
  return AGREEMENTS[type]?.(state, neighbours, prior);
}

/** What a deleted resource leaves behind. */
export function leftBehind(type: string, state: ValueMap): { readonly type: string; readonly state: ValueMap } | undefined {
  return type === "alicloud_kms_secret" && state.force_delete_without_recovery !== true
    ? { type: SECRET_IN_WINDOW, state: { id: state.id ?? null } }
    : undefined;
}

/** Empty: the shared KMS. */
function instanceOf(attributes: Readonly<ValueMap>): string {
  return typeof attributes.dkms_instance_id === "string" ? attributes.dkms_instance_id : "";
}
