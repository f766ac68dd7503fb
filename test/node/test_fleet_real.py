"""Two nodes of the real LiteLLM on one database, and what happens when something around them fails."""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
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
CALL_SECONDS = 3
CONFIG = """
model_list:
  - {model_name: first, litellm_params: {model: openai/first, api_base: PROVIDER, litellm_credential_name: openai}}
  - {model_name: second, litellm_params: {model: openai/second, api_base: PROVIDER, litellm_credential_name: openai}}
  - {model_name: spare, litellm_params: {model: openai/ill, api_base: PROVIDER, litellm_credential_name: openai}}
  - {model_name: ranks, litellm_params: {model: cohere/ranks, api_base: PROVIDER/rerank, litellm_credential_name: openai}}
credential_list:
  - {credential_name: openai, credential_info: {}, credential_values: {api_key: os.environ/AIGW_OPENAI_API_KEY}}
router_settings: {num_retries: 0, timeout: 3, disable_cooldowns: true, fallbacks: [{spare: [first]}]}
litellm_settings: {drop_params: true, json_logs: true, turn_off_message_logging: true}
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
  store_model_in_db: false
"""
NEW_MODEL = (
    "  - {model_name: new, litellm_params: {model: openai/new, api_base: PROVIDER, litellm_credential_name: openai}}\n"
)
ROUTES = ("/v1/images/generations", "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/rerank")


@dataclass
class Fleet:
    nodes: list[Gateway]
    cloud: Cloud
    provider: Provider
    postgres: Postgres

    @property
    def first(self) -> Gateway:
        return self.nodes[0]


