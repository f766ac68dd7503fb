"""Counters that all nodes of a gateway share, in Redis: what may be used in a minute, and what in a day.

One program admits a request: it asks all limits that hold for it and counts the request in all of them, in one step, or
refuses it and counts it in none. Another one counts what the request used, when it has ended. Each is one call to Redis,
however many limits there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NoReturn

from aigw_node import log
from aigw_node.front.exchange import Rate, refuse, tell
from aigw_node.front.refusal import Refusal

Run = Callable[[Sequence[str], Sequence[str | int]], Awaitable[Any]]
Open = Callable[[str], Run]

RETRY_SECONDS = 5
UNREACHABLE = Refusal(503, "the counters of this gateway's limits are unreachable", "limits_unavailable", RETRY_SECONDS)
MINUTE = 60
KEPT = 49 * 3600  # seconds that a day's counters outlive their last use: the longest day and its last request

# Of both programs. KEYS: of each minute its counter; of each day what is used, what is held
# ARGV[1..2]: how many minutes, seconds of one
COMMON = """
local minutes, seconds = tonumber(ARGV[1]), ARGV[2]
local days = (#KEYS - minutes) / 2
local function of_day(day) return KEYS[minutes + 2 * day - 1], KEYS[minutes + 2 * day] end
local function count(key, amount)
  redis.call('INCRBY', key, amount)
  if redis.call('TTL', key) == -1 then redis.call('EXPIRE', key, seconds) end
end
"""
# ARGV[3..6]: call, now, its end at the latest, seconds that a day is kept; then of each minute and each day: most, wanted
# -> 0: admitted, and of each minute what is used and the seconds until it ends; else which one is spent, from 1, and of a
# minute the seconds until it ends, of a day what is used, held
# What is held is "<amount> <end>" for each running request; one whose node died is forgotten at its end.
ADMIT = (
    COMMON
    + """
local call, now, finish, kept = ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local function most(limit) return tonumber(ARGV[5 + 2 * limit]) end
local function wanted(limit) return ARGV[6 + 2 * limit] end
local function used(key) return tonumber(redis.call('GET', key) or '0') end
local function ends(key)
  local left = redis.call('PTTL', key)
  return left > 0 and math.ceil(left / 1000) or tonumber(seconds)
end
local function held(key)
  local sum, entries = 0, redis.call('HGETALL', key)
  for i = 1, #entries, 2 do
    local each, over = string.match(entries[i + 1], '(%d+) (%d+)')
    if tonumber(over) <= now then redis.call('HDEL', key, entries[i]) else sum = sum + tonumber(each) end
  end
  return sum
end
for i = 1, minutes do
  if used(KEYS[i]) >= most(i) then
    return {i, ends(KEYS[i])}
  end
end
for day = 1, days do
  local limit, counter, running = minutes + day, of_day(day)
  local spent, others = used(counter), held(running)
  local all = spent + others + tonumber(wanted(limit))
  if spent >= most(limit) or (others > 0 and all > most(limit)) then return {limit, spent, others} end
end
for i = 1, minutes do count(KEYS[i], wanted(i)) end
for day = 1, days do
  local _, running = of_day(day)
  redis.call('HSET', running, call, wanted(minutes + day) .. ' ' .. finish)
  redis.call('EXPIRE', running, kept)
end
local left = {0}
for i = 1, minutes do
  left[2 * i] = used(KEYS[i])
  left[2 * i + 1] = ends(KEYS[i])
end
return left
"""
)
# ARGV[3..4]: call, seconds that a day is kept; then of each minute and each day what is used
SETTLE = (
    COMMON
    + """
for i = 1, minutes do count(KEYS[i], ARGV[4 + i]) end
for day = 1, days do
  local counter, running = of_day(day)
  redis.call('HDEL', running, ARGV[3])
  redis.call('INCRBY', counter, ARGV[4 + minutes + day])
  redis.call('EXPIRE', counter, ARGV[4])
end
"""
)


class Unit(Enum):
    REQUESTS = auto()
    TOKENS = auto()
    MICRODOLLARS = auto()


Used = Mapping[Unit, int]


@dataclass(frozen=True)
class Minute:
    """What may be used in 60 s, which begin with the first request in them. A request is counted when it begins, what it
    uses when it ends."""

    key: str
    most: int
    unit: Unit
    refuse: Callable[..., NoReturn]  # is told the seconds until it ends
    told: bool = False  # to the caller, as x-ratelimit-*

    def rate(self, used: int, reset: int) -> Rate:
        return Rate(self.unit.name.lower(), self.most, max(0, self.most - used), reset)

    @property
    def wanted(self) -> int:
        return 1 if self.unit is Unit.REQUESTS else 0


@dataclass(frozen=True)
class Day:
    """What may be used in a day. What a request will use is not known before it ends: so an estimate is held from its start
    to its end, and counts as used for all others. A request alone is never refused while anything is left."""

    place: str
    most: int
    unit: Unit
    wanted: int  # the estimate
    refuse: Callable[..., NoReturn]  # is told what is used and what is held


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


class Counters:
    def __init__(self, open_: Open, outages: Outages) -> None:
        self._admit, self._settle, self._outages = open_(ADMIT), open_(SETTLE), outages

    async def admit(
        self, minutes: Sequence[Minute], days: Sequence[Day] = (), *, call: str = "", now: int = 0, end: int = 0
    ) -> None:
        """Raises as the first limit does that is spent. `now`, `end`: seconds since 1970; at `end` the call is over."""
        limits: list[Minute | Day] = [*minutes, *days]
        if not limits:
            return
        arguments: list[str | int] = [len(minutes), MINUTE, call, now, end, KEPT]
        for limit in limits:
            arguments += limit.most, limit.wanted
        try:
            spent = [int(number) for number in await self._admit(_keys(minutes, days), arguments)]
        except Exception as error:
            self._outages.met(error, "a request")
            return
        which, *numbers = spent
        if which == 0:
            left = zip(minutes, numbers[0::2], numbers[1::2], strict=False)
            tell([minute.rate(used, reset) for minute, used, reset in left if minute.told])
            return
        limit = limits[which - 1]
        if isinstance(limit, Minute) and limit.told:
            tell([limit.rate(limit.most, numbers[0])])
        limit.refuse(*numbers)

    async def settle(self, minutes: Sequence[Minute], days: Sequence[Day], call: str, used: Used) -> None:
        """A call has ended and used that much."""
        minutes = [minute for minute in minutes if used.get(minute.unit)]
        limits: list[Minute | Day] = [*minutes, *days]
        if not limits:
            return
        amounts = [used.get(limit.unit, 0) for limit in limits]
        try:
            await self._settle(_keys(minutes, days), [len(minutes), MINUTE, call, KEPT, *amounts])
        except Exception as error:
            self._outages.lost(error, ", ".join(f"{amount} {unit.name.lower()}" for unit, amount in used.items()))


def _keys(minutes: Sequence[Minute], days: Sequence[Day]) -> list[str]:
    return [minute.key for minute in minutes] + [f"{day.place}:{what}" for day in days for what in ("used", "held")]


def place(gateway: str, name: str) -> str:
    """Where the counters of something stand: all of a gateway in one slot of a cluster, so that one program reaches them."""
    return f"aigw:{{{gateway}}}:{name}"


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
