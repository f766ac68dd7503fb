"""Limits over two gateway processes of the real LiteLLM that share PostgreSQL and Redis."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from booting import CHAT, Gateway, chat, query_engine
from doubles.certificate import certificate
from doubles.cloud import Cloud
from doubles.postgres import Postgres, find, free_port
from doubles.provider import Provider
from doubles.redis import Redis
from nodes import put_node
from support import lacking, settings_json

pytestmark = pytest.mark.real

CONFIG = """
model_list:
  - model_name: first
    litellm_params:
      {model: openai/first, api_base: PROVIDER, litellm_credential_name: openai,
       input_cost_per_token: 1.0e-5, output_cost_per_token: 2.0e-5}
    model_info: {id: openai-1}
  - model_name: slow
    litellm_params: {model: openai/slow, api_base: PROVIDER, litellm_credential_name: openai}
    model_info: {id: limited-1}
  - model_name: alone
    litellm_params: {model: openai/alone, api_base: PROVIDER, litellm_credential_name: openai}
    model_info: {id: limited-2}
credential_list:
  - {credential_name: openai, credential_info: {}, credential_values: {api_key: os.environ/AIGW_OPENAI_API_KEY}}
router_settings:
  num_retries: 2
  fallbacks: [{slow: [first]}]
  redis_host: os.environ/REDIS_HOST
  redis_port: os.environ/REDIS_PORT
  redis_password: os.environ/REDIS_PASSWORD
  cache_kwargs: {ssl: true}
litellm_settings:
  drop_params: true
  json_logs: true
  turn_off_message_logging: true
  budget_exceeded_status_code: 429
  timezone: Asia/Shanghai
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
  store_model_in_db: false
  fail_closed_rate_limit_enforcement: true
  fail_closed_budget_enforcement: true
  coordination_redis:
    {host: os.environ/REDIS_HOST, port: os.environ/REDIS_PORT, password: os.environ/REDIS_PASSWORD, ssl: true}
