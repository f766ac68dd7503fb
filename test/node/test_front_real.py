"""What reaches a provider through the real LiteLLM, and what comes back."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from booting import CHAT, Gateway, query_engine
from doubles.certificate import certificate
from doubles.cloud import Cloud
from doubles.postgres import Postgres, free_port
from doubles.provider import Provider
from doubles.redis import Redis
from nodes import put_node
from support import lacking, settings_json

pytestmark = pytest.mark.real

CONFIG = """
model_list:
  - model_name: first
    litellm_params: {model: openai/first, api_base: PROVIDER, api_key: canary-provider}
    model_info: {id: openai-1}
  - model_name: second
    litellm_params: {model: openai/second, api_base: PROVIDER, api_key: canary-provider}
    model_info: {id: openai-2}
  - model_name: known
    litellm_params: {model: openai/gpt-4o, api_base: PROVIDER, api_key: canary-provider}
    model_info: {id: openai-3}
  - model_name: vendor/claude
    litellm_params: {model: anthropic/claude, api_base: ANTHROPIC, api_key: canary-provider}
    model_info: {id: anthropic-1}
  - model_name: vllm
    litellm_params: {model: hosted_vllm/llama, api_base: PROVIDER, api_key: canary-provider}
    model_info: {id: pai-1}
  - model_name: away
    litellm_params: {model: hosted_vllm/away, api_base: "http://127.0.0.1:9/v1", api_key: canary-provider}
    model_info: {id: pai-2}
router_settings:
  num_retries: 0
  redis_host: os.environ/REDIS_HOST
  redis_port: os.environ/REDIS_PORT
  redis_password: os.environ/REDIS_PASSWORD
  cache_kwargs: {ssl: true}
litellm_settings:
  drop_params: true
  json_logs: true
  turn_off_message_logging: true
  cache: true
  cache_params:
    {type: redis, ttl: 60, host: os.environ/REDIS_HOST, port: os.environ/REDIS_PORT,
     password: os.environ/REDIS_PASSWORD, ssl: true}
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
  store_model_in_db: false
  coordination_redis:
    {host: os.environ/REDIS_HOST, port: os.environ/REDIS_PORT, password: os.environ/REDIS_PASSWORD, ssl: true}
