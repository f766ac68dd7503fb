"""What the nodes make of a desired state, of keys that are there, and of what fails."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import Any

import httpx
import pytest
from aigw_node import leader, provision
from aigw_node.admin_api import AdminApi, AdminError, key_hash
from aigw_node.agent_secrets import AgentSecrets
from aigw_node.desired import BadDesiredState, Spec, parse
from aigw_node.leader import Lead, database_session
from aigw_node.objects import ObjectError
from aigw_node.provision import Provisioner, Threads
from aigw_node.reconcile import OVERLAP, Outcome, Reconciler
from aigw_node.settings import DatabaseSettings
from aigw_node.stores import SecretNotFound, SecretValue, StoreError

from doubles.postgres import Postgres

NOW = 1_800_000_000.0
BELOW = "prod-gateway/agents/"
ROUTES = [{"method": "POST", "path": "/v1/chat/completions"}, {"method": "GET", "path": "/v1/models"}]


def instant(offset: float) -> str:
    return datetime.fromtimestamp(NOW + offset, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def content(groups: dict[str, float] | None = None, **agents: dict[str, Any]) -> bytes:
    named = [
        {"name": name, "secretName": f"agents/{name}", "models": ["first"], "enabled": True, **more}
        for name, more in agents.items()
    ]
    shared = [{"name": name, "budgetUsd": usd, "budgetPeriod": "month"} for name, usd in (groups or {}).items()]
    return json.dumps({"version": 1, "routes": ROUTES, "groups": shared, "agents": named}).encode()


@dataclass
class Store:
    texts: dict[str, str] = field(default_factory=dict)
    undeclared: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    writes: list[str] = field(default_factory=list)

    def get(self, name: str) -> SecretValue:
        if name in self.away:
            raise StoreError(f"{name}: the store answered Throttling")
        if name not in self.texts:
            raise SecretNotFound(name)
        return SecretValue(self.texts[name], "v1")

    def put_first(self, name: str, text: str) -> bool:
        if name in self.undeclared:
            raise SecretNotFound(name)
        self.put(name, text)
        return True

    def put(self, name: str, text: str) -> None:
        self.writes.append(f"store {name.removeprefix(BELOW)}")
        self.texts[name] = text


@dataclass
class LiteLlm:
    """What LiteLLM keeps, and each call that changes it."""

    store: Store
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    held_teams: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    trouble: dict[str, Exception] = field(default_factory=dict)  # by call
    now: float = NOW

    def _note(self, call: str, name: str) -> None:
        self.calls.append(f"{call} {name}")
        if error := self.trouble.get(call) or self.trouble.get(f"{call} {name}"):
            raise error

    def _take(self, hash_: str, spec: Spec) -> None:
        said = {name: value for name, value in spec.items() if name not in ("duration", "key")}
        key = {**self.held.get(hash_, {}), **said, "token": hash_, "spend": 0.1}
        if "duration" in spec:
            length = spec["duration"]
            key["expires"] = None if length is None else instant(self.now - NOW + float(length.rstrip("s")))
        self.held[hash_] = key

    async def keys(self) -> list[dict[str, Any]]:
        if error := self.trouble.get("list"):
            raise error
        return list(self.held.values())

    async def update_key(self, hash_: str, spec: Spec) -> bool:
        self._note("update", str(spec["metadata"]["aigw_agent"]))
        if hash_ in self.held:
            self._take(hash_, spec)
        return hash_ in self.held

    async def generate_key(self, key: str, spec: Spec) -> None:
        name = str(spec["metadata"]["aigw_agent"])
        self._note("generate", name)
        assert self.store.texts[BELOW + name] == key, "a key that the gateway knows and the store does not is lost"
        self._take(key_hash(key), spec)

    async def block_key(self, hash_: str) -> None:
        self._note("block", hash_[:8])
        self.held[hash_]["blocked"] = True

    async def delete_key(self, hash_: str) -> None:
        self._note("delete", hash_[:8])
        self.held.pop(hash_, None)

    async def teams(self) -> list[dict[str, Any]]:
        return list(self.held_teams.values())

    async def make_team(self, spec: Spec) -> None:
        await self.update_team(spec)

    async def update_team(self, spec: Spec) -> None:
        self._note("team", str(spec["team_id"]))
        self.held_teams[str(spec["team_id"])] = {**spec, "spend": 1.0}

    async def keys_of_team(self, team: str) -> int:
        return sum(key.get("team_id") == team for key in self.held.values())

    async def delete_team(self, team: str) -> None:
        self._note("delete-team", team)
        del self.held_teams[team]


@dataclass
class Rig:
    store: Store = field(default_factory=Store)
    told: list[Outcome] = field(default_factory=list)
    threads: Threads = field(default_factory=Threads)

    def __post_init__(self) -> None:
        self.gateway = LiteLlm(self.store)

    @property
    def reconciler(self) -> Callable[[Callable[[Outcome], None]], Reconciler]:
        return partial(Reconciler, self.gateway, AgentSecrets(self.store, BELOW), self.threads, now=lambda: self.gateway.now)

    async def run(self, groups: dict[str, float] | None = None, **agents: dict[str, Any]) -> Counter[str]:
        self.told.clear()
        return await self.reconciler(self.told.append).run(parse(content(groups, **agents)))

    def written(self) -> list[str]:
        """Since it was asked before."""
        said = self.store.writes + self.gateway.calls
        self.store.writes.clear()
        self.gateway.calls.clear()
        return said

    def key(self, agent: str) -> dict[str, Any]:
        return self.gateway.held[key_hash(self.store.texts[BELOW + agent])]


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_keys_are_made_in_the_store_first_and_a_second_run_writes_nothing(rig: Rig) -> None:
    agents = {"a": {"qpm": 120, "tpm": 9, "dailyTokens": 5, "dailyBudgetUsd": 1.5, "labels": {"team": "x"}}, "b": {}}
    assert await rig.run(**agents) == {"made": 2}
    assert sorted(rig.written()) == ["generate a", "generate b", "store a", "store b"]
    key, limits = rig.key("a"), {"aigw_qpm": 120, "aigw_tpm": 9, "aigw_daily_tokens": 5, "aigw_daily_budget_usd": 1.5}
    assert key["metadata"] == {"aigw_agent": "a", **limits, "aigw_labels": {"team": "x"}}
    assert (key["models"], key["allowed_routes"]) == (["first"], ["/v1/chat/completions", "/v1/models"])
    assert (key["key_alias"], key["rpm_limit"], key["max_budget"]) == (f"a-{key['token'][:8]}", None, None)
    assert await rig.run(**agents) == {"unchanged": 2}
    assert rig.written() == []
    assert rig.told == []


async def test_a_changed_limit_is_one_call_and_tells_what_was_changed(rig: Rig) -> None:
    await rig.run(a={"qpm": 120}, b={})
    before = dict(rig.store.texts)
    rig.written()
    assert await rig.run(a={"qpm": 121, "models": ["first", "second"]}, b={}) == {"changed": 1, "unchanged": 1}
    assert rig.written() == ["update a"]
    (told,) = rig.told
    assert told.changes == ('models ["first"] -> ["first", "second"]', "aigw_qpm 120 -> 121")
    assert rig.store.texts == before
    # A limit that is taken away, and what somebody else wrote.
    assert (await rig.run(a={"models": ["second", "first"]}, b={}))["changed"] == 1
    assert rig.key("a")["metadata"] == {"aigw_agent": "a"}
    rig.key("a")["metadata"] = {**rig.key("a")["metadata"], "note": "of LiteLLM's own"}
    rig.written()
    assert (await rig.run(a={"models": ["first", "second"]}, b={}))["unchanged"] == 2
    assert rig.written() == []


async def test_an_agent_that_is_off_keeps_its_key_shut(rig: Rig) -> None:
    await rig.run(a={"enabled": False})
    assert rig.key("a")["blocked"] is True
    await rig.run(a={})
    assert rig.key("a")["blocked"] is False


async def test_an_agent_ends_when_it_is_said_and_is_then_left_alone(rig: Rig) -> None:
    await rig.run(a={"expires": instant(3600)})
    assert rig.key("a")["expires"] == instant(3600)
    rig.written()
    assert await rig.run(a={"expires": instant(3601)}) == {"unchanged": 1}
    assert await rig.run(a={"expires": instant(9999)}) == {"changed": 1}
    assert await rig.run(a={}) == {"changed": 1}
    assert rig.key("a")["expires"] is None
    rig.gateway.now += 20_000
    rig.written()
    assert await rig.run(b={"expires": instant(9999)}) == {"ended": 1, "revoked": 1}
    assert BELOW + "b" not in rig.store.texts


async def test_another_key_in_the_store_takes_over_and_the_old_one_ends_by_itself(rig: Rig) -> None:
    await rig.run(a={"qpm": 1})
    old = rig.key("a")["token"]
    rig.store.texts[BELOW + "a"] = "sk-" + "n" * 30
    assert await rig.run(a={"qpm": 1}) == {"made": 1}
    assert rig.key("a")["expires"] is None
    assert rig.gateway.held[old]["expires"] == instant(OVERLAP)
    assert rig.gateway.held[old]["metadata"]["aigw_outgoing"] is True
    rig.written()
    rig.gateway.now += 3600
    # Its end is never put off, its limits follow the agent's, and it is removed when it has ended.
    assert await rig.run(a={"qpm": 1}) == {"unchanged": 1}
    assert await rig.run(a={"qpm": 2}) == {"changed": 1}
    assert rig.gateway.held[old]["expires"] == instant(OVERLAP)
    assert rig.written() == ["update a", "update a"]
    rig.gateway.now += OVERLAP
    assert await rig.run(a={"qpm": 2}) == {"changed": 1}
    assert rig.written() == [f"delete {old[:8]}"]


async def test_an_outgoing_key_that_was_shut_stays_shut(rig: Rig) -> None:
    await rig.run(a={})
    old = rig.key("a")
    old["blocked"] = True
    rig.store.texts[BELOW + "a"] = "sk-" + "n" * 30
    await rig.run(a={})
    assert rig.gateway.held[old["token"]]["blocked"] is True


async def test_who_is_named_no_more_is_shut_out_before_all_else(rig: Rig) -> None:
    await rig.run(a={}, b={})
    hash_ = rig.key("a")["token"][:8]
    rig.written()
    assert await rig.run(b={}) == {"revoked": 1, "unchanged": 1}
    assert rig.written() == ["store a", f"block {hash_}", f"delete {hash_}"]
    assert rig.store.texts[BELOW + "a"].startswith("revoked ")
    assert await rig.run(b={}) == {"unchanged": 1}
    assert (await rig.run(a={}, b={}))["made"] == 1


async def test_a_store_that_refuses_leaves_no_key_of_a_revoked_agent_alive(rig: Rig) -> None:
    await rig.run(a={})
    rig.store.away.add(BELOW + "a")
    assert await rig.run() == {"failed": 1}
    assert rig.gateway.held == {}
    assert "which opens nothing: prod-gateway/agents/a: the store answered Throttling" in str(rig.told[0].problem)


async def test_keys_that_are_not_ours_are_never_touched(rig: Rig) -> None:
    foreign = {"token": "f" * 64, "metadata": {"owner": "x"}, "blocked": None}
    rig.gateway.held = {"f" * 64: dict(foreign), "g" * 64: {"token": "g" * 64, "metadata": None}}
    await rig.run(a={})
    await rig.run()
    assert rig.gateway.held["f" * 64] == foreign
    assert "g" * 64 in rig.gateway.held


async def test_a_key_of_somebody_else_is_not_taken_for_the_agents(rig: Rig) -> None:
    await rig.run(a={}, b={})
    own, other = (rig.store.texts[BELOW + name] for name in "ab")
    by_hand = {"token": key_hash("sk-" + "h" * 20), "metadata": None}
    rig.gateway.held[str(by_hand["token"])] = by_hand
    for text, owner in ((other, "b"), ("sk-" + "h" * 20, "somebody that we have made none for")):
        rig.store.texts[BELOW + "a"] = text
        before = dict(rig.gateway.held)
        rig.written()
        assert await rig.run(a={}, b={}) == {"failed": 1, "unchanged": 1}
        said = f"what its secret holds is key {key_hash(text)[:8]} of {owner}; it needs one of its own"
        assert [told.problem for told in rig.told] == [said]
        assert (rig.written(), rig.gateway.held) == ([], before)
    rig.store.texts[BELOW + "a"] = own
    assert await rig.run(a={}, b={}) == {"unchanged": 2}


async def test_one_agents_failure_holds_up_no_other(rig: Rig) -> None:
    rig.store.away.add(BELOW + "a")
    rig.store.undeclared.add(BELOW + "b")
    rig.gateway.trouble = {"generate c": AdminError("POST /key/generate", 500), "generate d": RuntimeError("sk-canary")}
    assert await rig.run(a={}, b={}, c={}, d={}, e={}) == {"failed": 4, "made": 1}
    problems = {told.name: told.problem for told in rig.told}
    assert problems["a"] == "prod-gateway/agents/a: the store answered Throttling"
    assert problems["b"] == "prod-gateway/agents/b: there is no such secret; apply the stack, which makes it"
    assert problems["c"] == "POST /key/generate: 500"
    assert problems["d"] == "RuntimeError"
    key = rig.store.texts[BELOW + "c"]
    rig.gateway.trouble, rig.store.away, rig.store.undeclared = {}, set(), set()
    assert (await rig.run(a={}, b={}, c={}, d={}, e={}))["made"] == 4
    assert rig.store.texts[BELOW + "c"] == key


async def test_groups_come_before_their_agents_and_go_when_they_are_empty(rig: Rig) -> None:
    assert await rig.run({"lab": 500}, a={"group": "lab"}) == {"groups_made": 1, "made": 1}
    assert rig.written() == ["store a", "team aigw-lab", "generate a"]
    assert rig.gateway.held_teams["aigw-lab"]["budget_duration"] == "1mo"
    assert (await rig.run({"lab": 501}, a={"group": "lab"}))["groups_changed"] == 1
    assert await rig.run({"lab": 501.0}, a={"group": "lab"}) == {"groups_unchanged": 1, "unchanged": 1}
    assert (await rig.run(a={}))["groups_removed"] == 1
    rig.gateway.trouble = {"team": AdminError("POST /team/new", 500)}
    assert await rig.run({"lab": 1}, a={"group": "lab"}, b={}) == {"groups_failed": 1, "failed": 1, "made": 1}
    rig.gateway.trouble = {}
    await rig.run({"lab": 1}, a={"group": "lab"})
    rig.gateway.held["x" * 64] = {"token": "x" * 64, "metadata": {}, "team_id": "aigw-lab"}
    assert (await rig.run(a={}))["groups_kept"] == 1


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"", "JSONDecodeError"),
        (b"[]", "TypeError"),
        (b'{"version": 2}', "version 2 is not 1"),
        (b'{"version": 1, "routes": [], "groups": [], "agents": []}', "no routes"),
        (content(a={"models": []}), "ValueError"),
        (content(a={"name": "../master-key"}), "ValueError"),
        (content(a={"expires": "soon"}), "ValueError"),
        (content()[:-20], "JSONDecodeError"),
    ],
)
def test_a_state_that_is_none_is_refused_whole(document: bytes, problem: str) -> None:
    with pytest.raises(BadDesiredState, match=problem):
        parse(document)


class Leading:
    def __init__(self) -> None:
        self.leads, self.gave_up = True, False

    def held(self) -> bool:
        return self.leads

    def give_up(self) -> None:
        self.gave_up = True


class Watched:
    def __init__(self, held: bytes) -> None:
        self.held: bytes | Exception = held

    def read(self, known: bytes | None) -> bytes | None:
        if isinstance(self.held, Exception):
            raise self.held
        return None if self.held == known else self.held


@dataclass
class Ticking(Rig):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.lead, self.watched, self.clock = Leading(), Watched(content(a={})), 1000.0
        self.provisioner = Provisioner(
            self.lead, self.watched, self.reconciler, self.threads, interval=300, clock=lambda: self.clock
        )


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(provision.log, "event", lambda name, **fields: told.append((name, fields)))
    return told


def runs(events: list[tuple[str, dict[str, Any]]]) -> int:
    return sum(name == "agents-provisioned" for name, _ in events)


Events = list[tuple[str, dict[str, Any]]]


async def test_it_runs_every_interval_and_when_the_state_has_changed(events: Events) -> None:
    ticking = Ticking()
    await ticking.provisioner.tick()
    await ticking.provisioner.tick()
    assert runs(events) == 1
    assert events[-1] == ("agents-provisioned", {"agents": 1, "made": 1, "seconds": 0.0})
    ticking.watched.held = content(a={"qpm": 1})
    await ticking.provisioner.tick()
    assert runs(events) == 2
    ticking.clock += 299
    await ticking.provisioner.tick()
    assert runs(events) == 2
    ticking.clock += 2
    await ticking.provisioner.tick()
    assert runs(events) == 3


async def test_who_does_not_lead_does_nothing_and_who_begins_to_looks_at_all(events: Events) -> None:
    ticking = Ticking()
    await ticking.provisioner.tick()
    ticking.lead.leads = False
    ticking.watched.held = content(a={"qpm": 1})
    ticking.clock += 1000
    await ticking.provisioner.tick()
    assert runs(events) == 1
    ticking.lead.leads = True
    await ticking.provisioner.tick()
    assert ticking.key("a")["metadata"]["aigw_qpm"] == 1


async def test_a_failure_is_told_once_and_tried_again_within_a_minute(events: Events) -> None:
    ticking = Ticking()
    ticking.store.away.add(BELOW + "a")
    for _ in range(3):
        await ticking.provisioner.tick()
        ticking.clock += 61
    assert runs(events) == 3
    assert [fields for name, fields in events if name == "agent-failed"] == [
        {"agent": "a", "problem": "prod-gateway/agents/a: the store answered Throttling"}
    ]
    ticking.store.away.clear()
    await ticking.provisioner.tick()
    ticking.store.away.add(BELOW + "a")
    ticking.clock += 301
    await ticking.provisioner.tick()
    assert sum(name == "agent-failed" for name, _ in events) == 2


@pytest.mark.parametrize(
    ("trouble", "told"), [(AdminError("GET /key/list", 500), "GET /key/list: 500"), (KeyError("sk-x"), "KeyError")]
)
async def test_a_gateway_that_tells_nothing_is_asked_again(events: Events, trouble: Exception, told: str) -> None:
    ticking = Ticking()
    ticking.gateway.trouble = {"list": trouble}
    await ticking.provisioner.tick()
    await ticking.provisioner.tick()
    assert events == [("provisioning-failed", {"problem": told})]
    ticking.gateway.trouble = {}
    await ticking.provisioner.tick()
    assert runs(events) == 1


@pytest.mark.parametrize(("held", "told"), [(ObjectError("AccessDenied"), "AccessDenied"), (b"{}", "KeyError")])
async def test_a_state_that_can_not_be_read_changes_nothing(events: Events, held: bytes | Exception, told: str) -> None:
    ticking = Ticking()
    await ticking.provisioner.tick()
    ticking.written()
    ticking.watched.held = held
    await ticking.provisioner.tick()
    await ticking.provisioner.tick()
    (failure,) = [fields for name, fields in events if name == "desired-state-failed"]
    assert told in failure["problem"]
    assert ticking.written() == []
    ticking.watched.held = content(a={"qpm": 1})
    await ticking.provisioner.tick()
    assert ticking.written() == ["update a"]


async def test_its_end_gives_up_the_lead(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    ticking = Ticking()
    task = asyncio.create_task(ticking.provisioner.run())
    while not runs(events):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ticking.lead.gave_up


async def test_litellms_words_are_left_out_and_a_key_that_is_there_is_updated() -> None:
    sent: list[tuple[str, str, Any]] = []
    replies = {
        "/key/generate": (400, "key_alias"),
        "/key/update": (200, ""),
        "/key/block": (404, "key"),
        "/team/new": (500, ""),
    }

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer sk-master"
        body = json.loads(request.content or b"null")
        sent.append((request.method, request.url.path, body))
        status, param = replies[request.url.path]
        return httpx.Response(status, json={"error": {"message": f"canary {body}", "param": param}})

    client = httpx.AsyncClient(
        transport=httpx.MockTransport(answer),
        base_url="http://gateway.invalid",
        headers={"authorization": "Bearer sk-master"},
    )
    api = AdminApi(client)
    await api.generate_key("sk-a", {"models": ["first"]})
    assert sent[-1] == ("POST", "/key/update", {"key": key_hash("sk-a"), "models": ["first"]})
    await api.block_key("0" * 64)
    with pytest.raises(AdminError, match=r"^POST /team/new: 500$"):
        await api.make_team({"team_id": "aigw-lab"})
    replies["/key/update"] = (404, "team_id")
    with pytest.raises(AdminError, match="404"):
        await api.update_key("0" * 64, {})
    replies["/key/update"] = (404, "key")
    assert not await api.update_key("0" * 64, {})


@pytest.fixture
def where(postgres: Postgres, database: str) -> DatabaseSettings:
    return DatabaseSettings(
        "127.0.0.1", postgres.port, database, "litellm", "disable", None, 10, "prod-gateway/database", None
    )


def eventually(lead: Lead) -> None:
    """PostgreSQL ends a session a moment after it was closed."""
    for _ in range(100):
        if lead.held():
            return
        time.sleep(0.02)
    raise AssertionError("nobody leads")


def test_one_leads_until_it_gives_up_or_its_session_ends(
    postgres: Postgres, where: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(leader.log, "event", lambda name, **fields: told.append(fields))
    open_ = partial(database_session, where, postgres.password)
    first, second = Lead(open_), Lead(open_)
    assert (first.held(), second.held(), first.held()) == (True, False, True)
    first.give_up()
    eventually(second)
    assert not first.held()
    ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'aigw-provisioning'"
    assert postgres.ask(where.name, ended) == [(2,)]
    assert not second.held()
    eventually(first)
    assert not second.held()
    assert {"held": False, "error": "AdminShutdown"} in told
    first.give_up()
    second.give_up()


def test_without_a_database_nobody_leads_and_it_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(leader.log, "event", lambda name, **fields: told.append(fields))
    nowhere = DatabaseSettings("127.0.0.1", 1, "x", "x", "disable", None, 10, "x", None)
    lead = Lead(partial(database_session, nowhere, "canary"))
    assert [lead.held(), lead.held()] == [False, False]
    assert told == [{"held": False, "error": "OperationalError"}]
