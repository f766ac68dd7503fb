"""The whole way of a node, with the real LiteLLM: fetch.py, install.sh, `aigw_node serve`, requests, rotation, the end.

Cloud and provider are doubles (signatures checked), PostgreSQL is real, Prisma's engine is AIGW_TEST_QUERY_ENGINE."""

from __future__ import annotations

import http.client
import json
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from booting import CHAT, Gateway, chat, query_engine
from doubles.cloud import Cloud
from doubles.postgres import Postgres, free_port
from doubles.provider import Provider
from nodes import put_node
from support import settings_json

pytestmark = pytest.mark.real

REFRESH_SECONDS = 2

CONFIG = """
model_list:
  - {model_name: first, litellm_params: {model: openai/first, api_base: PROVIDER, litellm_credential_name: openai}}
  - {model_name: second, litellm_params: {model: openai/second, api_base: PROVIDER, litellm_credential_name: openai}}
credential_list:
  - {credential_name: openai, credential_info: {}, credential_values: {api_key: os.environ/AIGW_OPENAI_API_KEY}}
router_settings: {num_retries: 0}
litellm_settings: {drop_params: true, json_logs: true, turn_off_message_logging: true}
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
  store_model_in_db: false
"""


@pytest.fixture(scope="module")
def gateway(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    engine = query_engine()
    postgres.create("gateway")
    cloud, provider = Cloud("aws", "eu-west-1"), Provider()
    stop = cloud.start()
    root, ports = tmp_path_factory.mktemp("node"), {"agents": free_port(), "admin": free_port()}
    master = "sk-" + secrets.token_hex(24)
    cloud.secrets = {
        "prod-gateway/openai": ("v1", json.dumps({"api_key": "canary-provider-1"})),
        "prod-gateway/master-key": ("v1", master),
        "prod-gateway/salt-key": ("v1", "canary-salt-" + secrets.token_hex(16)),
        "prod-gateway/database": ("v1", postgres.password),
    }
    database = {"host": "127.0.0.1", "port": postgres.port, "name": "gateway", "user": "litellm"}
    settings = settings_json(
        store={"kind": "aws-secrets-manager", "endpoint": cloud.url},
        database={**database, "sslMode": "disable", "secret": "prod-gateway/database"},
        ports=ports,
        defaultModel="first",
        refreshIntervalSeconds=REFRESH_SECONDS,
    )
    for path in ("/v1/responses", "/v1/messages", "/v1/embeddings"):
        settings["routes"]["agents"].append({"method": "POST", "path": path})
    gateway = Gateway(root, cloud, provider, ports, master)
    gateway.seconds["install"] = put_node(cloud, root, CONFIG.replace("PROVIDER", provider.url), settings, engine)
    gateway.start()
    yield gateway
    gateway.stop()
    provider.stop()
    stop()
    print(f"\nreal gateway: {gateway.seconds}", file=sys.__stderr__)


def test_an_agent_is_served(gateway: Gateway) -> None:
    status, reply = gateway.ask("POST", CHAT, chat(), gateway.agent("first"))
    assert (status, reply["choices"][0]["message"]["content"]) == (200, "hello")


def test_an_agent_is_refused_what_is_not_its_own(gateway: Gateway) -> None:
    key = gateway.agent("first")
    assert gateway.ask("POST", CHAT, chat(model="second"), key)[0] == 403
    assert gateway.ask("POST", CHAT, chat())[0] == 401
    assert gateway.ask("POST", "/key/generate", {}, gateway.master)[0] == 404
    assert gateway.ask("GET", "/v1/files", key=key)[0] == 404
    assert gateway.ask("POST", CHAT, chat(), key, "admin")[0] == 404


def test_health_is_on_both_ports(gateway: Gateway) -> None:
    for port in gateway.ports:
        assert gateway.ask("GET", "/health/readiness", port=port)[0] == 200
        assert gateway.ask("GET", "/health/liveliness", port=port)[0] == 200


def test_a_request_without_a_model_gets_the_default_one_if_the_key_may_use_it(gateway: Gateway) -> None:
    body = {"messages": chat()["messages"]}
    assert gateway.ask("POST", CHAT, body, gateway.agent("first"))[0] == 200
    assert gateway.provider.asked[-1][1]["model"] == "first"
    status, reply = gateway.ask("POST", CHAT, body, gateway.agent("second"))
    assert (status, reply["error"]["code"]) == (403, "model_not_allowed")


def test_the_front_keeps_a_callers_tricks_from_the_provider(gateway: Gateway) -> None:
    tricks = {
        "api_key": "evil",
        "headers": {"x-evil": "evil"},
        "extra_headers": {"x-evil": "evil"},
        "extra_body": {"evil": "evil"},
        "litellm_credential_name": "evil",
        "custom_llm_provider": "anthropic",
        "organization": "evil",
        "no-log": True,
        "mock_response": "evil",
        "evil": "evil",
    }
    status, reply = gateway.ask("POST", CHAT, chat(temperature=0.5, **tricks), gateway.agent("first"))
    assert (status, reply["choices"][0]["message"]["content"]) == (200, "hello")
    headers, body = gateway.provider.asked[-1]
    assert "evil" not in json.dumps([headers, body])
    assert body["temperature"] == 0.5
    assert headers["authorization"].startswith("Bearer canary-provider-")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses", {"input": "canary-prompt"}),
        ("/v1/messages", {"max_tokens": 50, "messages": [{"role": "user", "content": "canary-prompt"}]}),
        ("/v1/embeddings", {"input": "canary-prompt"}),
    ],
)
def test_the_other_apis_are_fronted_as_well(gateway: Gateway, path: str, body: dict[str, Any]) -> None:
    tricks = {"api_key": "evil", "extra_headers": {"x-evil": "evil"}, "litellm_credential_name": "evil", "evil": "evil"}
    status, reply = gateway.ask("POST", path, {"model": "first", **body, **tricks}, gateway.agent("first"))
    assert status == 200, reply
    headers, sent = gateway.provider.asked[-1]
    assert "evil" not in json.dumps([headers, sent])
    assert headers["authorization"].startswith("Bearer canary-provider-")
    assert gateway.ask("POST", path, {"model": "first", **body}, gateway.agent("second"))[0] == 403


