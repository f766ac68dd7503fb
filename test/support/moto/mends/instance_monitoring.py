"""Fault: moto can not switch the monitoring of an instance; MonitorInstances answers 500.

Terraform asks for it again after each launch that is to have it.
"""

from moto.core.responses import ActionResult
from moto.ec2.responses.monitoring import Monitoring

from .replace import replace


def mend() -> None:
    """Add both actions."""
    replace(Monitoring, monitor_instances)
    replace(Monitoring, unmonitor_instances)


def monitor_instances(response: Monitoring) -> ActionResult:
    """Switch it on; where AWS says "pending" at first, this is done at once."""
    return _switch(response, "enabled")


def unmonitor_instances(response: Monitoring) -> ActionResult:
    """Switch it off."""
    return _switch(response, "disabled")


def _switch(response: Monitoring, state: str) -> ActionResult:
    instances = response.ec2_backend.get_multi_instances_by_id(response._get_param("InstanceIds", []))
    for instance in instances:
        instance.monitoring_state = state
    return ActionResult(
        {"InstanceMonitorings": [{"InstanceId": each.id, "Monitoring": {"State": state}} for each in instances]}
    )
