"""Fault: an Auto Scaling group forgets DefaultInstanceWarmup and MaxInstanceLifetime, so every plan adds them again."""

from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from .replace import replace

_KEPT = {"DefaultInstanceWarmup": "default_instance_warmup", "MaxInstanceLifetime": "max_instance_lifetime"}
_create = AutoScalingResponse.create_auto_scaling_group
_update = AutoScalingResponse.update_auto_scaling_group


def mend() -> None:
    """Keep both settings on creation and on update."""
    replace(AutoScalingResponse, create_auto_scaling_group)
    replace(AutoScalingResponse, update_auto_scaling_group)


def create_auto_scaling_group(response: AutoScalingResponse) -> ActionResult:
    """Create the group, then keep what moto does not."""
    _create(response)
    return _keep(response)


def update_auto_scaling_group(response: AutoScalingResponse) -> ActionResult:
    """Update the group, then keep what moto does not."""
    _update(response)
    return _keep(response)


def _keep(response: AutoScalingResponse) -> ActionResult:
    group: FakeAutoScalingGroup = response.autoscaling_backend.autoscaling_groups[
        response._get_param("AutoScalingGroupName")
    ]
    for parameter, attribute in _KEPT.items():
        value: Any = response._get_param(parameter)
        if value is not None:
            setattr(group, attribute, int(value))
    return EmptyResult()
