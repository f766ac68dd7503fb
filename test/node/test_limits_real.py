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
    litellm_params: {model: openai/first, api_base: PROVIDER, litellm_credential_name: openai}
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
litellm_settings: {drop_params: true, json_logs: true, turn_off_message_logging: true}
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
  store_model_in_db: false
  coordination_redis:
    {host: os.environ/REDIS_HOST, port: os.environ/REDIS_PORT, password: os.environ/REDIS_PASSWORD, ssl: true}
"""
REQUESTS = {
    CHAT: chat(max_tokens=10),
    "/v1/responses": {"model": "first", "input": "hello", "max_output_tokens": 10},
    "/v1/messages": {"model": "first", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10},
    "/v1/embeddings": {"model": "first", "input": "hello"},
}


@dataclass
class Fleet:
    nodes: list[Gateway]
    redis: Redis
    provider: Provider
    clock: Path
    newest: str = ""  # agent

    def agent(self, daily_tokens: int) -> str:
        """A key of a new agent."""
        name = self.newest = f"agent-{secrets.token_hex(4)}"
        wanted = {"key_alias": name, "models": ["first", "slow", "alone"]}
        wanted["metadata"] = {"aigw_agent": name, "aigw_daily_tokens": daily_tokens}
        status, reply = self.nodes[0].ask("POST", "/key/generate", wanted, self.nodes[0].master, "admin")
        assert status == 200, reply
        return str(reply["key"])

    def spent(self) -> int:
        """By the newest agent."""
        (key,) = self.redis.client.keys(f"*{self.newest}*:used")
        return int(self.redis.client.get(key) or 0)  # type: ignore[arg-type]


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
    deadline = time.monotonic() + 10
    while fleet.redis.client.keys(f"*{fleet.newest}*:held"):
        assert time.monotonic() < deadline, "a request was never settled"
        time.sleep(0.05)


def test_forty_clients_end_at_most_one_request_each_past_the_cap(fleet: Fleet) -> None:
    key, cap = fleet.agent(3000), 3000
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
    key = fleet.agent(1)
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
    key = fleet.agent(1000)
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", fleet.nodes[0].ports["agents"], timeout=30)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    connection.request("POST", CHAT, json.dumps(chat(max_tokens=10, stream=True)), headers)
    assert b"part-5" in connection.getresponse().read()
    connection.close()
    settled(fleet)
    assert fleet.spent() > 10


def test_a_stream_that_the_caller_leaves_costs_its_part(fleet: Fleet) -> None:
    import http.client

    key = fleet.agent(1000)
    fleet.provider.pause = 0.3
    connection = http.client.HTTPConnection("127.0.0.1", fleet.nodes[0].ports["agents"], timeout=30)
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
    key = fleet.agent(1000)
    fleet.provider.failing = {"first": 500}
    assert fleet.nodes[0].ask("POST", CHAT, chat(max_tokens=900), key)[0] == 500
    fleet.provider.failing = {}
    settled(fleet)
    assert fleet.spent() == 0


def test_a_providers_minute_falls_back_and_then_refuses(fleet: Fleet) -> None:
    key = fleet.agent(100_000)
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
    key = fleet.agent(100_000)
    said = [fleet.nodes[index].ask("POST", path, {**REQUESTS[path], "model": "alone"}, key)[0] for index in (0, 1, 0)]
    assert said == [200, 200, 429]


def test_a_limit_met_by_a_retry_keeps_nobody_waiting(fleet: Fleet) -> None:
    key = fleet.agent(100_000)
    fleet.provider.failing = {"alone": 500}
    started = time.monotonic()
    status, headers, _ = fleet.nodes[0].ask_whole("POST", CHAT, chat(model="alone"), key)
    fleet.provider.failing = {}
    assert (status, "retry-after" in headers) == (429, True)
    assert time.monotonic() - started < 15


def test_the_gateways_minute_is_exact_over_both_processes(fleet: Fleet) -> None:
    key = fleet.agent(1_000_000)
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
    key = fleet.agent(100_000)
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
