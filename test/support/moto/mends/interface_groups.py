"""Fault: an instance is read back without the security groups that its launch gave to its primary interface.

Every plan then gives them to it again; to AWS the groups of an instance are those of its primary interface.
"""

from typing import Any

from moto.ec2.models.instances import Instance

from .replace import replace

_prepare = Instance.prep_nics


def mend() -> None:
    """Give an instance the groups of its primary interface."""
    replace(Instance, prep_nics)


def prep_nics(instance: Instance, *args: Any, **kwargs: Any) -> None:
    """Make the interfaces, then take over the groups of the first."""
    _prepare(instance, *args, **kwargs)
    if 0 in instance.nics:
        instance.security_groups = list(instance.nics[0].group_set)
