"""What an agent may use: counted for the agent, whatever keys it has, over all nodes. While a key is rotated it has two.

What a key's metadata says holds for requests with that key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from aigw_node.counters import Day, Minute, Unit, place
from aigw_node.day_caps import AGENT, DayCaps, whole
from aigw_node.front.exchange import refuse
from aigw_node.front.refusal import Refusal
from aigw_node.ledger.estimate import Asked

# Of a key's metadata, and the type of the refusal.
MINUTES = (
    ("aigw_qpm", Unit.REQUESTS, "agent_rate_limit"),
    ("aigw_tpm", Unit.TOKENS, "agent_token_rate_limit"),
)


class AgentLimits:
    def __init__(self, gateway: str, caps: DayCaps) -> None:
        self._gateway, self._caps = gateway, caps

    def of(self, metadata: Mapping[str, Any] | None, asked: Asked, now: float) -> tuple[list[Minute], list[Day]]:
        """What holds for a request that begins now (seconds since 1970) with a key of this metadata."""
        agent = (metadata or {}).get(AGENT)
        if not metadata or not isinstance(agent, str):
            return [], []
        at = place(self._gateway, f"agent:{agent}")
        return _minutes(at, metadata), self._caps.of(at, metadata, asked, now)


def _minutes(at: str, metadata: Mapping[str, Any]) -> list[Minute]:
    minutes = []
    for name, unit, kind in MINUTES:
        if metadata.get(name) is not None:
            most, what = whole(metadata[name]), unit.name.lower()
            minutes.append(Minute(f"{at}:{what}", most, unit, _refusal(f"{most} {what}", kind), told=True))
    return minutes


def _refusal(limit: str, kind: str) -> Callable[[int], NoReturn]:
    def refused(wait: int) -> NoReturn:
        refuse(Refusal(429, f"this agent's {limit} a minute are used; free again in {wait} s", kind, wait))

    return refused