@pytest.fixture(scope="module")
def fleet(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Both start at the same moment, on an empty database."""
    engine = query_engine()
    root = tmp_path_factory.mktemp("fleet")
    postgres.create("fleet")
    with ExitStack() as ends:
        cloud, provider = Cloud("aws", "eu-west-1"), Provider()
        ends.callback(cloud.start())
        ends.callback(provider.stop)
        master = "sk-" + secrets.token_hex(24)
        cloud.secrets = {
            "prod-gateway/openai": ("v1", json.dumps({"api_key": "canary-provider-1"})),
            "prod-gateway/master-key": ("v1", master),
            "prod-gateway/salt-key": ("v1", "canary-salt-" + secrets.token_hex(16)),
            "prod-gateway/database": ("v1", postgres.password),
        }
        database = {"host": "127.0.0.1", "port": postgres.port, "name": "fleet", "user": "litellm", "sslMode": "disable"}
        settings = settings_json(
            store={"kind": "aws-secrets-manager", "endpoint": cloud.url},
            database={**database, "secret": "prod-gateway/database"},
            ports={"agents": free_port(), "admin": free_port()},
            refreshIntervalSeconds=REFRESH_SECONDS,
        )
        settings["routes"]["agents"] += [{"method": "POST", "path": path} for path in ROUTES]
        put_node(cloud, root, CONFIG.replace("PROVIDER", provider.url), settings, engine)
        first = Gateway(root, cloud, provider, settings["ports"], master)
        second = replace(
            first, ports={"agents": free_port(), "admin": free_port()}, settings_file="settings-2.json", seconds={}
        )
        (root / "opt/aigw/current/settings-2.json").write_text(json.dumps({**settings, "ports": second.ports}))
        for node in (first, second):
            ends.callback(node.stop)
            node.start(wait=False)
        for node in (first, second):
            node.wait_until_ready()
        yield Fleet([first, second], cloud, provider, postgres)


@pytest.fixture(autouse=True)
def well(fleet: Fleet) -> Iterator[None]:
    yield
    fleet.provider.failing = {}
    fleet.cloud.store_away, fleet.cloud.store_hangs, fleet.cloud.clock = False, None, timedelta()


def test_two_nodes_at_once_on_an_empty_database_migrate_it_once_and_both_serve(fleet: Fleet) -> None:
    said = [node.said() for node in fleet.nodes]
    assert sum(text.count('"database-migrated"') for text in said) == 1
    names = fleet.postgres.ask("fleet", 'SELECT migration_name FROM "_prisma_migrations"')
    assert len(names) == len(set(names)) > 200
    key = fleet.first.agent("first")
    assert [node.ask("POST", CHAT, chat(), key)[0] for node in fleet.nodes] == [200, 200]


@pytest.mark.parametrize(("fault", "status"), [(401, 401), (429, 429), (500, 500), (0, 504)])
def test_a_providers_failure_is_told_and_a_fallback_is_tried(fleet: Fleet, fault: int, status: int) -> None:
    fleet.provider.failing = {"second": fault, "ill": fault}
    key = fleet.first.agent("second", "spare", "first")
    started = time.monotonic()
    got, reply = fleet.first.ask("POST", CHAT, chat(model="second"), key)
    assert time.monotonic() - started < CALL_SECONDS + 5
    assert (got, "canary-provider-1" in json.dumps(reply)) == (status, False), reply
    assert fleet.first.ask("POST", CHAT, chat(model="spare"), key)[0] == 200
    lines = fleet.first.lines_of(key, 2)
    assert sorted((line["status"], line["outcome"]) for line in lines) == [(200, "succeeded"), (status, "failed")]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/images/generations", {"model": "first", "prompt": "canary-prompt"}),
        ("/v1/audio/speech", {"model": "first", "input": "canary-prompt", "voice": "alloy"}),
        ("/v1/rerank", {"model": "ranks", "query": "canary-prompt", "documents": ["a", "b"], "top_n": 1}),
    ],
)
def test_images_speech_and_rerank_are_guarded_and_logged(fleet: Fleet, path: str, body: dict[str, Any]) -> None:
    gateway = fleet.first
    key, other = gateway.agent(body["model"]), gateway.agent("second")
    tricks = {"api_key": "evil", "extra_headers": {"x-evil": "evil"}, "litellm_credential_name": "evil", "evil": "evil"}
    status, content = ask_raw(gateway, path, json.dumps({**body, **tricks}).encode(), key)
    assert status == 200, content
    headers, sent = fleet.provider.asked[-1]
    assert "evil" not in json.dumps([headers, sent])
    assert headers["authorization"].lower().startswith("bearer canary-provider-")
    assert ask_raw(gateway, path, json.dumps(body).encode(), other)[0] == 403
    assert [line["status"] for line in gateway.lines_of(key, 1) + gateway.lines_of(other, 1)] == [200, 403]


def test_a_transcription_is_guarded_and_logged(fleet: Fleet) -> None:
    gateway = fleet.first
    key = gateway.agent("first")
    fields = {"model": "first", "api_key": "evil", "litellm_credential_name": "evil", "evil": "evil"}
    form = b"".join(f'--x\r\ncontent-disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items())
    form += b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.mp3"\r\n'
    form += b"content-type: audio/mpeg\r\n\r\nx\r\n--x--\r\n"
    status, content = ask_raw(gateway, "/v1/audio/transcriptions", form, key, "multipart/form-data; boundary=x")
    assert status == 200, content
    headers, sent = fleet.provider.asked[-1]
    assert "evil" not in json.dumps([headers, sent])
    assert headers["authorization"].startswith("Bearer canary-provider-")
    assert [line["status"] for line in gateway.lines_of(key, 1)] == [200]


def ask_raw(gateway: Gateway, path: str, body: bytes, key: str, kind: str = "application/json") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.ports["agents"], timeout=120)
    try:
        connection.request("POST", path, body, {"content-type": kind, "authorization": f"Bearer {key}"})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def said_since(gateway: Gateway, before: int, what: str) -> None:
    deadline = time.monotonic() + 120
    while what not in gateway.said()[before:]:
        assert time.monotonic() < deadline, gateway.said()[before:]
        time.sleep(0.1)


def test_a_store_that_is_away_leaves_the_last_good_values_in_use(fleet: Fleet) -> None:
    key, before = fleet.first.agent("first"), len(fleet.first.said())
    fleet.cloud.store_away = True
    said_since(fleet.first, before, "prod-gateway/openai: Secrets Manager answered ServiceUnavailable")
    assert fleet.first.ask("POST", CHAT, chat(), key)[0] == 200


def test_a_store_that_hangs_holds_no_request_up_and_is_read_again(fleet: Fleet) -> None:
    key = fleet.first.agent("first")
    fleet.cloud.store_hangs = hangs = threading.Event()
    time.sleep(REFRESH_SECONDS + 0.5)
    started = time.monotonic()
    assert [fleet.first.ask("POST", CHAT, chat(), key)[0] for _ in range(5)] == [200] * 5
    assert time.monotonic() - started < 5
    fleet.cloud.secrets["prod-gateway/openai"] = ("v2", json.dumps({"api_key": "canary-provider-2"}))
    before = len(fleet.first.said())
    fleet.cloud.store_hangs = None
    hangs.set()
    said_since(fleet.first, before, '"secret": "prod-gateway/openai", "version": "v2", "changed": true')
    assert fleet.first.ask("POST", CHAT, chat(), key)[0] == 200
    assert fleet.provider.keys()[-1] == "canary-provider-2"


def test_a_clock_that_is_wrong_is_named_and_the_last_good_values_stay(fleet: Fleet) -> None:
    key, before = fleet.first.agent("first"), len(fleet.first.said())
    fleet.cloud.clock = timedelta(hours=1)
    said_since(fleet.first, before, "RequestTimeTooSkewed")
    assert fleet.first.ask("POST", CHAT, chat(), key)[0] == 200


def test_a_new_bundle_takes_over_under_load_without_a_failed_request(fleet: Fleet) -> None:
    """As the scaling group and the balancer do it: the new node is asked once it is ready, then the old one is asked no
    more, ends its requests, and leaves."""
    old, second = fleet.nodes
    second.stop()
    home = old.root / "opt/aigw"
    shutil.copytree(home / "current/", home / "bundle-next")
    config = home / "bundle-next/config.yaml"
    config.write_text(
        config.read_text().replace(
            "credential_list:", NEW_MODEL.replace("PROVIDER", fleet.provider.url) + "credential_list:"
        )
    )
    new = replace(second, bundle="bundle-next", seconds={}, process=None)
    key, asked, serving, halt = old.agent("first"), [old], [old], threading.Event()
    statuses: list[int] = []
    streams: list[bytes] = []
    fleet.provider.pause = 0.05

    def load(stream: bool) -> None:
        while not halt.is_set():
            node = serving[0]
            status, content = ask_raw(node, CHAT, json.dumps(chat(stream=stream)).encode(), key)
            statuses.append(status)
            if stream:
                streams.append(content)
            if asked[-1] is not node:
                asked.append(node)

    threads = [threading.Thread(target=load, args=(index % 2 == 1,)) for index in range(4)]
    for thread in threads:
        thread.start()
    new.start()
    serving[0] = new
    time.sleep(0.5)  # what the balancer had sent already
    old.stop()
    time.sleep(1)
    halt.set()
    for thread in threads:
        thread.join()
    fleet.provider.pause = 0
    try:
        assert set(statuses) == {200}
        assert len(statuses) > 40
        assert all(content.rstrip().endswith(b"data: [DONE]") for content in streams)
        assert new in asked
        assert old.process
        assert old.process.returncode == 0
        assert new.ask("POST", CHAT, chat(model="new"), new.agent("new"))[0] == 200
    finally:
        new.stop()


def test_a_store_that_is_away_keeps_a_node_from_starting_and_says_so(fleet: Fleet) -> None:
    fleet.first.stop()
    fleet.cloud.store_away = True
    assert fleet.first.start(wait=False).wait(60) == 1
    last = fleet.first.said().strip().splitlines()[-1]
    assert "prod-gateway/master-key: Secrets Manager answered ServiceUnavailable" in last
