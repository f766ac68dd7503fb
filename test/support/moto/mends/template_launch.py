"""Fault: an instance launched from a template gets none of its metadata options, monitoring and instance profile.

What the request says wins over the template: terraform's always says whether there is to be monitoring.
"""

from typing import Any, cast

from moto.core.responses import ActionResult
from moto.ec2.models.instances import InstanceBackend, Reservation
from moto.ec2.responses.instances import InstanceResponse

from .replace import replace

_run = InstanceBackend.run_instances
_answer = InstanceResponse.run_instances


def mend() -> None:
    """Launch with all of the template."""
    replace(InstanceBackend, run_instances)
    replace(InstanceResponse, answer_run_instances, "run_instances")


def answer_run_instances(response: InstanceResponse) -> ActionResult:
    """Launch, without monitoring if the request says so; the backend is not told whether it said anything."""
    answer = _answer(response)
    if response._get_param("Monitoring.Enabled") is False:
        for instance in cast(Reservation, answer.result).instances:
            instance.monitoring_state = "disabled"
    return answer


def run_instances(backend: Any, *args: Any, **kwargs: Any) -> Reservation:
    """Fill what the request leaves open from the template; a profile that does not exist is refused."""
    template = _template(backend, kwargs.get("launch_template"))
    if not kwargs.get("metadata_options"):
        kwargs["metadata_options"] = template.get("MetadataOptions", {})
    if template.get("Monitoring", {}).get("Enabled"):
        kwargs["monitoring_state"] = "enabled"
    reservation = _run(backend, *args, **kwargs)

    profile = template.get("IamInstanceProfile", {})
    requested = kwargs.get("iam_instance_profile_arn") or kwargs.get("iam_instance_profile_name")
    if profile and not requested:
        for instance in reservation.instances:
            backend.associate_iam_instance_profile(
                instance_id=instance.id,
                iam_instance_profile_arn=profile.get("Arn"),
                iam_instance_profile_name=profile.get("Name"),
            )
    return reservation


def _template(backend: Any, named: dict[str, Any] | None) -> dict[str, Any]:
    if not named:
        return {}
    data: dict[str, Any] = backend._get_template_from_args(named).data
    return data
