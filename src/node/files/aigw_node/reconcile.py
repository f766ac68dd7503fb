"""Makes the store and the gateway agree with what is desired, as `cdktf-ai-gateway keys apply` does. Each step may be
interrupted, repeated, or taken by another one at the same time; nothing is written where all is as it should be."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from aigw_node.admin_api import AdminError, key_hash
from aigw_node.agent_secrets import NoKey
from aigw_node.desired import (
    OUTGOING,
    Agent,
    Desired,
    Group,
    Spec,
    agent_of,
    differences,
    group_of,
    key_spec,
    seconds,
    short,
    team_id,
    team_spec,
)
from aigw_node.stores import SecretNotFound, StoreError

OVERLAP = 86_400.0  # seconds that a key lives on that another one has taken the place of
SAME = 60.0  # an expiry that differs by less is the same: LiteLLM counts it from when it hears of it
AGENTS_AT_ONCE = 8
QUIET = ("unchanged", "ended")

T = TypeVar("T")


class Gateway(Protocol):
    """`admin_api.AdminApi`."""

    async def keys(self) -> list[dict[str, Any]]: ...
    async def update_key(self, hash_: str, spec: Spec) -> bool: ...
    async def generate_key(self, key: str, spec: Spec) -> None: ...
    async def block_key(self, hash_: str) -> None: ...
    async def delete_key(self, hash_: str) -> None: ...
    async def teams(self) -> list[dict[str, Any]]: ...
    async def make_team(self, spec: Spec) -> None: ...
    async def update_team(self, spec: Spec) -> None: ...
    async def keys_of_team(self, team: str) -> int: ...
    async def delete_team(self, team: str) -> None: ...


class Keys(Protocol):
    """`agent_secrets.AgentSecrets`."""

    def key(self, agent: str) -> str | None: ...
    def key_or_new(self, agent: str) -> str: ...
    def retire(self, agent: str) -> bool: ...


class InThread(Protocol):
    """Runs what blocks beside the event loop."""

    def __call__(self, work: Callable[..., T], *arguments: Any) -> Awaitable[T]: ...


@dataclass(frozen=True)
class Outcome:
    """What was done for an agent or a group. Changes and notes name keys by the first digits of their hashes."""

    kind: str  # agent, group
    name: str
    action: str
    key: str | None = None
    changes: tuple[str, ...] = ()
    problem: str | None = None


Work = Callable[[], Awaitable[Outcome]]


@dataclass(frozen=True)
class Change:
    spec: Spec
    said: tuple[str, ...]


@dataclass
class Reconciler:
    gateway: Gateway
    keys: Keys
    in_thread: InThread
    tell: Callable[[Outcome], None]  # of each that was not as it should be
    now: Callable[[], float] = field(default=time.time)  # LiteLLM's clock

    async def run(self, desired: Desired) -> Counter[str]:
        """How many agents and groups ended how. AdminError if LiteLLM does not tell what there is."""
        counts: Counter[str] = Counter()

        def done(outcome: Outcome) -> None:
            counts[outcome.action if outcome.kind == "agent" else f"groups_{outcome.action}"] += 1
            if outcome.action not in QUIET:
                self.tell(outcome)

        keys, teams = await self.gateway.keys(), await self.gateway.teams()
        live, owners = by_agent(keys), {str(key["token"]): agent_of(key) for key in keys}
        failed: dict[str, str] = {}
        for group in desired.groups:
            outcome = await self._or_failure("group", group.name, partial(self._group, group, teams))
            done(outcome)
            if outcome.problem is not None:
                failed[group.name] = outcome.problem

        turn = asyncio.Semaphore(AGENTS_AT_ONCE)

        async def one(name: str, work: Work) -> None:
            async with turn:
                done(await self._or_failure("agent", name, work))

        named = {agent.name for agent in desired.agents}
        wanted = [
            one(agent.name, partial(self._agent, agent, desired.routes, live.get(agent.name, []), owners, failed))
            for agent in desired.agents
        ]
        absent = [one(name, partial(self._revoke, name, keys)) for name, keys in live.items() if name not in named]
        await asyncio.gather(*wanted, *absent)
        for name, team in _absent_groups(teams, desired):
            done(await self._or_failure("group", name, partial(self._remove_group, name, team)))
        return counts

    async def _or_failure(self, kind: str, name: str, work: Work) -> Outcome:
        """One's failure holds up no other. Of an unforeseen error only the kind is safe to tell."""
        try:
            return await work()
        except (AdminError, StoreError, NoKey) as error:
            return Outcome(kind, name, "failed", problem=str(error))
        except SecretNotFound:
            return Outcome(kind, name, "failed", problem="the store has no such secret")
        except Exception as error:
            return Outcome(kind, name, "failed", problem=type(error).__name__)

    async def _agent(
        self,
        agent: Agent,
        routes: tuple[str, ...],
        live: Sequence[Spec],
        owners: Mapping[str, str | None],
        failed_groups: Mapping[str, str],
    ) -> Outcome:
        # LiteLLM makes a key of a team that is not there without a word, and that key can neither be used nor changed.
        if agent.group is not None and agent.group in failed_groups:
            problem = f"its group {agent.group} could not be made: {failed_groups[agent.group]}"
            return Outcome("agent", agent.name, "failed", problem=problem)
        ended = agent.end is not None and agent.end <= self.now()
        # None is made for an agent that has come to its end. A key is in the store before the gateway knows it.
        key = await self.in_thread(self.keys.key if ended else self.keys.key_or_new, agent.name)
        if key is None:
            return Outcome("agent", agent.name, "ended")
        hash_ = key_hash(key)
        # LiteLLM would say that it has made it, and change nothing.
        if owners.get(hash_, agent.name) != agent.name:
            owner = owners[hash_] or "somebody that we have made none for"
            problem = f"what its secret holds is key {short(hash_)} of {owner}; it needs one of its own"
            return Outcome("agent", agent.name, "failed", problem=problem)
        # The others come first: who is interrupted after them finds the agent's own still to be done.
        others = [said for other in live if other["token"] != hash_ for said in await self._other(agent, routes, other)]
        found = next((own for own in live if own["token"] == hash_), None)
        action, said = await self._own(agent, routes, key, found)
        if others and action == "unchanged":
            action = "changed"
        return Outcome("agent", agent.name, action, short(hash_), (*said, *others))

    async def _own(self, agent: Agent, routes: tuple[str, ...], key: str, found: Spec | None) -> tuple[str, Sequence[str]]:
        """Makes the key of the store what it should be, by one call at most."""
        now, hash_ = self.now(), key_hash(key)
        if found is not None:
            change = change_of(found, agent, routes, now)
            if change is None:
                return "unchanged", ()
            if await self.gateway.update_key(hash_, change.spec):
                return "changed", change.said
        if agent.end is not None and agent.end <= now:
            return "ended", ()
        await self.gateway.generate_key(key, {**key_spec(agent, hash_, routes), **_lifetime(agent.end, now)})
        return "made", ()

    async def _other(self, agent: Agent, routes: tuple[str, ...], other: Spec) -> Sequence[str]:
        """Gives another key than the one in the store its end, or removes it if that has come."""
        hash_, now = str(other["token"]), self.now()
        end = _end(other)
        if end is not None and end <= now:
            await self.gateway.delete_key(hash_)
            return (f"{short(hash_)} removed, it had ended",)
        change = change_of(other, agent, routes, now, outgoing=True)
        if change is None or not await self.gateway.update_key(hash_, change.spec):
            return ()
        return (f"{short(hash_)} is outgoing",)

    async def _revoke(self, name: str, keys: Sequence[Spec]) -> Outcome:
        """Shuts all keys on every node, retires what the store holds, and deletes them at last: who is interrupted finds
        them by what is left at the gateway. A store that refuses leaves no key alive."""
        for key in keys:
            if key.get("blocked") is not True:
                await self.gateway.block_key(str(key["token"]))
        problem = None
        try:
            await self.in_thread(self.keys.retire, name)
        except Exception as error:
            why = str(error) if isinstance(error, StoreError) else type(error).__name__
            problem = f"its keys are deleted, but the store still holds one, which opens nothing: {why}"
        for key in keys:
            await self.gateway.delete_key(str(key["token"]))
        said = tuple(f"{short(str(key['token']))} deleted" for key in keys)
        return Outcome("agent", name, "revoked" if problem is None else "failed", changes=said, problem=problem)

    async def _group(self, group: Group, teams: Sequence[Spec]) -> Outcome:
        spec = team_spec(group)
        found = next((team for team in teams if team["team_id"] == spec["team_id"]), None)
        if found is None:
            await self.gateway.make_team(spec)
            return Outcome("group", group.name, "made")
        said = differences(found, spec)
        if not said:
            return Outcome("group", group.name, "unchanged")
        await self.gateway.update_team(spec)
        return Outcome("group", group.name, "changed", changes=tuple(said))

    async def _remove_group(self, name: str, team: str) -> Outcome:
        """LiteLLM deletes a team's keys with it, so that one with keys is kept."""
        if await self.gateway.keys_of_team(team):
            return Outcome("group", name, "kept", problem="keys are still in it")
        await self.gateway.delete_team(team)
        return Outcome("group", name, "removed")


