"""Fault: a deregistration delay of 3600 seconds is refused, though its own message says "0-3600 inclusive"."""

from typing import Any

from moto.elbv2.models import ELBv2Backend

from .replace import replace

_ATTRIBUTE = "deregistration_delay.timeout_seconds"
_LONGEST = "3600"
_modify = ELBv2Backend.modify_target_group_attributes


def mend() -> None:
    """Take the one value that moto's range leaves out; every other value is still judged by moto."""
    replace(ELBv2Backend, modify_target_group_attributes)


def modify_target_group_attributes(backend: ELBv2Backend, target_group_arn: str, attributes: dict[str, Any]) -> None:
    """Let moto judge 3599 where 3600 was given, then store what was given."""
    if str(attributes.get(_ATTRIBUTE)) != _LONGEST:
        return _modify(backend, target_group_arn, attributes)
    _modify(backend, target_group_arn, {**attributes, _ATTRIBUTE: "3599"})
    backend.target_groups[target_group_arn].attributes[_ATTRIBUTE] = _LONGEST
