"""The tokens that an agent may use in a day: counted for the agent, whatever keys it has, over all nodes.

What a request will use is not known before it ends. So an estimate is held from its start to its end; what is held counts
as used for all others. A request alone is never refused while anything is left of the cap."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aigw_node.counters import Open, Outages
from aigw_node.refusals import Refusal, refuse

# Of a key's metadata.
AGENT, CAP = "aigw_agent", "aigw_daily_tokens"
ANSWER_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
PROMPTS = ("messages", "input", "prompt", "query", "documents", "system", "instructions")
USUAL_ANSWER = 1000  # tokens held for an answer whose length the caller does not limit
LETTERS_PER_TOKEN = 4
KEPT = 49 * 3600  # seconds that a day's counters outlive its first request: the longest day and its last request
BUSY_SECONDS = 1

# KEYS: used, held   ARGV: cap, wanted, call, now, end, kept -> {admitted, used, held}
# `held` has "<tokens> <end>" for each running request; one whose node died is forgotten at its end.
ADMIT = """
local held, now = 0, tonumber(ARGV[4])
local entries = redis.call('HGETALL', KEYS[2])
for i = 1, #entries, 2 do
  local tokens, finish = string.match(entries[i + 1], '(%d+) (%d+)')
  if tonumber(finish) <= now then redis.call('HDEL', KEYS[2], entries[i]) else held = held + tonumber(tokens) end
end
local cap, used = tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or '0')
if used >= cap or (held > 0 and used + held + tonumber(ARGV[2]) > cap) then return {0, used, held} end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[2] .. ' ' .. ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[6])
return {1, used, held}
"""
# KEYS: used, held   ARGV: call, tokens, kept
SETTLE = """
redis.call('HDEL', KEYS[2], ARGV[1])
local used = redis.call('INCRBY', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return used
"""


def cap_of(metadata: Mapping[str, Any] | None) -> tuple[str, int] | None:
    """The agent and its cap, if the key has one. A cap that is no whole number is a cap of nothing: it was meant to hold."""
    agent, cap = (metadata or {}).get(AGENT), (metadata or {}).get(CAP)
    if not isinstance(agent, str) or cap is None:
        return None
    return agent, cap if isinstance(cap, int) and not isinstance(cap, bool) else 0


def _letters(value: Any) -> int:
    """Only what is said counts: a picture in a message is long, and few tokens."""
    if isinstance(value, str):
        return 0 if value.startswith("data:") else len(value)
    if isinstance(value, dict):
        return sum(_letters(part) for part in value.values())
    return sum(_letters(part) for part in value) if isinstance(value, list) else 0


def estimate(data: Mapping[str, Any]) -> int:
    """Tokens that a request may use: its prompt by its length, and the longest answer that it asks for."""
    asked = [data[name] for name in ANSWER_LIMITS if isinstance(data.get(name), int) and not isinstance(data[name], bool)]
    prompt = sum(_letters(data.get(name)) for name in PROMPTS) // LETTERS_PER_TOKEN
    return prompt + max([0, *asked]) if asked else prompt + USUAL_ANSWER


@dataclass(frozen=True)
class _Held:
    keys: tuple[str, str]
    end: float


class DayCaps:
    def __init__(
        self,
        gateway: str,
        zone: ZoneInfo,
        longest: float,
        *,
        outages: Outages,
        open_: Open,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`longest`: seconds that a request can take; `now`: seconds since 1970."""
        self._gateway, self._zone, self._longest, self._outages, self._now = gateway, zone, longest, outages, now
        self._admit, self._settle = open_(ADMIT), open_(SETTLE)
        self._running: OrderedDict[str, _Held] = OrderedDict()

    async def admit(self, metadata: Mapping[str, Any] | None, call: str, data: Mapping[str, Any]) -> None:
        """Raises if the agent's day is spent."""
        capped = cap_of(metadata)
        if capped is None:
            return
        agent, cap = capped
        now = self._now()
        keys, end = self._keys(agent, now), int(now + self._longest)
        try:
            admitted, used, held = await self._admit(keys, [cap, estimate(data), call, int(now), end, KEPT])
        except Exception as error:
            self._outages.met(error, "daily tokens")
            return
        if not int(admitted):
            refuse(self._refusal(cap, int(used), int(held), now))
        self._forget_lost(now)
        self._running[call] = _Held(keys, end)

    async def settle(self, call: str, tokens: int) -> None:
        """A request has ended and used that many tokens; they count for the day on which it began."""
        held = self._running.pop(call, None)
        if held is None:
            return
        try:
            await self._settle(held.keys, [call, tokens, KEPT])
        except Exception as error:
            self._outages.lost(error, f"{tokens} tokens used")

    def _keys(self, agent: str, now: float) -> tuple[str, str]:
        day = datetime.fromtimestamp(now, self._zone).date().isoformat()
        # Both in one slot of a cluster.
        place = f"aigw:{{{self._gateway}:{agent}}}:{day}"
        return f"{place}:used", f"{place}:held"

    def _forget_lost(self, now: float) -> None:
        """Requests of which LiteLLM told no end."""
        while self._running and next(iter(self._running.values())).end < now:
            self._running.popitem(last=False)

    def _refusal(self, cap: int, used: int, held: int, now: float) -> Refusal:
        headers = {"x-daily-tokens-limit": str(cap), "x-daily-tokens-used": str(used)}
        if used < cap:
            said = f"{used} of {cap} tokens of the day are used, and running requests may use {held} more"
            return Refusal(429, f"{said}; try again when they have ended", "daily_tokens_held", BUSY_SECONDS, headers)
        left = self._seconds_to_midnight(now)
        said = f"{used} of {cap} tokens of the day are used; the next day begins in {left} s"
        return Refusal(429, said, "daily_tokens_exceeded", left, headers)

    def _seconds_to_midnight(self, now: float) -> int:
        today = datetime.fromtimestamp(now, self._zone).date()
        midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), self._zone)
        return int(midnight.timestamp() - now) + 1
