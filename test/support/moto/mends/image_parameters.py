"""Fault: "resolve:ssm:<parameter>" is kept as the image id of an instance, and Canonical's parameters do not exist.

AWS resolves the parameter at launch and refuses one that it does not know.
"""

import re
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.exceptions import InvalidParameterValueError
from moto.ec2.models.instances import Instance
from moto.ssm.models import Parameter, ParameterDict, ssm_backends

from .replace import replace

_RESOLVE = "resolve:ssm:"
_CANONICAL = re.compile(
    r"/aws/service/canonical/ubuntu/(server|pro-server)/(22\.04|24\.04)/stable/current"
    r"/(amd64|arm64)/hvm/ebs-gp[23]/ami-id"
)
# An image that moto knows, so that DescribeImages finds it.
_IMAGE_ID = "ami-1e749f67"
_load = ParameterDict._check_loading_status
_launch = Instance.__init__


def mend() -> None:
    """Serve Canonical's parameters, and launch from the image that a parameter names."""
    replace(ParameterDict, _check_loading_status)
    replace(Instance, launch, "__init__")


def launch(instance: Instance, ec2_backend: Any, image_id: str, *args: Any, **kwargs: Any) -> None:
    """Resolve the image, the template's if none is given, then launch."""
    template = kwargs.get("launch_template")
    named = image_id or (ec2_backend._get_template_from_args(template).image_id if template else "")
    _launch(instance, ec2_backend, _resolved(ec2_backend, named), *args, **kwargs)


def _resolved(backend: Any, image_id: str) -> str:
    if not image_id.startswith(_RESOLVE):
        return image_id
    name = image_id.removeprefix(_RESOLVE)
    parameter = ssm_backends[backend.account_id][backend.region_name].get_parameter(name)
    if parameter is None:
        raise InvalidParameterValueError(f"The SSM parameter {name} cannot be resolved to an image")
    return str(parameter.value)


def _check_loading_status(parameters: ParameterDict, key: str) -> None:
    _load(parameters, key)
    if not _CANONICAL.fullmatch(str(key)) or dict.__contains__(parameters, key):
        return
    dict.__setitem__(
        parameters,
        key,
        [
            Parameter(  # type: ignore[abstract]
                account_id=parameters.account_id,
                name=key,
                value=_IMAGE_ID,
                parameter_type="String",
                description=None,
                allowed_pattern=None,
                keyid=None,
                last_modified_date=utcnow(),
                version=1,
                data_type="aws:ec2:image",
            )
        ],
    )
