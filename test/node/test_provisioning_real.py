"""Agents' keys made by two nodes of the real LiteLLM that share PostgreSQL, Redis and moto's Secrets Manager."""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import pytest

from booting import CHAT, Gateway, chat
from doubles.cloud import Cloud
from doubles.moto import Moto
from doubles.postgres import Postgres, free_port
from doubles.provider import Provider
from nodes import put_node
from quickstart import Surroundings
from stored import in_moto
from support import SETTINGS, settings_json
from test_limits_real import CONFIG

pytestmark = pytest.mark.real

INTERVAL = 2
REGION = str(SETTINGS["region"])
BELOW = "prod-gateway/agents/"
# What the role of a node may do with the agents' secrets and with its own.
ACTIONS = ("GetSecretValue", "DescribeSecret", "PutSecretValue")
TOUCHED = 'SELECT token, updated_at FROM "LiteLLM_VerificationToken" ORDER BY token'


@dataclass
class Fleet:
    nodes: list[Gateway]
    cloud: Cloud
    moto: Moto
    postgres: Postgres
    database: str
    agents: dict[str, dict[str, Any]]
    groups: dict[str, float]

    def desire(self) -> None:
        """Puts what is desired into the bucket."""
        agents = [
            {"name": name, "secretName": f"agents/{name}", "models": ["first"], "enabled": True, **agent}
            for name, agent in self.agents.items()
        ]
        groups = [{"name": name, "budgetUsd": usd, "budgetPeriod": "month"} for name, usd in self.groups.items()]
        routes = [{"method": "POST", "path": CHAT}, {"method": "GET", "path": "/v1/models"}]
        document = {"version": 1, "routes": routes, "groups": groups, "agents": agents}
        self.cloud.objects["agents/desired.json"] = json.dumps(document).encode()

    def key(self, agent: str) -> str | None:
        return self.moto.value(BELOW + agent)

    def statuses(self, key: str) -> list[int]:
        return [node.ask("POST", CHAT, chat(), key)[0] for node in self.nodes]

    def told(self, event: str) -> list[dict[str, Any]]:
        lines = [line for node in self.nodes for line in node.said().splitlines() if f'"event": "{event}"' in line]
        return sorted((json.loads(line) for line in lines), key=lambda line: str(line["time"]))

    def runs(self) -> int:
        return len(self.told("agents-provisioned"))

    def live(self, agent: str) -> dict[str, Any]:
        """The agent's newest key at the gateway."""
        query = f"SELECT row_to_json(k) FROM \"LiteLLM_VerificationToken\" k WHERE metadata->>'aigw_agent' = '{agent}'"
        (row,) = self.postgres.ask(self.database, query)
        found: dict[str, Any] = row[0]  # type: ignore[assignment]
        return found


