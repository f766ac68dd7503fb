"""Fault: a load balancer is deleted although its deletion protection is on; AWS refuses."""

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend

from .replace import replace

_delete = ELBv2Backend.delete_load_balancer


def mend() -> None:
    """Refuse to delete what is protected."""
    replace(ELBv2Backend, delete_load_balancer)


def delete_load_balancer(backend: ELBv2Backend, arn: str) -> None:
    """Delete unless protected."""
    balancer = backend.load_balancers.get(arn)
    if balancer and balancer.attrs.get("deletion_protection.enabled") == "true":
        raise ELBClientError(
            "OperationNotPermitted",
            f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
        )
    _delete(backend, arn)
