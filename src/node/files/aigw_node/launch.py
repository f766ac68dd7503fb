"""Tells the scaling group that a new node serves. Until then the group keeps the node out of service, and in the end it
replaces it; so a bundle that does not boot replaces no node that does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from aigw_node import alicloud, log
from aigw_node.errors import NodeError
from aigw_node.metadata import Metadata
from aigw_node.settings import LaunchSettings, Settings

UPTIME = Path("/proc/uptime")
# The group may not wait yet, and the role's permission may not be there yet.
PATIENCE, PAUSE = 180.0, 5.0
ESS_VERSION = "2014-08-28"


class NotTold(Exception):
    """The group did not answer, or refused. Holds an error code."""


class ScalingGroup(Protocol):
    def let_in(self) -> bool:
        """Ends the group's wait for this node; False if it does not wait for it."""


class Ec2AutoScaling:
    def __init__(self, settings: LaunchSettings) -> None:
        from boto3.session import Session
        from botocore.config import Config

        config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
        self._client = Session().client(
            "autoscaling", region_name=settings.region, endpoint_url=settings.endpoint, config=config
        )
        self._place = {"AutoScalingGroupName": settings.group, "LifecycleHookName": settings.hook}

    def let_in(self) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            node = Metadata.aws().get("instance-id")
            self._client.complete_lifecycle_action(**self._place, InstanceId=node, LifecycleActionResult="CONTINUE")
        except ClientError as error:
            said = error.response.get("Error", {})
            if "No active Lifecycle Action" in said.get("Message", ""):
                return False
            raise NotTold(said.get("Code", "unknown")) from None
        except (BotoCoreError, OSError) as error:
            raise NotTold(type(error).__name__) from None
        return True


class Ess:
    """A scaling group of Alibaba Cloud.

    Nodes that one activity adds share one wait: the first of them that serves lets all of them in, and the balancer's
    health check keeps requests from those that do not serve yet. A refresh adds one at a time."""

    def __init__(self, settings: LaunchSettings) -> None:
        endpoint = settings.endpoint or f"https://ess-vpc.{settings.region}.aliyuncs.com"
        self._metadata, self._region = Metadata.alicloud(alicloud.METADATA), settings.region
        self._api = alicloud.Api(endpoint, ESS_VERSION, alicloud.RoleCredentials(alicloud.METADATA))

    def let_in(self) -> bool:
        try:
            waits = self._waits(self._metadata.get("instance-id"))
            for hook, token in waits:
                said = {"LifecycleHookId": hook, "LifecycleActionToken": token, "LifecycleActionResult": "CONTINUE"}
                self._api.call("CompleteLifecycleAction", RegionId=self._region, **said)
        except alicloud.ApiError as error:
            raise NotTold(str(error)) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotTold(type(error).__name__) from None
        return bool(waits)

    def _waits(self, node: str) -> list[tuple[str, str]]:
        members = self._api.call("DescribeScalingInstances", RegionId=self._region, **{"InstanceId.1": node})
        return [
            (action["LifecycleHookId"], action["LifecycleActionToken"])
            for member in members["ScalingInstances"]["ScalingInstance"]
            for action in self._pending(member["ScalingActivityId"])
            if node in action["InstanceIds"]["InstanceId"]
        ]

    def _pending(self, activity: str) -> list[dict[str, Any]]:
        asked = {"ScalingActivityId": activity, "LifecycleActionStatus": "Pending", "MaxResults": "50"}
        reply = self._api.call("DescribeLifecycleActions", RegionId=self._region, **asked)
        found: list[dict[str, Any]] = reply["LifecycleActions"]["LifecycleAction"]
        return found


GROUPS: dict[str, Callable[[LaunchSettings], ScalingGroup]] = {"ec2-auto-scaling": Ec2AutoScaling, "ess": Ess}


def run(settings: Settings, pause: Callable[[float], object] = time.sleep) -> None:
    """NodeError if a group waits for this node and can not be told."""
    launch = settings.launch
    if launch is None or _uptime() > launch.wait:
        return
    group, until = GROUPS[launch.kind](launch), time.monotonic() + PATIENCE
    while True:
        why = ""
        try:
            if group.let_in():
                log.event("launched")
                return
        except NotTold as error:
            why = str(error)
        if time.monotonic() + PAUSE > until:
            break
        pause(PAUSE)
    if why:
        raise NodeError(f"the scaling group does not hear that this node serves, and will replace it: {why}")
    log.event("not-awaited")


def _uptime() -> float:
    return float(UPTIME.read_text().split()[0])
