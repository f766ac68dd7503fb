"""Requests and tokens a minute that hold for the gateway and for each provider, over all nodes.

A minute begins with the first request of it. The gateway's limit refuses the caller; a provider's is met where LiteLLM
has chosen a deployment, and looks to its router as if the provider itself had answered 429: a fallback is tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aigw_node.counters import Open, Outages
from aigw_node.refusals import Refusal, advise, refuse
from aigw_node.settings import FleetLimits, Rates

MINUTE = 60
UNLIMITED = -1
# Put into a call's model_info: LiteLLM makes some calls through a second one (responses through chat), which gets it too.
COUNTED = "aigw_counted"

# KEYS: requests, tokens   ARGV: most requests, most tokens (-1: no limit), seconds of the window
# -> 0: admitted, else the seconds to wait
TAKE = """
local function spent(key, most) return most >= 0 and tonumber(redis.call('GET', key) or '0') >= most end
local window = tonumber(ARGV[3])
for i = 1, 2 do
  if spent(KEYS[i], tonumber(ARGV[i])) then
    local left = redis.call('TTL', KEYS[i])
    return left > 0 and left or 1
  end
end
if redis.call('INCR', KEYS[1]) == 1 then redis.call('EXPIRE', KEYS[1], window) end
return 0
"""
# KEYS: tokens   ARGV: tokens, seconds of the window
ADD = """
local used = redis.call('INCRBY', KEYS[1], ARGV[1])
if used == tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return used
"""


def provider_of(deployment: Any) -> str:
    """config.yaml numbers a provider's deployments: `<provider>-<number>`."""
    return str(deployment or "").rpartition("-")[0]


class FleetLimited:
    def __init__(self, gateway: str, limits: FleetLimits, outages: Outages, open_: Open) -> None:
        self._gateway, self._limits, self._outages = gateway, limits, outages
        self._take, self._add = open_(TAKE), open_(ADD)

    async def admit(self) -> None:
        """Raises if the gateway's minute is spent."""
        if self._limits.rpm is None:
            return
        wait = await self._wait("gateway", Rates(self._limits.rpm, None))
        if wait:
            said = f"the gateway's {self._limits.rpm} requests a minute are used"
            refuse(Refusal(429, said, "gateway_rate_limit", wait))

    async def admit_deployment(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The call's arguments, marked as counted. Raises LiteLLM's RateLimitError if its provider's minute is spent."""
        deployment = kwargs.get("model_info") or {}
        provider = provider_of(deployment.get("id"))
        rates = self._limits.providers.get(provider)
        if rates is None or COUNTED in deployment:
            return kwargs
        wait = await self._wait(f"provider:{provider}", rates)
        if wait:
            advise(wait)
            raise _rate_limited(provider, kwargs, wait)
        return {**kwargs, "model_info": {**deployment, COUNTED: True}}

    async def used(self, deployment: Any, tokens: int) -> None:
        provider = provider_of(deployment)
        rates = self._limits.providers.get(provider)
        if rates is None or rates.tpm is None or tokens <= 0:
            return
        try:
            await self._add([self._keys(f"provider:{provider}")[1]], [tokens, MINUTE])
        except Exception as error:
            self._outages.lost(error, f"{tokens} tokens of {provider}")

    async def _wait(self, name: str, rates: Rates) -> int:
        limits = [UNLIMITED if limit is None else limit for limit in (rates.rpm, rates.tpm)]
        try:
            return int(await self._take(self._keys(name), [*limits, MINUTE]))
        except Exception as error:
            self._outages.met(error, name)
            return 0

    def _keys(self, name: str) -> tuple[str, str]:
        place = f"aigw:{{{self._gateway}}}:{name}"
        return f"{place}:requests", f"{place}:tokens"


def _rate_limited(provider: str, kwargs: Mapping[str, Any], wait: int) -> Exception:
    import httpx
    from litellm.exceptions import RateLimitError

    metadata = kwargs.get("litellm_metadata") or kwargs.get("metadata") or {}
    # With another deployment to try, LiteLLM leaves this one alone for the Retry-After and goes on at once. With none it
    # would sleep for it and keep the caller waiting: so it is told of none, and to make no further try.
    others = metadata.get("model_group_size", 1) > 1
    headers = {"retry-after": str(wait)} if others else {}
    response = httpx.Response(429, headers=headers, request=httpx.Request("POST", "https://gateway.invalid"))
    said = f"this gateway's limit for the provider {provider} is reached; free again in {wait} s"
    error: Exception = RateLimitError(
        said, provider, str(kwargs.get("model")), response=response, num_retries=None if others else 0
    )
    return error
