"""Fault: a hosted zone made with a VPC loses it unless the request also says PrivateZone; terraform's does not.

To AWS the VPC alone makes a zone private.
"""

from moto.core.responses import ActionResult
from moto.route53.responses import Route53

from .replace import replace

_create = Route53.create_hosted_zone


def mend() -> None:
    """Make a zone with a VPC private."""
    replace(Route53, create_hosted_zone)


def create_hosted_zone(response: Route53) -> ActionResult:
    """Say what the VPC means, then create the zone."""
    if response.params.get("VPC"):
        config = response.params.get("HostedZoneConfig") or {}
        response.params["HostedZoneConfig"] = {**config, "PrivateZone": True}
    return _create(response)
