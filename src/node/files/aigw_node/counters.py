"""Counters that all nodes of a gateway share: small programs that run inside Redis, each of them as one step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aigw_node import log
from aigw_node.refusals import Refusal, refuse

Run = Callable[[Sequence[str], Sequence[str | int]], Awaitable[Any]]
Open = Callable[[str], Run]

RETRY_SECONDS = 5
UNREACHABLE = Refusal(503, "the counters of this gateway's limits are unreachable", "limits_unavailable", RETRY_SECONDS)


def litellms_redis(script: str) -> Run:
    """The script in the Redis that LiteLLM counts in; it is there once LiteLLM has started."""
    from litellm.proxy import proxy_server

    held: list[Run] = []

    async def run(keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        if not held:
            if proxy_server.redis_usage_cache is None:
                raise ConnectionError("LiteLLM has no Redis")
            held.append(proxy_server.redis_usage_cache.async_register_script(script))
        return await held[0](keys, arguments)

    return run


class Outages:
    """What becomes of requests whose counters are unreachable: refused, or served without being counted."""

    def __init__(self, refuses: bool) -> None:
        self._refuses, self._lost = refuses, 0

    def met(self, error: Exception, what: str) -> None:
        self.lost(error, what)
        if self._refuses:
            refuse(UNREACHABLE)

    def lost(self, error: Exception, what: str) -> None:
        """Told at the first, tenth, hundredth time: an outage must not fill the log as well."""
        self._lost += 1
        if str(self._lost).rstrip("0") == "1":
            log.event("counters-unreachable", what=what, error=type(error).__name__, times=self._lost)