"""
AGENTS = [
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model}"),
    *[
        ("POST", f"/v1/{path}")
        for path in (
            "completions responses messages messages/count_tokens embeddings rerank moderations images/generations"
            " images/edits audio/speech audio/transcriptions"
        ).split()
    ],
    ("POST", "/v2/rerank"),
    ("GET", "/v1/responses/{response}"),
    ("DELETE", "/v1/responses/{response}"),
    ("POST", "/v1/responses/{response}/cancel"),
]
MESSAGES = [{"role": "user", "content": "hello"}]
# A request of each route that takes JSON and a model.
REQUESTS: dict[str, dict[str, Any]] = {
    CHAT: {"messages": MESSAGES},
    "/v1/completions": {"prompt": "hello"},
    "/v1/responses": {"input": "hello"},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 5},
    "/v1/embeddings": {"input": "hello"},
    "/v1/images/generations": {"prompt": "hello"},
    "/v1/audio/speech": {"input": "hello", "voice": "alloy"},
    "/v1/moderations": {"input": "hello"},
}
TRICKS: dict[str, Any] = {
    "provider_specific_header": {
        "custom_llm_provider": "openai",
        "extra_headers": {"Authorization": "Bearer evil", "X-Evil": "evil"},
    },
    "litellm_vector_store_caller_metadata": {"evil": 1},
    "litellm_logging_obj": "evil",
    "litellm_metadata": {"user_api_key_user_id": "evil"},
    "litellm_call_id": "evil",
    "proxy_server_request": {"evil": 1},
    "secret_fields": {"raw_headers": {"x": "evil"}},
    "user_api_key_alias": "evil",
    "extra_headers": {"X-Evil": "evil"},
    "extra_body": {"evil": "evil"},
    "headers": {"X-Evil": "evil"},
    "api_base": "http://evil.invalid",
    "fallbacks": ["second"],
    "num_retries": 9,
    "mock_response": "evil",
    "cache": {"namespace": "evil"},
    "inference_speed": "evil",
    "model_info": {"id": "evil"},
}


@pytest.fixture(scope="module")
def gateway(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    engine, redis_server = query_engine(), shutil.which("redis-server")
    if redis_server is None:
        lacking("redis-server is not on this computer")
    folder = tmp_path_factory.mktemp("redis")
    own = certificate(folder)
    redis = Redis(redis_server, folder, own)
    postgres.create("front")
    cloud, provider = Cloud("aws", "eu-west-1"), Provider()
    stop = cloud.start()
    root, ports = tmp_path_factory.mktemp("node"), {"agents": free_port(), "admin": free_port()}
    master = "sk-" + secrets.token_hex(24)
    cloud.secrets = {
        "prod-gateway/openai": ("v1", json.dumps({"api_key": "canary-provider-1"})),
        "prod-gateway/master-key": ("v1", master),
        "prod-gateway/salt-key": ("v1", "canary-salt-" + secrets.token_hex(16)),
        "prod-gateway/database": ("v1", postgres.password),
        "prod-gateway/redis": ("v1", redis.password),
    }
    database = {"host": "127.0.0.1", "port": postgres.port, "name": "front", "user": "litellm"}
    settings = settings_json(
        store={"kind": "aws-secrets-manager", "endpoint": cloud.url},
        database={**database, "sslMode": "disable", "secret": "prod-gateway/database"},
        redis={"host": "127.0.0.1", "port": redis.port, "secret": "prod-gateway/redis"},
        ports=ports,
        limits={"maxRequestMib": 4},
    )
    settings["routes"]["agents"] += [{"method": method, "path": path} for method, path in AGENTS]
    gateway = Gateway(root, cloud, provider, ports, master, environment={"SSL_CERT_FILE": str(own.file)})
    config = CONFIG.replace("PROVIDER", provider.url).replace("ANTHROPIC", provider.url.removesuffix("/v1"))
    put_node(cloud, root, config, settings, engine)
    gateway.start()
    yield gateway
    gateway.stop()
    provider.stop()
    stop()
    redis.remove()


@pytest.fixture(scope="module")
def key(gateway: Gateway) -> str:
    return gateway.agent("first", "known", "vendor/claude", "vllm", "away", aigw_agent="one")


@pytest.fixture(scope="module")
def other(gateway: Gateway) -> str:
    return gateway.agent("first", aigw_agent="two")


def fresh(path: str, **more: Any) -> dict[str, Any]:
    """A request that no cache has an answer to."""
    body = json.loads(json.dumps(REQUESTS[path]).replace("hello", f"hello {secrets.token_hex(8)}"))
    return {"model": "first", **body, **more}


def calls(gateway: Gateway) -> int:
    return len(gateway.provider.asked)


def raw(gateway: Gateway, head: str, body: bytes = b"", port: str = "agents") -> bytes:
    with socket.create_connection(("127.0.0.1", gateway.ports[port]), 30) as channel:
        channel.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
        return channel.recv(65536)


def resident(gateway: Gateway) -> float:
    status = Path(f"/proc/{gateway.processes()[0]}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


@pytest.mark.parametrize("path", REQUESTS)
def test_no_other_model_is_reached_by_a_query_a_list_or_a_providers_name(gateway: Gateway, key: str, path: str) -> None:
    before = calls(gateway)
    for model in ("second", "first,first,first", "openai/second", "openai-2", ["first"], {"model": "first"}, "", 7):
        status, _ = gateway.ask("POST", path, fresh(path, model=model), key)
        assert status in (400, 403, 404), model
    assert calls(gateway) == before
    for query in ("model=second", "user_model=second", "api_key=evil&custom_llm_provider=x"):
        gateway.ask_bytes("POST", f"{path}?{query}", fresh(path), key)
    asked = gateway.provider.asked[before:]
    assert {body["model"] for _, body in asked} <= {"first"}
    assert "evil" not in json.dumps(asked)


@pytest.mark.parametrize("path", REQUESTS)
def test_litellms_own_parameters_reach_nobody_and_are_told(gateway: Gateway, key: str, path: str) -> None:
    before = calls(gateway)
    status, headers, _ = gateway.ask_bytes("POST", path, fresh(path, **TRICKS), key)
    assert status == 200
    (sent, body) = gateway.provider.asked[-1]
    assert calls(gateway) == before + 1
    assert "evil" not in json.dumps([sent, body]).lower()
    assert sent["authorization"] == "Bearer canary-provider"
    assert set(headers["x-aigw-dropped"].split(", ")) == set(TRICKS)
    (line,) = gateway.lines_of_call(headers["x-request-id"])
    assert {"cache", "extra_body", "fallbacks", "other"} <= set(line["dropped"]) < {*TRICKS, "other"}
    assert line["agent"] == "one"


def test_steering_headers_reach_nobody_and_anthropics_own_do_on_its_route(gateway: Gateway, key: str) -> None:
    evil = {
        "x-litellm-tags": "evil",
        "x-litellm-api-base": "evil",
        "x-evil": "evil",
        "openai-organization": "evil",
        "cookie": "evil",
    }
    own = {"anthropic-beta": "context-1m-2025-08-07", "anthropic-version": "2023-06-01"}
    body = fresh("/v1/messages", model="vendor/claude")
    assert gateway.ask_bytes("POST", "/v1/messages", body, key, {**evil, **own})[0] == 200
    sent, _ = gateway.provider.asked[-1]
    assert "evil" not in json.dumps(sent)
    assert "context-1m-2025-08-07" in sent.get("anthropic-beta", "")
    assert gateway.ask_bytes("POST", CHAT, fresh(CHAT), key, {**evil, **own})[0] == 200
    sent, _ = gateway.provider.asked[-1]
    assert "evil" not in json.dumps(sent)
    assert "anthropic-beta" not in sent


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/responses", {"background": True}),
        ("/v1/images/generations", {"stream": True}),
        ("/v1/responses", {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
        ("/v1/responses", {"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://evil.invalid"}]}),
        ("/v1/responses", {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]}),
        ("/v1/responses", {"conversation": "conv_1"}),
        ("/v1/responses", {"previous_response_id": "resp_upstream"}),
        (CHAT, {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]}),
        (
            CHAT,
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}]}
                ]
            },
        ),
        ("/v1/messages", {"mcp_servers": [{"type": "url", "url": "https://evil.invalid", "name": "x"}]}),
        (CHAT, {"n": 1000}),
        (CHAT, {"max_tokens": -5}),
        (CHAT, {"messages": [{"role": "user", "content": json.loads("[" * 300 + "]" * 300)}]}),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_what_cannot_be_counted_or_is_not_an_agents_is_refused(
    gateway: Gateway, key: str, path: str, more: dict[str, Any]
) -> None:
    before = calls(gateway)
    status, reply = gateway.ask("POST", path, fresh(path, **more), key)
    assert (status, calls(gateway)) == (400, before), reply


@pytest.mark.parametrize(
    "body", [b"[]", b'"x"', b"{", b'{"model": "first", "messages": NaN}', b'{"a": 1e999}', b'{"a": 1, "a": 2}', b"\xff"]
)
def test_a_body_that_is_no_strict_object_is_refused_and_the_connection_lives_on(
    gateway: Gateway, key: str, body: bytes
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.ports["agents"], timeout=30)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    for content, wanted in ((body, 400), (json.dumps(fresh(CHAT)).encode(), 200)):
        connection.request("POST", CHAT, content, headers)
        reply = connection.getresponse()
        reply.read()
        assert reply.status == wanted
    connection.close()


def test_a_bad_key_with_an_odd_field_writes_little(gateway: Gateway, key: str) -> None:
    time.sleep(1)
    before, lines = len(gateway.said()), len(gateway.lines())
    for path in REQUESTS:
        for token in ("sk-" + "a" * 48, "", gateway.master):
            assert gateway.ask("POST", path, fresh(path, litellm_logging_obj="x", model="a\nb"), token)[0] == 401
    assert len(gateway.said()) - before < 200
    assert len(gateway.lines()) == lines
    assert gateway.ask("POST", CHAT, fresh(CHAT, model='a\n{"event": "evil"}'), key)[0] == 404
    assert not [line for line in gateway.said().splitlines() if line.startswith('{"event"')]


def test_a_long_body_is_refused_before_it_is_read_and_unfinished_ones_hold_little(gateway: Gateway, key: str) -> None:
    long = f"POST {CHAT} HTTP/1.1\nHost: x\nContent-Length: 200000000"
    assert raw(gateway, long, b"x" * 100_000).startswith(b"HTTP/1.1 401")
    assert raw(gateway, f"{long}\nAuthorization: Bearer {key}", b"x" * 100_000).startswith(b"HTTP/1.1 413")
    before, channels = resident(gateway), []
    for _ in range(100):
        channel = socket.create_connection(("127.0.0.1", gateway.ports["agents"]), 30)
        head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 4000000\r\n\r\n"
        channel.sendall(head.encode())
        channel.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            channel.sendall(b"x" * 1_000_000)
        channels.append(channel)
    time.sleep(2)
    assert resident(gateway) - before < 100
    for channel in channels:
        channel.close()
    assert gateway.ask("POST", CHAT, fresh(CHAT), key)[0] == 200


def test_answers_tell_nothing_of_the_inside(gateway: Gateway, key: str) -> None:
    allowed = {
        "content-type",
        "content-length",
        "x-request-id",
        "date",
        "cache-control",
        "transfer-encoding",
        "connection",
        "retry-after",
    }
    for path in REQUESTS:
        status, headers, _ = gateway.ask_bytes("POST", path, fresh(path), key)
        assert (status, set(headers) - allowed) == (200, set()), path
    status, headers, body = gateway.ask_bytes("POST", CHAT, fresh(CHAT, model="away"), key)
    assert (status, set(headers) - allowed) == (502, set())
    assert json.loads(body)["error"]["message"] == "the provider could not be reached"
    status, headers, body = gateway.ask_bytes("GET", "/health/readiness", None, "")
    assert (status, json.loads(body)) == (200, {"status": "healthy"})


CONTEXT = {
    "message": "too long for https://inner.example/x",
    "type": "invalid_request_error",
    "param": "messages",
    "code": "context_length_exceeded",
}


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/embeddings", "/v1/completions"])
@pytest.mark.parametrize("streams", [False, True])
def test_a_providers_error_keeps_status_type_and_code(gateway: Gateway, key: str, path: str, streams: bool) -> None:
    more = {"stream": True} if streams and path != "/v1/embeddings" else {}
    gateway.provider.errors = {"first": (400, {"error": CONTEXT})}
    status, _, body = gateway.ask_bytes("POST", path, fresh(path, **more), key)
    gateway.provider.errors = {}
    error = json.loads(body)["error"]
    assert (status, error["type"], error["code"]) == (400, "invalid_request_error", "context_length_exceeded")
    assert error["message"] == "too long for [...]"


def test_an_overloaded_anthropic_is_told_as_that_in_its_form(gateway: Gateway, key: str) -> None:
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    gateway.provider.errors = {"claude": (529, overloaded)}
    status, reply = gateway.ask("POST", "/v1/messages", fresh("/v1/messages", model="vendor/claude"), key)
    gateway.provider.errors = {}
    assert (status, reply) == (529, overloaded)
    refused = [(401, "", "authentication_error"), (404, key, "not_found_error")]
    for wanted, token, kind in refused:
        status, reply = gateway.ask("POST", "/v1/messages", fresh("/v1/messages", model="none"), token)
        assert (status, reply["type"], reply["error"]["type"]) == (wanted, "error", kind)
    assert gateway.ask("POST", "/v1/messages", fresh("/v1/messages", model="second"), key)[0] == 403


def test_models_are_those_of_the_key(gateway: Gateway, key: str, other: str) -> None:
    status, reply = gateway.ask("GET", "/v1/models", None, other)
    assert (status, [model["id"] for model in reply["data"]]) == (200, ["first"])
    assert gateway.ask("GET", "/v1/models/vendor/claude", None, key)[1]["id"] == "vendor/claude"
    assert gateway.ask("GET", "/v1/models/vendor/claude", None, other)[0] == 404


def test_tokens_are_counted_before_a_message_is_sent(gateway: Gateway, key: str) -> None:
    body = {"model": "vendor/claude", "messages": MESSAGES}
    status, reply = gateway.ask("POST", "/v1/messages/count_tokens", body, key)
    assert status == 200, reply
    assert reply["input_tokens"] > 0


def test_a_cached_answer_is_the_agents_own_and_costs_nothing(gateway: Gateway, other: str) -> None:
    key = gateway.agent("first", aigw_agent="thrifty", aigw_daily_tokens=10)
    body, before = fresh(CHAT, max_tokens=3), calls(gateway)
    for token in (key, *[key] * 8, other):
        assert gateway.ask("POST", CHAT, body, token)[0] == 200
        time.sleep(0.3)
    assert calls(gateway) == before + 2


def test_the_limits_that_are_told_are_the_agents_own(gateway: Gateway) -> None:
    key = gateway.agent("first", "vendor/claude", aigw_agent="slow", aigw_qpm=3, aigw_tpm=1000)
    told = [gateway.ask_bytes("POST", CHAT, fresh(CHAT), key) for _ in range(2)]
    assert [(status, headers["x-ratelimit-remaining-requests"]) for status, headers, _ in told] == [(200, "2"), (200, "1")]
    assert {headers["x-ratelimit-limit-tokens"] for _, headers, _ in told} == {"1000"}
    body = fresh("/v1/messages", model="vendor/claude")
    status, headers, _ = gateway.ask_bytes("POST", "/v1/messages", body, key)
    assert (status, headers["anthropic-ratelimit-requests-remaining"]) == (200, "0")
    status, headers, _ = gateway.ask_bytes("POST", CHAT, fresh(CHAT), key)
    assert (status, headers["x-ratelimit-remaining-requests"]) == (429, "0")
    assert headers["x-ratelimit-reset-requests"] == f"{headers['retry-after']}s"
    count = {"model": "vendor/claude", "messages": MESSAGES}
    assert gateway.ask("POST", "/v1/messages/count_tokens", count, key)[0] == 429


def test_a_stored_response_is_the_agents_own(gateway: Gateway, key: str, other: str) -> None:
    status, reply = gateway.ask("POST", "/v1/responses", fresh("/v1/responses"), key)
    assert status == 200, reply
    follow = fresh("/v1/responses", previous_response_id=reply["id"])
    assert gateway.ask("POST", "/v1/responses", follow, other)[0] == 400
    status, answer = gateway.ask("POST", "/v1/responses", follow, key)
    assert status == 200, answer
    assert gateway.provider.asked[-1][1]["previous_response_id"] == "resp_upstream"
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/cancel")]:
        before = calls(gateway)
        assert gateway.ask(method, f"/v1/responses/{reply['id']}{path}", None, other)[0] == 404
        assert gateway.ask(method, f"/v1/responses/resp_upstream{path}", None, other)[0] == 404
        assert calls(gateway) == before
    follow = fresh("/v1/responses", model="vllm", previous_response_id=reply["id"])
    assert gateway.ask("POST", "/v1/responses", follow, key)[0] == 400


def test_a_user_reaches_the_provider_and_makes_no_row(gateway: Gateway, key: str, postgres: Postgres) -> None:
    for index in range(5):
        assert gateway.ask("POST", CHAT, fresh(CHAT, model="known", user=f"canary-user-{index}"), key)[0] == 200
    assert gateway.provider.asked[-1][1]["user"] == "canary-user-4"
    body = fresh("/v1/messages", model="vendor/claude", metadata={"user_id": "canary-user-m"})
    assert gateway.ask("POST", "/v1/messages", body, key)[0] == 200
    assert gateway.provider.asked[-1][1]["metadata"] == {"user_id": "canary-user-m"}
    gateway.stop()  # writes what LiteLLM keeps for the database
    gateway.start()
    tables = postgres.ask("front", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = [name for (name,) in tables if "canary-user" in str(postgres.ask("front", f'SELECT t::text FROM "{name}" t'))]
    assert found == []


def test_parameters_of_vllm_reach_vllm_only(gateway: Gateway, key: str) -> None:
    more = {"min_p": 0.1, "chat_template_kwargs": {"enable_thinking": False}}
    assert gateway.ask("POST", CHAT, fresh(CHAT, model="vllm", **more), key)[0] == 200
    sent = gateway.provider.asked[-1][1]
    assert {name: sent.get(name) for name in more} == more
    status, headers, _ = gateway.ask_bytes("POST", CHAT, fresh(CHAT, **more), key)
    assert (status, headers["x-aigw-dropped"]) == (200, "chat_template_kwargs, min_p")


def test_injected_owners_change_nothing(gateway: Gateway, key: str) -> None:
    metadata = {"user_api_key_alias": "evil", "user_api_key_team_id": "evil", "tags": "evil", "fine": "kept"}
    status, headers, _ = gateway.ask_bytes("POST", CHAT, fresh(CHAT, metadata=metadata), key)
    assert status == 200
    (line,) = gateway.lines_of_call(headers["x-request-id"])
    assert (line["agent"], "evil" in json.dumps(line.get("labels"))) == ("one", False)