def test_every_request_leaves_one_line(gateway: Gateway) -> None:
    labels = {"cost-centre": "4711"}
    key, before = gateway.agent("first", aigw_group="lab", aigw_labels=labels), len(gateway.lines())
    gateway.provider.failing = {"second": 500}
    asked = [
        (200, "succeeded", CHAT, chat(), key),
        (200, "succeeded", "/v1/messages", chat(max_tokens=5), key),
        (200, "succeeded", "/v1/responses", {"model": "first", "input": "canary-prompt"}, key),
        (200, "succeeded", "/v1/embeddings", {"model": "first", "input": "canary-prompt"}, key),
        (403, "failed", CHAT, chat(model="second"), key),
        (404, "failed", CHAT, chat(model="third"), key),
        (500, "failed", CHAT, chat(model="second"), gateway.agent("second")),
    ]
    replies = [gateway.ask_whole("POST", path, body, key) for *_, path, body, key in asked]
    gateway.provider.failing = {}
    time.sleep(1)
    assert [status for status, _, _ in replies] == [status for status, *_ in asked]
    lines = gateway.lines()[before:]
    wanted = sorted((status, outcome) for status, outcome, *_ in asked)
    assert sorted((line["status"], line["outcome"]) for line in lines) == wanted, lines
    assert len({line["request_id"] for line in lines}) == len(asked)
    (served,) = [line for line in lines if line["request_id"] == replies[0][1]["x-request-id"]]
    assert (served["model"], served["provider"], served["total_tokens"]) == ("first", "openai", 2)
    assert served["agent"].startswith("agent-")
    assert served["latency_ms"] > 0
    held = [(line["group"], line["labels"]) for line in lines if line["status"] in (200, 403, 404)]
    assert held == [("lab", labels)] * 6


def test_who_has_no_key_leaves_no_line(gateway: Gateway) -> None:
    before = len(gateway.lines())
    for key in ("", "sk-canary-unknown", "no-key", gateway.master):
        status, headers, _ = gateway.ask_whole("POST", CHAT, chat(), key)
        assert (status, len(headers["x-request-id"])) == (401, 36)
    time.sleep(1)
    assert len(gateway.lines()) == before