def by_agent(keys: Sequence[dict[str, Any]]) -> dict[str, list[Spec]]:
    """The keys that were made for agents by us; all others are nobody's business here."""
    found: dict[str, list[Spec]] = {}
    for key in keys:
        agent = agent_of(key)
        if agent is not None:
            found.setdefault(agent, []).append(key)
    return found


def _absent_groups(teams: Sequence[Spec], desired: Desired) -> list[tuple[str, str]]:
    named = {team_id(group.name) for group in desired.groups}
    ours = [(group_of(team), str(team["team_id"])) for team in teams]
    return [(name, team) for name, team in ours if name is not None and team not in named]


def change_of(live: Spec, agent: Agent, routes: tuple[str, ...], now: float, *, outgoing: bool = False) -> Change | None:
    """What brings a key to what it should be; None where it is so."""
    spec = key_spec(agent, str(live["token"]), routes, outgoing=outgoing)
    # One that was shut is never opened again by being another's forerunner.
    if outgoing and live.get("blocked") is True:
        spec = {**spec, "blocked": True}
    is_, end = _end(live), _outgoing_end(live, agent, now) if outgoing else agent.end
    said = differences(live, spec)
    if not _same_end(is_, end, now):
        said.append("expires")
        spec = {**spec, **_lifetime(end, now)}
    return Change(spec, tuple(said)) if said else None


def _end(key: Spec) -> float | None:
    """When a key ends, in seconds since 1970; None: never."""
    return seconds(key["expires"]) if key.get("expires") else None


def _same_end(one: float | None, other: float | None, now: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < SAME or max(one, other) <= now


def _outgoing_end(key: Spec, agent: Agent, now: float) -> float:
    """Never later than the agent's own end, nor than the one that it has; one that was given its end before keeps it."""
    has = _end(key)
    told = (key.get("metadata") or {}).get(OUTGOING) is True and has is not None
    ends = (None if told else now + OVERLAP, has, agent.end)
    return min(end for end in ends if end is not None)


def _lifetime(end: float | None, now: float) -> Spec:
    """LiteLLM takes no instant: `90s` is 90 seconds from now, null never."""
    return {"duration": None if end is None else f"{max(1, math.ceil(end - now))}s"}