"""
REQUESTS = {
    CHAT: chat(max_tokens=10),
    "/v1/responses": {"model": "first", "input": "hello", "max_output_tokens": 10},
    "/v1/messages": {"model": "first", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10},
    "/v1/embeddings": {"model": "first", "input": "hello"},
}


Answer = tuple[int, dict[str, str], Any]


@dataclass
class Fleet:
    nodes: list[Gateway]
    redis: Redis
    provider: Provider
    clock: Path
    newest: str = ""  # agent

    def agent(self, **limits: float) -> str:
        """A key of a new agent."""
        self.newest = f"agent-{secrets.token_hex(4)}"
        return self.another_key(**limits)

    def another_key(self, team: str | None = None, **limits: float) -> str:
        """Of the newest agent."""
        held = {f"aigw_{name}": limit for name, limit in limits.items()}
        wanted = {"key_alias": secrets.token_hex(8), "models": ["first", "slow", "alone"], "team_id": team}
        return str(self.administer("/key/generate", {**wanted, "metadata": {"aigw_agent": self.newest, **held}})["key"])

    def administer(self, path: str, wanted: dict[str, Any]) -> Any:
        status, reply = self.nodes[0].ask("POST", path, wanted, self.nodes[0].master, "admin")
        assert status == 200, reply
        return reply

    def spent(self, what: str = "*:daily_tokens:used") -> int:
        """By the newest agent."""
        (key,) = self.redis.client.keys(f"*{self.newest}:{what}")
        return int(self.redis.client.get(key) or 0)  # type: ignore[arg-type]

    def ask_in_turn(self, path: str, keys: list[str], times: int, body: dict[str, Any] | None = None) -> list[Answer]:
        """Each process and each key in turn."""
        asked = [(self.nodes[index % 2], keys[index // 2 % len(keys)]) for index in range(times)]
        return [node.ask_whole("POST", path, body or REQUESTS[path], key) for node, key in asked]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    engine, programs, redis_server = query_engine(), find(), shutil.which("redis-server")
    if programs is None or redis_server is None:
        lacking("PostgreSQL's initdb or redis-server is not on this computer")
    root = tmp_path_factory.mktemp("fleet")
    with ExitStack() as ends:
        cloud, provider = Cloud("aws", "eu-west-1"), Provider()
        ends.callback(cloud.start())
        ends.callback(provider.stop)
        own = certificate(root)
        postgres = Postgres(programs)
        ends.callback(postgres.remove)
        redis = Redis(redis_server, root, own)
        ends.callback(redis.remove)
        postgres.create("gateway")
        master = "sk-" + secrets.token_hex(24)
        cloud.secrets = {
            "prod-gateway/openai": ("v1", json.dumps({"api_key": "canary-provider"})),
            "prod-gateway/master-key": ("v1", master),
            "prod-gateway/salt-key": ("v1", secrets.token_hex(16)),
            "prod-gateway/database": ("v1", postgres.password),
            "prod-gateway/redis": ("v1", redis.password),
        }
        database = {"host": "127.0.0.1", "port": postgres.port, "name": "gateway", "user": "litellm", "sslMode": "disable"}
        settings = settings_json(
            store={"kind": "aws-secrets-manager", "endpoint": cloud.url},
            database={**database, "secret": "prod-gateway/database"},
            redis={"host": "127.0.0.1", "port": redis.port, "secret": "prod-gateway/redis"},
            ports={"agents": free_port(), "admin": free_port()},
            fleetLimits={"rpm": 100_000, "providers": {"limited": {"rpm": 2}}},
            timezone="Asia/Shanghai",
        )
        for path in REQUESTS:
            settings["routes"]["agents"].append({"method": "POST", "path": path})
        settings["routes"]["admin"].append({"method": "POST", "path": "/team/new"})
        put_node(cloud, root, CONFIG.replace("PROVIDER", provider.url), settings, engine)
        clock = root / "clock"
        clock.write_text("0")
        program = [str(Path(__file__).parent / "clocked.py"), str(clock)]
        first = Gateway(
            root, cloud, provider, settings["ports"], master, environment={"SSL_CERT_FILE": str(own.file)}, program=program
        )
        ports = {"agents": free_port(), "admin": free_port()}
        second = replace(first, ports=ports, settings_file="settings-2.json", seconds={})
        # What is served without Redis is this node's choice.
        changed = {**settings, "ports": ports, "limits": {"withoutRedis": "serve"}}
        (root / "opt/aigw/current/settings-2.json").write_text(json.dumps(changed))
        for node in (first, second):
            ends.callback(node.stop)
            node.start()
        yield Fleet([first, second], redis, provider, clock)


@pytest.fixture(autouse=True)
def fresh(fleet: Fleet) -> Iterator[None]:
    fleet.redis.client.flushall()
    fleet.clock.write_text("0")
    fleet.provider.usage = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    yield


def settled(fleet: Fleet) -> None:
    """LiteLLM tells of a request's end shortly after it."""
    deadline = time.monotonic() + 60
    while fleet.redis.client.keys(f"*{fleet.newest}*:held"):
        assert time.monotonic() < deadline, "a request was never settled"
        time.sleep(0.05)


