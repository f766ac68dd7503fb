"""Requests and tokens a minute that hold for the gateway and for each provider, over all nodes.

The gateway's limit refuses the caller; a provider's is met where LiteLLM has chosen a deployment, and looks to its router as
if the provider itself had answered 429: a fallback is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from aigw_node.counters import Minute, Unit, place
from aigw_node.front.exchange import advise, refuse
from aigw_node.front.refusal import Refusal
from aigw_node.settings import FleetLimits


def provider_of(deployment: Any) -> str:
    """config.yaml numbers a provider's deployments: `<provider>-<number>`."""
    return str(deployment or "").rpartition("-")[0]


class FleetLimited:
    def __init__(self, gateway: str, limits: FleetLimits) -> None:
        self._gateway, self._limits = gateway, limits

    def of_gateway(self) -> list[Minute]:
        most = self._limits.rpm
        if most is None:
            return []

        def refused(wait: int) -> NoReturn:
            said = f"the gateway's {most} requests a minute are used; free again in {wait} s"
            refuse(Refusal(429, said, "gateway_rate_limit", wait))

        return [Minute(place(self._gateway, "gateway:requests"), most, Unit.REQUESTS, refused)]

    def of_provider(self, deployment: Any, kwargs: Mapping[str, Any] | None = None) -> list[Minute]:
        """What holds for a call of this deployment with these arguments."""
        provider = provider_of(deployment)
        rates = self._limits.providers.get(provider)
        if rates is None:
            return []
        at, refused = place(self._gateway, f"provider:{provider}"), _as_if_by(provider, kwargs or {})
        limits = [(rates.rpm, Unit.REQUESTS, "requests"), (rates.tpm, Unit.TOKENS, "tokens")]
        return [Minute(f"{at}:{what}", most, unit, refused) for most, unit, what in limits if most is not None]


def _as_if_by(provider: str, kwargs: Mapping[str, Any]) -> Callable[[int], NoReturn]:
    """Raises LiteLLM's RateLimitError."""

    def refused(wait: int) -> NoReturn:
        import httpx
        from litellm.exceptions import RateLimitError

        advise(wait)
        metadata = kwargs.get("litellm_metadata") or kwargs.get("metadata") or {}
        # With another deployment to try, LiteLLM leaves this one alone for the Retry-After and goes on at once. With none it
        # would sleep for it and keep the caller waiting: so it is told of none, and to make no further try.
        others = metadata.get("model_group_size", 1) > 1
        headers = {"retry-after": str(wait)} if others else {}
        response = httpx.Response(429, headers=headers, request=httpx.Request("POST", "https://gateway.invalid"))
        said = f"this gateway's limit for the provider {provider} is reached; free again in {wait} s"
        raise RateLimitError(said, provider, str(kwargs.get("model")), response=response, num_retries=None if others else 0)

    return refused
