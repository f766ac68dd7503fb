"""Fault: an interface without a public address is read back with an empty association: a client takes it to have one.

Every plan then replaces an instance that was to have no public address.
"""

from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface

from .replace import replace_property

_association = vars(NetworkInterface)["association"].fget


def mend() -> None:
    """Answer an association only where there is one."""
    replace_property(NetworkInterface, association)


def association(interface: NetworkInterface) -> dict[str, Any] | None:
    """Answer the association, or nothing at all."""
    return _association(interface) or None
