"""Fault: a Deny statement of a bucket policy applies even when its Condition does not.

"Deny everything over plain HTTP" then refuses every upload. Moto's server cannot tell TLS from its absence in a way
that a policy could use, so every request counts as one over TLS; a condition on anything else is not met.
"""

import json
from typing import Any

from moto.iam.access_control import IAMPolicy
from moto.s3.models import FakeBucket

from .replace import replace

_SECURE_TRANSPORT = "aws:SecureTransport"
_get_permission = FakeBucket.get_permission


def mend() -> None:
    """Judge a request by the statements that apply to it."""
    replace(FakeBucket, get_permission)


def get_permission(bucket: FakeBucket, action: str, resource: str) -> Any:
    """Ask moto about the policy without the Deny statements whose condition is not met."""
    if bucket.policy is None:
        return _get_permission(bucket, action, resource)
    policy = json.loads(bucket.policy)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    applying = [_without_condition(statement) for statement in statements if _applies(statement)]
    return IAMPolicy(json.dumps({**policy, "Statement": applying})).is_action_permitted(action, resource)


def _applies(statement: dict[str, Any]) -> bool:
    if statement["Effect"] != "Deny":
        return True
    return all(_met(operator, keys) for operator, keys in statement.get("Condition", {}).items())


def _met(operator: str, keys: dict[str, Any]) -> bool:
    return operator == "Bool" and all(
        key == _SECURE_TRANSPORT and str(value).lower() == "true" for key, value in keys.items()
    )


def _without_condition(statement: dict[str, Any]) -> dict[str, Any]:
    if statement["Effect"] != "Deny":
        return statement
    return {key: value for key, value in statement.items() if key != "Condition"}