def until(done: Callable[[], object], within: float, what: Callable[[], object] = lambda: "") -> float:
    """The seconds that it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < within, what()
        time.sleep(0.1)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def fleet(surroundings: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    root = tmp_path_factory.mktemp("provisioning")
    postgres, redis, own = surroundings.postgres, surroundings.redis, surroundings.certificate
    with ExitStack() as ends:
        cloud, provider, moto = Cloud("aws", REGION), Provider(), Moto(REGION)
        ends.callback(cloud.start())
        ends.callback(provider.stop)
        ends.callback(moto.stop)
        database = f"gateway_{secrets.token_hex(4)}"
        postgres.create(database)
        actions = [f"secretsmanager:{action}" for action in ACTIONS]
        store = in_moto(moto, cloud, {"kind": "aws-secrets-manager"}, actions)
        master = "sk-" + secrets.token_hex(24)
        values = {"openai": json.dumps({"api_key": "canary-provider"}), "master-key": master}
        values |= {"salt-key": secrets.token_hex(16), "database": postgres.password, "redis": redis.password}
        for name, text in values.items():
            store.put(f"prod-gateway/{name}", text)
        place = {"host": "127.0.0.1", "port": postgres.port, "name": database, "user": "litellm", "sslMode": "require"}
        settings = settings_json(
            store=store.settings,
            database={**place, "secret": "prod-gateway/database"},
            redis={"host": "127.0.0.1", "port": redis.port, "secret": "prod-gateway/redis"},
            ports={"agents": free_port(), "admin": free_port()},
            provisioning={
                "bucket": cloud.bucket,
                "key": "agents/desired.json",
                "endpoint": cloud.url,
                "secrets": BELOW,
                "intervalSeconds": INTERVAL,
            },
        )
        put_node(cloud, root, CONFIG.replace("PROVIDER", provider.url), settings, surroundings.engine)
        environment = {"SSL_CERT_FILE": str(own.file)}
        first = Gateway(root, cloud, provider, settings["ports"], master, environment=environment)
        ports = {"agents": free_port(), "admin": free_port()}
        second = replace(first, ports=ports, settings_file="settings-2.json", seconds={})
        (root / "opt/aigw/current/settings-2.json").write_text(json.dumps({**settings, "ports": ports}))
        agents: dict[str, dict[str, Any]] = {"research-agent": {"qpm": 1000, "group": "lab"}, "code-agent": {}}
        fleet = Fleet([first, second], cloud, moto, postgres, database, agents, {"lab": 500})
        for agent in agents:
            moto.declare(BELOW + agent)
        fleet.desire()
        for node in fleet.nodes:
            ends.callback(node.stop)
            node.start()
        yield fleet


def test_keys_are_made_and_put_into_the_store(fleet: Fleet) -> None:
    until(lambda: all(fleet.key(agent) for agent in fleet.agents), 30, lambda: fleet.nodes[0].said()[-3000:])
    until(fleet.runs, 30)
    assert fleet.live("research-agent")["metadata"]["aigw_qpm"] == 1000
    assert fleet.live("research-agent")["team_id"] == "aigw-lab"
    assert fleet.live("code-agent")["allowed_routes"] == [CHAT, "/v1/models"]
    assert len(fleet.told("provisioning-lead")) == 1


def test_a_second_run_writes_nothing(fleet: Fleet) -> None:
    before = fleet.postgres.ask(fleet.database, TOUCHED), fleet.runs(), len(fleet.told("agent-provisioned"))
    until(lambda: fleet.runs() >= before[1] + 2, 30)
    assert fleet.postgres.ask(fleet.database, TOUCHED) == before[0]
    assert len(fleet.told("agent-provisioned")) == before[2]
    newest = fleet.told("agents-provisioned")[-1]
    assert (newest["agents"], newest["unchanged"], newest["groups_unchanged"]) == (2, 2, 1)
    assert [fleet.moto.versions(BELOW + agent) for agent in fleet.agents] == [1, 1]


def test_both_nodes_let_them_in(fleet: Fleet) -> None:
    assert [fleet.statuses(str(fleet.key(agent))) for agent in fleet.agents] == [[200, 200]] * 2


def test_a_changed_limit_holds_within_the_interval_and_the_key_stays(fleet: Fleet) -> None:
    key = str(fleet.key("code-agent"))
    fleet.agents["code-agent"] = {"qpm": 2}
    fleet.desire()
    took = until(lambda: fleet.live("code-agent")["metadata"].get("aigw_qpm") == 2, 30)
    assert took < INTERVAL + 3
    assert [*fleet.statuses(key), *fleet.statuses(key)] == [200, 200, 429, 429]
    assert fleet.key("code-agent") == key


def test_an_agent_that_is_switched_off_and_on_keeps_its_key(fleet: Fleet) -> None:
    key = str(fleet.key("research-agent"))
    for enabled, statuses in ((False, [401, 401]), (True, [200, 200])):
        fleet.agents["research-agent"]["enabled"] = enabled
        fleet.desire()
        until(lambda statuses=statuses: fleet.statuses(key) == statuses, 30)  # type: ignore[misc]
    assert fleet.key("research-agent") == key


def test_another_key_in_the_store_takes_over_and_the_old_one_is_given_its_end(fleet: Fleet) -> None:
    old, new = str(fleet.key("research-agent")), "sk-" + secrets.token_hex(24)
    fleet.moto.put(f"{BELOW}research-agent", new)
    until(lambda: fleet.statuses(new) == [200, 200], 30)
    assert fleet.statuses(old) == [200, 200]
    ends = "SELECT expires IS NOT NULL FROM \"LiteLLM_VerificationToken\" WHERE metadata->>'aigw_agent' = 'research-agent'"
    until(lambda: sorted(fleet.postgres.ask(fleet.database, ends)) == [(False,), (True,)], 30)


def test_keys_that_are_not_ours_are_never_touched(fleet: Fleet) -> None:
    key, runs = fleet.nodes[0].agent("first"), fleet.runs()
    until(lambda: fleet.runs() >= runs + 2, 30)
    assert fleet.statuses(key) == [200, 200]


def test_one_agents_failure_holds_up_no_other_and_is_told_once(fleet: Fleet) -> None:
    fleet.agents |= {"undeclared-agent": {}, "late-agent": {}}
    fleet.moto.declare(f"{BELOW}late-agent")
    fleet.desire()
    until(lambda: fleet.key("late-agent"), 30)
    until(lambda: fleet.told("agent-failed"), 30)
    runs = fleet.runs()
    until(lambda: fleet.runs() >= runs + 2, 30)
    (told,) = fleet.told("agent-failed")
    assert (told["agent"], told["problem"]) == (
        "undeclared-agent",
        f"{BELOW}undeclared-agent: there is no such secret; apply the stack, which makes it",
    )
    del fleet.agents["undeclared-agent"]
    fleet.desire()


def test_an_agent_that_is_gone_is_shut_out_of_both_within_moments(fleet: Fleet) -> None:
    key = str(fleet.key("late-agent"))
    assert fleet.statuses(key) == [200, 200]
    del fleet.agents["late-agent"]
    fleet.desire()
    assert until(lambda: fleet.statuses(key) == [401, 401], 30) < INTERVAL + 5
    until(lambda: str(fleet.key("late-agent")).startswith("revoked "), 30)


def test_requests_are_served_while_many_keys_are_made_and_revoked(fleet: Fleet) -> None:
    before, key = dict(fleet.agents), fleet.nodes[0].agent("first")
    many = [f"agent-{number}" for number in range(40)]
    for agent in many:
        fleet.moto.declare(BELOW + agent)
    calm: list[float] = []
    waits: list[float] = []

    def serve(taken: list[float]) -> None:
        for node in fleet.nodes:
            asked = time.monotonic()
            assert node.ask("POST", CHAT, chat(), key)[0] == 200
            taken.append(time.monotonic() - asked)

    def served_until(done: Callable[[], bool]) -> None:
        began = time.monotonic()
        while not done():
            assert time.monotonic() - began < 180
            serve(waits)

    for _ in range(10):
        serve(calm)

    for agents, action in (({**before, **{agent: {} for agent in many}}, "made"), (before, "revoked")):
        fleet.agents.clear()
        fleet.agents |= agents
        fleet.desire()
        served_until(lambda action=action: fleet.told("agents-provisioned")[-1].get(action) == len(many))  # type: ignore[misc]
    # A busy machine is slow before it too.
    assert max(waits) < max(5, 10 * max(calm))
    assert median(waits) < max(0.5, 5 * median(calm))


def test_a_state_that_is_none_changes_nothing(fleet: Fleet) -> None:
    key = str(fleet.key("code-agent"))
    fleet.cloud.objects["agents/desired.json"] = b'{"version": 1, "agents": []'
    until(lambda: fleet.told("desired-state-failed"), 30)
    time.sleep(INTERVAL * 2)
    assert set(fleet.statuses(key)) <= {200, 429}
    fleet.desire()


def test_the_node_that_leads_is_followed_when_it_dies(fleet: Fleet) -> None:
    leading = next(node for node in fleet.nodes if '"provisioning-lead", "held": true' in node.said())
    other = next(node for node in fleet.nodes if node is not leading)
    assert leading.process
    # With all that it has started, as systemd does.
    for pid in leading.processes():
        os.kill(pid, signal.SIGKILL)
    leading.process.wait(10)
    fleet.agents["code-agent"] = {"qpm": 7}
    fleet.desire()
    assert until(lambda: fleet.live("code-agent")["metadata"].get("aigw_qpm") == 7, 60) < 60
    assert '"provisioning-lead", "held": true' in other.said()


def test_no_key_is_told_and_the_end_is_clean(fleet: Fleet) -> None:
    node = next(node for node in fleet.nodes if node.process and node.process.poll() is None)
    keys = [str(fleet.key(agent)) for agent in fleet.agents]
    assert node.leaked(keys) == []
    began = time.monotonic()
    node.stop()
    assert node.process
    assert node.process.returncode == 0
    assert time.monotonic() - began < 15
