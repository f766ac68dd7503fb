"""The agents that there should be, and the keys and teams that LiteLLM should have of them: what `agents/desired.json` says.

`src/cli/keys/key-spec.ts` says the same for a computer that reaches the admin listener."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from aigw_node.day_caps import AGENT, BUDGET, TOKENS

VERSION = 1
GROUP, LABELS, OUTGOING, OURS = "aigw_group", "aigw_labels", "aigw_outgoing", "aigw_"
# A field of an agent, and where it stands in its keys' metadata: the plugin counts limits over all keys of an agent.
METADATA = {
    "qpm": "aigw_qpm",
    "tpm": "aigw_tpm",
    "dailyTokens": TOKENS,
    "dailyBudgetUsd": BUDGET,
    "group": GROUP,
    "labels": LABELS,
}
# LiteLLM's own would count for each key by itself.
NO_LIMITS = {"rpm_limit": None, "tpm_limit": None, "max_budget": None, "budget_duration": None}
PERIODS = {"day": "1d", "month": "1mo"}

Spec = Mapping[str, Any]


class BadDesiredState(Exception):
    """Says what is wrong with the document."""


@dataclass(frozen=True)
class Agent:
    name: str
    models: tuple[str, ...]
    enabled: bool
    end: float | None  # seconds since 1970
    group: str | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Group:
    name: str
    budget: float  # US dollars
    period: str


@dataclass(frozen=True)
class Desired:
    routes: tuple[str, ...]
    groups: tuple[Group, ...]
    agents: tuple[Agent, ...]


def parse(content: bytes) -> Desired:
    """A key without models or routes may call any, and who is not named loses its keys: so nothing is taken for granted."""
    try:
        document = json.loads(content)
        if document["version"] != VERSION:
            raise BadDesiredState(f"version {document['version']} is not {VERSION}: nodes are of another release")
        routes = tuple(dict.fromkeys(_key_route(str(route["path"])) for route in document["routes"]))
        groups = tuple(
            Group(str(group["name"]), float(group["budgetUsd"]), PERIODS[group["budgetPeriod"]])
            for group in document["groups"]
        )
        agents = tuple(_agent(agent) for agent in document["agents"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadDesiredState(f"it is no desired state of agents ({type(error).__name__})") from None
    if not routes:
        raise BadDesiredState("it names no routes")
    return Desired(routes, groups, agents)


def _key_route(path: str) -> str:
    """LiteLLM knows a `*` at the end only, and matches nothing for a name in braces."""
    before, brace, _ = path.partition("{")
    return f"{before}*" if brace else path


def _agent(agent: Mapping[str, Any]) -> Agent:
    name, models = agent["name"], tuple(agent["models"])
    if not isinstance(name, str) or not name or "/" in name or not models:
        raise ValueError(name)
    expires = agent.get("expires")
    held = {key: agent[field] for field, key in METADATA.items() if agent.get(field) is not None}
    return Agent(
        name,
        models,
        enabled=agent["enabled"] is True,
        end=None if expires is None else seconds(expires),
        group=agent.get("group"),
        metadata={AGENT: name, **held},
    )


def seconds(instant: str) -> float:
    """Since 1970. LiteLLM leaves the zone out at times: it is UTC."""
    moment = datetime.fromisoformat(instant.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def short(hash_: str) -> str:
    """What a key is called where people see it."""
    return hash_[:8]


def team_id(group: str) -> str:
    return f"aigw-{group}"


def key_spec(agent: Agent, hash_: str, routes: tuple[str, ...], *, outgoing: bool = False) -> Spec:
    """An agent's key as LiteLLM holds it. `outgoing`: another one has taken its place, and it ends by itself."""
    return {
        # Aliases are unique in a gateway, and an agent has two keys while one replaces the other.
        "key_alias": f"{agent.name}-{short(hash_)}",
        "models": list(agent.models),
        "allowed_routes": list(routes),
        **NO_LIMITS,
        "team_id": None if agent.group is None else team_id(agent.group),
        "blocked": not agent.enabled,
        "metadata": {**agent.metadata, **({OUTGOING: True} if outgoing else {})},
    }


def team_spec(group: Group) -> Spec:
    """A group's budget; the first of a calendar month, or midnight, begins it anew."""
    name = team_id(group.name)
    spec = {"team_id": name, "team_alias": name, "max_budget": group.budget, "budget_duration": group.period}
    return {**spec, "metadata": {GROUP: group.name}}


def agent_of(key: Spec) -> str | None:
    """The agent that a key was made for by us."""
    return _named(key, AGENT)


def group_of(team: Spec) -> str | None:
    """The group that a team was made for by us."""
    return _named(team, GROUP)


def _named(thing: Spec, field: str) -> str | None:
    name = (thing.get("metadata") or {}).get(field)
    return name if isinstance(name, str) else None


def differences(live: Spec, spec: Spec) -> list[str]:
    """What a key or a team has otherwise than it should, in words; what LiteLLM keeps beside that is its own."""
    found = []
    for field, should in spec.items():
        if field == "metadata":
            held = live.get(field) or {}
            ours = dict.fromkeys([*should, *(name for name in held if name.startswith(OURS))])
            found += [said for name in ours for said in _difference(name, held.get(name), should.get(name))]
        else:
            found += _difference(field, live.get(field), should)
    return found


def _difference(what: str, value: Any, should: Any) -> list[str]:
    return [] if _plain(value) == _plain(should) else [f"{what} {json.dumps(value)} -> {json.dumps(should)}"]


def _plain(value: Any) -> Any:
    """Lists are sets, and what is not there is neither false."""
    if isinstance(value, list):
        return sorted(value, key=str)
    return None if value is False else value
