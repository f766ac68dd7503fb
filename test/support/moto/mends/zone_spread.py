"""Fault: an Auto Scaling group launches all its instances in its first subnet, whatever its other subnets are."""

from collections import Counter

from moto.autoscaling.models import FakeAutoScalingGroup

from .replace import replace

_replace = FakeAutoScalingGroup.replace_autoscaling_group_instances


def mend() -> None:
    """Launch each instance in the subnet that has the fewest."""
    replace(FakeAutoScalingGroup, replace_autoscaling_group_instances)


def replace_autoscaling_group_instances(
    group: FakeAutoScalingGroup, count_needed: int, propagated_tags: dict[str, str]
) -> None:
    """Launch one by one, with the emptiest subnet put first, where moto launches."""
    given = group.vpc_zone_identifier
    if not given:
        return _replace(group, count_needed, propagated_tags)
    subnets = given.split(",")
    try:
        for _ in range(count_needed):
            used = Counter(state.instance.subnet_id for state in group.instance_states)
            group.vpc_zone_identifier = min(subnets, key=lambda subnet: used[subnet])
            _replace(group, 1, dict(propagated_tags))
    finally:
        group.vpc_zone_identifier = given
