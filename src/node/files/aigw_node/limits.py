"""All limits of a request: asked before it in one step, told after it what it used.

Asked are the gateway's requests of the minute, the agent's requests and tokens of the minute, then its tokens and money of
the day; the first that is spent refuses, and a refused request is counted in none of them. A provider's limit is asked
later, for each deployment that LiteLLM tries."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aigw_node.agent_limits import AgentLimits
from aigw_node.counters import Counters, Day, Minute, Unit, Used
from aigw_node.fleet_limits import FleetLimited
from aigw_node.ledger.estimate import Asked

# Put into a call's model_info: LiteLLM makes some calls through a second one (responses through chat), which gets it too.
COUNTED = "aigw_counted"


@dataclass(frozen=True)
class _Running:
    minutes: Sequence[Minute]
    days: Sequence[Day]
    end: float


class Limits:
    def __init__(
        self,
        fleet: FleetLimited,
        agents: AgentLimits,
        counters: Counters,
        *,
        longest: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`longest`: seconds that a request can take; `now`: seconds since 1970."""
        self._fleet, self._agents, self._counters, self._longest, self._now = fleet, agents, counters, longest, now
        self._running: OrderedDict[str, _Running] = OrderedDict()

    async def admit(self, metadata: Mapping[str, Any] | None, call: str, asked: Asked) -> None:
        """Raises if one of the limits is spent that hold for a request with a key of this metadata."""
        now = self._now()
        end = now + self._longest
        minutes, days = self._agents.of(metadata, asked, now)
        await self._counters.admit([*self._fleet.of_gateway(), *minutes], days, call=call, now=int(now), end=int(end))
        if minutes or days:
            self._forget_lost(now)
            self._running[call] = _Running(minutes, days, end)

    async def admit_deployment(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The call's arguments, marked as counted. Raises LiteLLM's RateLimitError if its provider's minute is spent."""
        deployment = kwargs.get("model_info") or {}
        minutes = self._fleet.of_provider(deployment.get("id"), kwargs)
        if not minutes or COUNTED in deployment:
            return kwargs
        await self._counters.admit(minutes)
        return {**kwargs, "model_info": {**deployment, COUNTED: True}}

    async def settle(self, call: str, deployment: Any, tokens: int, microdollars: int) -> None:
        """A request has ended and used that much; it counts for the day on which it began."""
        running = self._running.pop(call, _Running((), (), 0))
        minutes = [*running.minutes, *self._fleet.of_provider(deployment)]
        used: Used = {Unit.TOKENS: tokens, Unit.MICRODOLLARS: microdollars}
        await self._counters.settle(minutes, running.days, call, used)

    def _forget_lost(self, now: float) -> None:
        """Requests of which LiteLLM told no end."""
        while self._running and next(iter(self._running.values())).end < now:
            self._running.popitem(last=False)