def test_forty_clients_end_at_most_one_request_each_past_the_cap(fleet: Fleet) -> None:
    key, cap = fleet.agent(daily_tokens=3000), 3000
    # What the clients use is more than what is held for them: 5 for the prompt and 10 for the answer.
    fleet.provider.usage = {"prompt_tokens": 190, "completion_tokens": 10, "total_tokens": 200}

    def client(index: int) -> list[int]:
        return [fleet.nodes[index % 2].ask("POST", CHAT, chat(max_tokens=10), key)[0] for _ in range(4)]

    with ThreadPoolExecutor(40) as pool:
        said = [status for statuses in pool.map(client, range(40)) for status in statuses]
    assert set(said) == {200, 429}
    settled(fleet)
    assert fleet.spent() == 200 * said.count(200)
    assert cap <= fleet.spent() <= cap + 40 * 200

    # The cap outlives the processes, and the next day is another one.
    fleet.nodes[1].stop()
    fleet.nodes[1].start()
    for node in fleet.nodes:
        assert node.ask("POST", CHAT, chat(max_tokens=10), key)[0] == 429
    fleet.clock.write_text(str(24 * 3600))
    for node in fleet.nodes:
        assert node.ask("POST", CHAT, chat(max_tokens=10), key)[0] == 200


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_spent_day_is_told_the_same_way_on_every_route(fleet: Fleet, path: str, stream: bool) -> None:
    key = fleet.agent(daily_tokens=1)
    assert fleet.nodes[0].ask("POST", path, REQUESTS[path], key)[0] == 200
    settled(fleet)
    assert fleet.spent() >= 1
    body = {**REQUESTS[path], **({"stream": True} if stream else {})}
    status, headers, reply = fleet.nodes[1].ask_whole("POST", path, body, key)
    assert (status, headers["x-daily-tokens-limit"]) == (429, "1")
    assert 0 < int(headers["retry-after"]) <= 86_400
    assert "of 1 tokens of the day are used" in reply["error"]["message"]
    assert reply["error"]["type"] == ("rate_limit_error" if path == "/v1/messages" else "daily_tokens_exceeded")


def test_what_a_stream_used_is_counted(fleet: Fleet) -> None:
    key = fleet.agent(daily_tokens=1000)
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", fleet.nodes[0].ports["agents"], timeout=120)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    connection.request("POST", CHAT, json.dumps(chat(max_tokens=10, stream=True)), headers)
    assert b"part-5" in connection.getresponse().read()
    connection.close()
    settled(fleet)
    assert fleet.spent() > 10


def test_a_stream_that_the_caller_leaves_costs_its_part(fleet: Fleet) -> None:
    import http.client

    key = fleet.agent(daily_tokens=1000)
    fleet.provider.pause = 0.3
    connection = http.client.HTTPConnection("127.0.0.1", fleet.nodes[0].ports["agents"], timeout=120)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    connection.request("POST", CHAT, json.dumps(chat(max_tokens=10, stream=True)), headers)
    reply = connection.getresponse()
    assert b"part-0" in reply.read(300)
    reply.close()
    connection.close()
    settled(fleet)
    fleet.provider.pause = 0
    assert fleet.spent() > 0


def test_a_request_that_failed_costs_nothing(fleet: Fleet) -> None:
    key = fleet.agent(daily_tokens=1000)
    fleet.provider.failing = {"first": 500}
    assert fleet.nodes[0].ask("POST", CHAT, chat(max_tokens=900), key)[0] == 500
    fleet.provider.failing = {}
    settled(fleet)
    assert fleet.spent() == 0


def test_a_providers_minute_falls_back_and_then_refuses(fleet: Fleet) -> None:
    key = fleet.agent(daily_tokens=100_000)
    asked = len(fleet.provider.asked)
    said = [fleet.nodes[index % 2].ask("POST", CHAT, chat(model="slow"), key)[0] for index in range(4)]
    assert said == [200] * 4
    models = [body["model"] for _, body in fleet.provider.asked[asked:]]
    assert sorted(models) == ["first", "first", "slow", "slow"]
    for path, body in REQUESTS.items():
        started = time.monotonic()
        status, headers, reply = fleet.nodes[0].ask_whole("POST", path, {**body, "model": "alone"}, key)
        assert (status, "limit for the provider limited" in json.dumps(reply)) == (429, True), reply
        assert 0 < int(headers["retry-after"]) <= 60
        assert time.monotonic() - started < 3, "LiteLLM waits for the minute's end"


@pytest.mark.parametrize("path", REQUESTS)
def test_a_request_is_one_of_its_providers_minute_on_every_route(fleet: Fleet, path: str) -> None:
    key = fleet.agent(daily_tokens=100_000)
    said = [fleet.nodes[index].ask("POST", path, {**REQUESTS[path], "model": "alone"}, key)[0] for index in (0, 1, 0)]
    assert said == [200, 200, 429]