def test_a_provider_key_rotates_under_load_in_the_same_process(gateway: Gateway) -> None:
    key, statuses, halt = gateway.agent("first"), [], threading.Event()

    def load() -> None:
        while not halt.is_set():
            statuses.append(gateway.ask("POST", CHAT, chat(), key)[0])

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    calm = len(statuses) / 2
    pid, started, before = gateway.processes()[0], time.monotonic(), len(statuses)
    gateway.cloud.secrets["prod-gateway/openai"] = ("v2", json.dumps({"api_key": "canary-provider-2"}))
    time.sleep(REFRESH_SECONDS + 5)
    late = len(gateway.provider.asked)
    time.sleep(3)
    rate = (len(statuses) - before) / (time.monotonic() - started)
    halt.set()
    for thread in threads:
        thread.join()
    assert set(gateway.provider.keys()[late:]) == {"canary-provider-2"}
    assert set(statuses) == {200}
    # A busy machine is slow before the rotation too.
    assert rate >= min(20, calm / 4), (rate, calm)
    assert gateway.processes()[0] == pid
    gateway.seconds["requests a second"] = round(rate, 1)
    assert '"secret": "prod-gateway/openai", "version": "v2", "changed": true' in gateway.said()


def test_a_broken_secret_leaves_the_last_good_one_in_use(gateway: Gateway) -> None:
    before = gateway.cloud.secrets["prod-gateway/openai"]
    gateway.cloud.secrets["prod-gateway/openai"] = ("v3", '{"api_key": ""}')
    time.sleep(2.5)
    assert gateway.ask("POST", CHAT, chat(), gateway.agent("first"))[0] == 200
    assert gateway.provider.keys()[-1] == json.loads(before[1])["api_key"]
    assert "prod-gateway/openai, field api_key (empty)" in gateway.said()
    gateway.cloud.secrets["prod-gateway/openai"] = before


def test_no_secret_is_where_others_can_read_it(gateway: Gateway, postgres: Postgres) -> None:
    values = [gateway.master, postgres.password, gateway.cloud.secret, gateway.cloud.session, "canary-"]
    assert len(gateway.processes()) >= 2  # LiteLLM and the query engine
    assert not gateway.leaked(values)


def test_a_database_that_goes_and_comes_back(gateway: Gateway, postgres: Postgres) -> None:
    key = gateway.agent("first")
    assert gateway.ask("POST", CHAT, chat(), key)[0] == 200
    postgres.stop()
    try:
        gateway.wait_for_readiness(503)
        assert gateway.ask("POST", CHAT, chat(), key)[0] == 200
        assert gateway.ask("GET", "/health/liveliness")[0] == 200
    finally:
        postgres.start()
    gateway.wait_for_readiness(200)


def test_a_stream_that_runs_ends_whole_when_the_node_is_stopped(gateway: Gateway) -> None:
    gateway.provider.pause = 0.5
    key = gateway.agent("first")
    connection = http.client.HTTPConnection("127.0.0.1", gateway.ports["agents"], timeout=120)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    connection.request("POST", CHAT, json.dumps(chat(stream=True)), headers)
    reply = connection.getresponse()
    first = reply.read1()
    assert gateway.process
    gateway.process.send_signal(signal.SIGTERM)
    rest = reply.read()
    gateway.provider.pause = 0
    text = (first + rest).decode()
    assert all(f"part-{index} " in text for index in range(6))
    assert text.rstrip().endswith("data: [DONE]")
    pids = gateway.processes()
    assert gateway.process.wait(60) == 0
    (line,) = [line for line in gateway.lines() if line["request_id"] == reply.headers["x-request-id"]]
    assert (line["status"], line["stream"]) == (200, True)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_node_without_a_secret_does_not_start_and_says_which(gateway: Gateway) -> None:
    gateway.stop()
    value = gateway.cloud.secrets.pop("prod-gateway/master-key")
    try:
        assert gateway.start(wait=False).wait(60) == 1
    finally:
        gateway.cloud.secrets["prod-gateway/master-key"] = value
    last = gateway.said().strip().splitlines()[-1]
    assert last.startswith("aigw: secrets without a usable value: prod-gateway/master-key (not in the store")
