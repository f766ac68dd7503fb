"""A scaling group of either cloud, as far as a new node talks to it: it waits for the node until it is told to go on."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from doubles.refused import Refused

if TYPE_CHECKING:
    from doubles.cloud import Cloud

NODE = "i-0a1b2c3d4e5f"
GROUP, HOOK = "prod-gateway-node", "serves"
ESS_VERSION = "2014-08-28"
ACTIVITY, ESS_HOOK, TOKEN = "asa-1", "ash-1", "token-of-this-wait"


def ec2(cloud: Cloud, url: Any, headers: dict[str, str], body: bytes) -> bytes:
    cloud.check_sigv4("autoscaling", "POST", url, {**headers, "x-amz-content-sha256": hashlib.sha256(body).hexdigest()})
    asked = dict(parse_qsl(body.decode()))
    if "autoscaling" in cloud.denied or asked["Action"] != "CompleteLifecycleAction":
        raise Refused(403, "AccessDenied")
    if (asked["AutoScalingGroupName"], asked["LifecycleHookName"], asked["InstanceId"]) != (GROUP, HOOK, NODE):
        raise Refused(400, "ValidationError")
    if not cloud.group_waits:
        raise Refused(400, "ValidationError", f"No active Lifecycle Action found with instance ID {NODE}")
    _go_on(cloud, asked["LifecycleActionResult"])
    return b"<CompleteLifecycleActionResponse><CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>"


def ess(cloud: Cloud, url: Any, headers: dict[str, str]) -> bytes:
    action = headers["x-acs-action"]
    if action not in ESS:
        raise Refused(404, "InvalidAction.NotFound")
    cloud.check_acs3(url, headers, action, ESS_VERSION)
    if action in cloud.denied:
        raise Refused(403, "Forbidden.Unauthorized")
    asked = dict(parse_qsl(url.query))
    if asked.pop("RegionId") != cloud.region:
        raise Refused(404, "InvalidScalingGroupId.NotFound")
    return json.dumps(ESS[action](cloud, asked)).encode()


def _members(cloud: Cloud, asked: dict[str, str]) -> dict[str, Any]:
    found = [{"InstanceId": NODE, "ScalingActivityId": ACTIVITY}] if asked == {"InstanceId.1": NODE} else []
    return {"ScalingInstances": {"ScalingInstance": found}}


def _actions(cloud: Cloud, asked: dict[str, str]) -> dict[str, Any]:
    if (asked["ScalingActivityId"], asked["LifecycleActionStatus"]) != (ACTIVITY, "Pending"):
        raise Refused(400, "InvalidParameter")
    waits = {"LifecycleHookId": ESS_HOOK, "LifecycleActionToken": TOKEN, "InstanceIds": {"InstanceId": [NODE]}}
    others = {**waits, "LifecycleActionToken": "of-another-node", "InstanceIds": {"InstanceId": ["i-of-another"]}}
    return {"LifecycleActions": {"LifecycleAction": [others, waits] if cloud.group_waits else [others]}}


def _complete(cloud: Cloud, asked: dict[str, str]) -> dict[str, Any]:
    if (asked["LifecycleHookId"], asked["LifecycleActionToken"]) != (ESS_HOOK, TOKEN):
        raise Refused(404, "InvalidLifecycleActionToken.NotFound")
    _go_on(cloud, asked["LifecycleActionResult"])
    return {}


def _go_on(cloud: Cloud, result: str) -> None:
    assert cloud.group_waits, "nothing waits"
    assert result == "CONTINUE", result
    cloud.group_waits = False


ESS = {
    "DescribeScalingInstances": _members,
    "DescribeLifecycleActions": _actions,
    "CompleteLifecycleAction": _complete,
}