def test_a_limit_met_by_a_retry_keeps_nobody_waiting(fleet: Fleet) -> None:
    key = fleet.agent(daily_tokens=100_000)
    fleet.provider.failing = {"alone": 500}
    started = time.monotonic()
    status, headers, _ = fleet.nodes[0].ask_whole("POST", CHAT, chat(model="alone"), key)
    fleet.provider.failing = {}
    assert (status, "retry-after" in headers) == (429, True)
    assert time.monotonic() - started < 15


def test_an_agents_minute_is_exact_over_both_processes_and_both_of_its_keys(fleet: Fleet) -> None:
    keys = [fleet.agent(qpm=20), fleet.another_key(qpm=20)]
    with ThreadPoolExecutor(20) as pool:
        asked = [(fleet.nodes[index % 2], keys[index // 2 % 2]) for index in range(60)]
        replies = list(pool.map(lambda one: one[0].ask_whole("POST", CHAT, chat(max_tokens=1), one[1]), asked))
    assert [status for status, *_ in replies].count(200) == 20
    refused = [(headers, reply) for status, headers, reply in replies if status == 429]
    assert len(refused) == 40
    assert all(0 < int(headers["retry-after"]) <= 60 for headers, _ in refused)
    assert {reply["error"]["type"] for _, reply in refused} == {"agent_rate_limit"}


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize(
    ("limit", "admitted", "kind", "said"),
    [
        ({"qpm": 3}, 3, "agent_rate_limit", "this agent's 3 requests a minute are used; free again in "),
        (
            {"tpm": 1, "daily_tokens": 1_000_000},
            1,
            "agent_token_rate_limit",
            "this agent's 1 tokens a minute are used; free again in ",
        ),
        ({"daily_budget_usd": 0.000001}, 1, "daily_budget_exceeded", " of 0.000001 US dollars of the day are used; "),
    ],
)
def test_an_agents_limit_is_told_the_same_way_on_every_route(
    fleet: Fleet, path: str, limit: dict[str, float], admitted: int, kind: str, said: str
) -> None:
    keys = [fleet.agent(**limit), fleet.another_key(**limit)]
    for index in range(admitted):
        assert fleet.ask_in_turn(path, keys[index % 2 :], 1)[0][0] == 200
        settled(fleet)
    for stream in ({}, {"stream": True}):
        for status, headers, reply in fleet.ask_in_turn(path, keys, 4, {**REQUESTS[path], **stream}):
            assert (status, said in reply["error"]["message"]) == (429, True), reply
            assert reply["error"]["type"] == ("rate_limit_error" if path == "/v1/messages" else kind)
            assert 0 < int(headers["retry-after"]) <= (86_400 if kind.startswith("daily") else 60)


def test_an_agents_tokens_of_a_minute_are_those_of_both_of_its_keys(fleet: Fleet) -> None:
    limits = {"tpm": 100, "daily_tokens": 1_000_000}
    keys = [fleet.agent(**limits), fleet.another_key(**limits)]
    for index in range(4):
        assert fleet.ask_in_turn(CHAT, keys[index // 2 :], 1)[0][0] == 200
        settled(fleet)
    assert fleet.spent("tokens") == 120
    assert {status for status, *_ in fleet.ask_in_turn(CHAT, keys, 4)} == {429}
    fleet.redis.client.pexpire(fleet.redis.client.keys(f"*{fleet.newest}:tokens")[0], 1)  # type: ignore[index]
    assert fleet.ask_in_turn(CHAT, keys, 1)[0][0] == 200


def test_a_days_money_is_that_of_both_keys_and_is_counted_to_the_microdollar(fleet: Fleet) -> None:
    """20 tokens of a prompt and 10 of an answer are 400 microdollars."""
    budget = {"daily_budget_usd": 0.001}
    keys = [fleet.agent(**budget), fleet.another_key(**budget)]
    for index in range(3):
        assert fleet.ask_in_turn(CHAT, keys[index % 2 :], 1)[0][0] == 200
        settled(fleet)
    assert fleet.spent("*:daily_budget:used") == 1200
    for status, headers, _ in fleet.ask_in_turn(CHAT, keys, 4):
        assert (status, headers["x-daily-budget-limit-usd"], headers["x-daily-budget-used-usd"]) == (429, "0.001", "0.0012")
    fleet.clock.write_text(str(24 * 3600))
    assert {status for status, *_ in fleet.ask_in_turn(CHAT, keys[:1], 2)} == {200}


def test_forty_clients_end_at_most_one_request_each_past_the_budget(fleet: Fleet) -> None:
    keys = [fleet.agent(daily_budget_usd=0.01), fleet.another_key(daily_budget_usd=0.01)]

    def client(index: int) -> list[int]:
        return [fleet.nodes[index % 2].ask("POST", CHAT, chat(max_tokens=10), keys[index // 2 % 2])[0] for _ in range(4)]

    with ThreadPoolExecutor(40) as pool:
        said = [status for statuses in pool.map(client, range(40)) for status in statuses]
    assert set(said) == {200, 429}
    settled(fleet)
    assert fleet.spent("*:daily_budget:used") == 400 * said.count(200)
    assert 10_000 <= fleet.spent("*:daily_budget:used") <= 10_000 + 40 * 400


def test_a_groups_budget_is_litellms_own(fleet: Fleet) -> None:
    """It is refused in LiteLLM's words, without Retry-After, and by the most that a request may cost: without `max_tokens`
    that is an answer of 16,384 tokens."""
    team = f"team-{secrets.token_hex(4)}"
    fleet.administer("/team/new", {"team_id": team, "max_budget": 0.001, "budget_duration": "1d"})
    fleet.newest = f"agent-{secrets.token_hex(4)}"
    keys = [fleet.another_key(team=team, daily_tokens=1_000_000) for _ in range(2)]
    status, _, reply = fleet.ask_in_turn(CHAT, keys, 1, chat())[0]
    assert (status, reply["error"]["type"]) == (429, "budget_exceeded"), reply
    for index in range(2):
        assert fleet.ask_in_turn(CHAT, keys[index:], 1)[0][0] == 200
        settled(fleet)
    for path in (CHAT, "/v1/messages"):
        for status, headers, reply in fleet.ask_in_turn(path, keys, 4):
            kind = "budget_exceeded" if path == CHAT else "rate_limit_error"
            assert (status, reply["error"]["type"], "retry-after" in headers) == (429, kind, False), reply


def test_the_gateways_minute_is_exact_over_both_processes(fleet: Fleet) -> None:
    key = fleet.agent(daily_tokens=1_000_000)
    fleet.redis.client.set("aigw:{prod-gateway}:gateway:requests", 100_000 - 20, ex=60)
    with ThreadPoolExecutor(20) as pool:
        replies = list(
            pool.map(lambda index: fleet.nodes[index % 2].ask_whole("POST", CHAT, chat(max_tokens=1), key), range(60))
        )
    assert [status for status, *_ in replies].count(200) == 20
    refused = [(headers, reply) for status, headers, reply in replies if status == 429]
    assert len(refused) == 40
    assert all(0 < int(headers["retry-after"]) <= 60 for headers, _ in refused)
    assert {reply["error"]["code"] for _, reply in refused} == {"gateway_rate_limit"}


def test_without_redis_each_node_does_as_it_was_told(fleet: Fleet) -> None:
    key = fleet.agent(qpm=1000, tpm=100_000, daily_tokens=100_000, daily_budget_usd=10)
    for node in fleet.nodes:
        assert node.ask("POST", CHAT, chat(max_tokens=10), key)[0] == 200
    settled(fleet)
    fleet.redis.stop()
    try:
        status, headers, reply = fleet.nodes[0].ask_whole("POST", CHAT, chat(max_tokens=10), key)
        assert (status, headers["retry-after"]) == (503, "5")
        assert reply["error"]["type"] == "limits_unavailable"
        assert fleet.nodes[1].ask("POST", CHAT, chat(max_tokens=10), key)[0] == 200
        assert '"event": "counters-unreachable"' in fleet.nodes[1].said()
    finally:
        fleet.redis.start()
    deadline = time.monotonic() + 60
    while fleet.nodes[0].ask("POST", CHAT, chat(max_tokens=10), key)[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)
