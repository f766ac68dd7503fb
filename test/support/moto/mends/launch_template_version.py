"""Faults: a launch template's own tags turn up in its data as well, and a second version cannot be launched.

The first makes every plan remove a tag_specifications block; the second fails on the user data of every version but
the first, which moto leaves unparsed.
"""

from typing import Any

from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.utils import parse_user_data

from .replace import replace

_create = LaunchTemplate.create_version


def mend() -> None:
    """Clean the data of each version."""
    replace(LaunchTemplate, create_version)


def create_version(template: LaunchTemplate, data: dict[str, Any], description: str) -> LaunchTemplateVersion:
    """Create a version from data as AWS would keep it."""
    kept = dict(data)
    if "TagSpecifications" in kept:
        kept["TagSpecifications"] = [
            each for each in kept["TagSpecifications"] if each.get("ResourceType") != "launch-template"
        ]
    if isinstance(kept.get("UserData"), str):
        kept["UserData"] = parse_user_data(kept["UserData"])
    return _create(template, kept, description)
