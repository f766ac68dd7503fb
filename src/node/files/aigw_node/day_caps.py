"""The tokens and the money that an agent may use in a day of the gateway's time zone.

Both hold an estimate for each running request (`counters.Day`): tokens by the prompt's length and the longest answer, money
by the prices that LiteLLM knows for the model. A price that it does not know holds nothing: then a budget can be overshot by
all that is running when it is reached, else by about one request of each client."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from aigw_node.counters import Day, Unit
from aigw_node.front.exchange import refuse
from aigw_node.front.refusal import Refusal

# Of a key's metadata.
AGENT, TOKENS, BUDGET = "aigw_agent", "aigw_daily_tokens", "aigw_daily_budget_usd"
ANSWER_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
ANSWERS = ("n", "best_of")
PROMPTS = ("messages", "input", "prompt", "query", "documents", "system", "instructions")
USUAL_ANSWER = 1000  # tokens held for an answer whose length the caller does not limit
LETTERS_PER_TOKEN = 4
BUSY_SECONDS = 1
MICRO = 1_000_000
MOST = 1_000_000_000  # dollars or tokens: Redis's programs count in doubles, exact up to nine times as many microdollars

# US dollars for a token of the prompt and of the answer of a model; 0 where no price is known.
Prices = Callable[[str], tuple[float, float]]


def whole(value: Any) -> int:
    """A limit. One that is no whole number is a limit of nothing: it was meant to hold."""
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0


def microdollars(dollars: Any) -> int:
    """Whole ones, rounded up: what is not free costs one at least. What is no amount of money is none."""
    if not isinstance(dollars, (int, float)) or isinstance(dollars, bool) or not dollars > 0:
        return 0
    return math.ceil(round(min(dollars, MOST) * MICRO, 3))


def in_dollars(micro: int) -> str:
    return f"{micro // MICRO}.{micro % MICRO:06d}".rstrip("0").rstrip(".")


def estimate(data: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens that a request may use: of its prompt by its length, and of the longest answers that it asks for."""
    asked = _numbers(data, ANSWER_LIMITS)
    prompt = sum(_letters(data.get(name)) for name in PROMPTS) // LETTERS_PER_TOKEN
    answer = max(0, *asked) if asked else USUAL_ANSWER
    return prompt, min(answer * max(1, 1, *_numbers(data, ANSWERS)), MOST)


def _numbers(data: Mapping[str, Any], names: Iterable[str]) -> list[int]:
    return [data[name] for name in names if isinstance(data.get(name), int) and not isinstance(data[name], bool)]


def _letters(value: Any) -> int:
    """Only what is said counts: a picture in a message is long, and few tokens."""
    if isinstance(value, str):
        return 0 if value.startswith("data:") else len(value)
    if isinstance(value, dict):
        return sum(_letters(part) for part in value.values())
    return sum(_letters(part) for part in value) if isinstance(value, list) else 0


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
    def __init__(self, zone: ZoneInfo, prices: Prices) -> None:
        self._zone, self._prices = zone, prices

    def of(self, agent: str, metadata: Mapping[str, Any], data: Mapping[str, Any], now: float) -> list[Day]:
        """What holds for a request that begins now (seconds since 1970); `agent`: where its counters stand."""
        tokens, budget = metadata.get(TOKENS), metadata.get(BUDGET)
        if tokens is None and budget is None:
            return []
        prompt, answer = estimate(data)
        caps = []
        if tokens is not None:
            caps.append((_TOKENS, whole(tokens), prompt + answer))
        if budget is not None:
            of_prompt, of_answer = self._prices(str(data.get("model")))
            caps.append((_BUDGET, microdollars(budget), microdollars(prompt * of_prompt + answer * of_answer)))
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


def litellms_prices(model: str) -> tuple[float, float]:
    """The highest of the model's deployments. LiteLLM keeps them at hand: it asks for them in each request itself."""
    from litellm.proxy import proxy_server

    known = proxy_server.llm_router.cached_model_group_info(model) if proxy_server.llm_router else None
    return (known.input_cost_per_token or 0, known.output_cost_per_token or 0) if known else (0, 0)
