"""The tokens and the money that an agent may use in a day of the gateway's time zone.

Both hold an estimate for each running request (`counters.Day`, `ledger/`). A price that LiteLLM does not know holds nothing:
then a budget can be overshot by all that is running when it is reached, else by about one request of each client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from aigw_node.counters import Day, Unit
from aigw_node.front.exchange import refuse
from aigw_node.front.refusal import Refusal
from aigw_node.ledger.estimate import Asked
from aigw_node.ledger.money import in_dollars, microdollars
from aigw_node.ledger.prices import PricesOf, dearest

# Of a key's metadata.
AGENT, TOKENS, BUDGET = "aigw_agent", "aigw_daily_tokens", "aigw_daily_budget_usd"
BUSY_SECONDS = 1


def whole(value: Any) -> int:
    """A limit. One that is no whole number is a limit of nothing: it was meant to hold."""
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0


@dataclass(frozen=True)
class _Cap:
    unit: Unit
    of: str
    kind: str
    limit_header: str
    used_header: str
    said: Callable[[int], str]


_TOKENS = _Cap(Unit.TOKENS, "tokens", "daily_tokens", "x-daily-tokens-limit", "x-daily-tokens-used", str)
_BUDGET = _Cap(
    *(Unit.MICRODOLLARS, "US dollars", "daily_budget", "x-daily-budget-limit-usd", "x-daily-budget-used-usd", in_dollars)
)


class DayCaps:
    def __init__(self, zone: ZoneInfo, prices: PricesOf) -> None:
        self._zone, self._prices = zone, prices

    def of(self, agent: str, metadata: Mapping[str, Any], asked: Asked, now: float) -> list[Day]:
        """What holds for a request that begins now (seconds since 1970); `agent`: where its counters stand."""
        tokens, budget = metadata.get(TOKENS), metadata.get(BUDGET)
        if tokens is None and budget is None:
            return []
        wanted = asked.estimate()
        caps = []
        if tokens is not None:
            caps.append((_TOKENS, whole(tokens), wanted.tokens))
        if budget is not None:
            caps.append((_BUDGET, microdollars(budget), microdollars(dearest(self._prices(asked.model), wanted))))
        today = f"{agent}:{datetime.fromtimestamp(now, self._zone).date().isoformat()}"
        return [
            Day(f"{today}:{cap.kind}", most, cap.unit, wanted, self._refusal(cap, most, now)) for cap, most, wanted in caps
        ]

    def _refusal(self, cap: _Cap, most: int, now: float) -> Callable[[int, int], NoReturn]:
        def refused(used: int, held: int) -> NoReturn:
            headers = {cap.limit_header: cap.said(most), cap.used_header: cap.said(used)}
            said = f"{cap.said(used)} of {cap.said(most)} {cap.of} of the day are used"
            if used < most:
                said = f"{said}, and running requests may use {cap.said(held)} more; try again when they have ended"
                refuse(Refusal(429, said, f"{cap.kind}_held", BUSY_SECONDS, headers))
            left = self._seconds_to_midnight(now)
            refuse(Refusal(429, f"{said}; the next day begins in {left} s", f"{cap.kind}_exceeded", left, headers))

        return refused

    def _seconds_to_midnight(self, now: float) -> int:
        today = datetime.fromtimestamp(now, self._zone).date()
        midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), self._zone)
        return int(midnight.timestamp() - now) + 1
