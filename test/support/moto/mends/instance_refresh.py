"""Fault: moto has no instance refresh; StartInstanceRefresh answers 500.

The mended refresh finishes at once: it replaces nothing, but takes its place in DescribeInstanceRefreshes, and refuses
what AWS refuses: an unknown group, percentages out of range, a span of more than 100.
"""

from typing import Any
from uuid import uuid4

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from .replace import replace


def mend() -> None:
    """Add the three refresh actions."""
    replace(AutoScalingResponse, start_instance_refresh)
    replace(AutoScalingResponse, describe_instance_refreshes)
    replace(AutoScalingResponse, cancel_instance_refresh)


def start_instance_refresh(response: AutoScalingResponse) -> ActionResult:
    """Record a refresh that has succeeded, latest first."""
    group = _group(response)
    preferences = response._get_param("Preferences", {})
    _refuse_impossible(preferences)
    now = utcnow()
    refresh = {
        "InstanceRefreshId": str(uuid4()),
        "AutoScalingGroupName": group.name,
        "Status": "Successful",
        "StartTime": now,
        "EndTime": now,
        "PercentageComplete": 100,
        "InstancesToUpdate": 0,
        "Strategy": response._get_param("Strategy", "Rolling"),
        "Preferences": preferences,
    }
    _refreshes(group).insert(0, refresh)
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def describe_instance_refreshes(response: AutoScalingResponse) -> ActionResult:
    """Answer the refreshes of a group, or those of them that are named."""
    wanted = response._get_param("InstanceRefreshIds", [])
    refreshes = _refreshes(_group(response))
    return ActionResult(
        {"InstanceRefreshes": [each for each in refreshes if not wanted or each["InstanceRefreshId"] in wanted]}
    )


def cancel_instance_refresh(response: AutoScalingResponse) -> ActionResult:
    """Refuse: no refresh is ever in progress."""
    raise ActiveInstanceRefreshNotFound(_group(response).name)


class ActiveInstanceRefreshNotFound(ValidationError):
    """No refresh is in progress or pending, so none can be cancelled."""

    def __init__(self, group_name: str):
        super().__init__(f"No in progress or pending Instance Refresh found for Auto Scaling group {group_name}")
        self.error_type = self.code = "ActiveInstanceRefreshNotFound"


def _group(response: AutoScalingResponse) -> FakeAutoScalingGroup:
    backend: AutoScalingBackend = response.autoscaling_backend
    name = response._get_param("AutoScalingGroupName")
    if name not in backend.autoscaling_groups:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return backend.autoscaling_groups[name]


def _refreshes(group: FakeAutoScalingGroup) -> list[dict[str, Any]]:
    refreshes: list[dict[str, Any]] = group.__dict__.setdefault("instance_refreshes", [])
    return refreshes


def _refuse_impossible(preferences: dict[str, Any]) -> None:
    least = preferences.get("MinHealthyPercentage", 90)
    most = preferences.get("MaxHealthyPercentage", 100)
    if not 0 <= least <= 100 or not 100 <= most <= 200 or most - least > 100:
        raise ValidationError(f"MinHealthyPercentage {least} and MaxHealthyPercentage {most} do not fit each other")
