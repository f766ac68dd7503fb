import type { Asked } from "./answers";
import type { IamRequest } from "./iam";
import type { PolicyDocument } from "./policy-document";

/** A secret with a policy of its own. */
export interface GuardedSecret {
  readonly arn: string;
  readonly resourcePolicy: PolicyDocument;
}

/**
 * What reads, writes or moves a value: for administrators and granted readers, whatever IAM allows others. A batch is
 * read by whoever may read each secret of it.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
 */
export function aboutValue(secret: GuardedSecret): Asked<IamRequest>[] {
  return asked(secret, ["GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"]);
}

/** What does not: never denied, so that an apply can always mend a secret and its policy. */
export function notAboutValue(secret: GuardedSecret): Asked<IamRequest>[] {
  return asked(secret, [
    "DescribeSecret",
    "GetResourcePolicy",
    "PutResourcePolicy",
    "DeleteResourcePolicy",
    "ListSecretVersionIds",
    "TagResource",
    "UpdateSecret",
    "ReplicateSecretToRegions",
    "DeleteSecret",
    "RestoreSecret",
  ]);
}

function asked({ arn, resourcePolicy }: GuardedSecret, actions: readonly string[]): Asked<IamRequest>[] {
  return actions.map((action) => ({ what: action, action: `secretsmanager:${action}`, resource: arn, resourcePolicy }));
}
