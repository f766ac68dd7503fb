"""Fault: a target tracking policy is read back without Enabled and with an empty PredictiveScalingConfiguration.

Every plan then wants to change both.
"""

from typing import Any

from moto.autoscaling.models import AutoScalingBackend, FakeScalingPolicy

from .replace import replace

_put_scaling_policy = AutoScalingBackend.put_scaling_policy


def mend() -> None:
    """Answer a policy as it was put: enabled, and predictive only when that was asked for."""
    replace(AutoScalingBackend, put_scaling_policy)


def put_scaling_policy(backend: AutoScalingBackend, *args: Any, **kwargs: Any) -> FakeScalingPolicy:
    """Put the policy as moto does, then complete what is read back."""
    policy = _put_scaling_policy(backend, *args, **kwargs)
    policy.enabled = True  # type: ignore[attr-defined]
    policy.predictive_scaling_configuration = policy.predictive_scaling_configuration or None  # type: ignore[assignment]
    return policy
