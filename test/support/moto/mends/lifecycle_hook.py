"""Fault: every lifecycle hook is read back with a role and a queue that nobody gave, and loses those that were."""

from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

from .replace import replace

_put = AutoScalingResponse.put_lifecycle_hook


def mend() -> None:
    """Keep the role and the target of a hook, or their absence."""
    replace(AutoScalingResponse, put_lifecycle_hook)


def put_lifecycle_hook(response: AutoScalingResponse) -> ActionResult:
    """Put the hook, then correct what moto invents."""
    answer = _put(response)
    key = f"{response._get_param('AutoScalingGroupName')}_{response._get_param('LifecycleHookName')}"
    hook = response.autoscaling_backend.lifecycle_hooks[key]
    hook.role_arn = response._get_param("RoleARN")
    hook.notification_target_arn = response._get_param("NotificationTargetARN")
    return answer
