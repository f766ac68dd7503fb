"""Fault: the description of a security group rule is lost when its peer is another security group."""

from moto.ec2.models.security_groups import SecurityGroupRule


def mend() -> None:
    """Look for the description wherever moto keeps the peer."""
    SecurityGroupRule.description = property(description)  # type: ignore[method-assign, assignment]


def description(rule: SecurityGroupRule) -> str | None:
    """Answer the description that came with the address range or with the group."""
    return rule.ip_range.get("Description") or rule.source_group.get("Description")
