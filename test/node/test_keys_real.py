"""Whose key it is, asked of the real LiteLLM in a node's process."""

from __future__ import annotations

import hashlib
import json
import secrets
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

CONFIG = """
model_list:
  - {model_name: first, litellm_params: {model: openai/first, api_base: PROVIDER, api_key: none}}
  - {model_name: second, litellm_params: {model: openai/second, api_base: PROVIDER, api_key: none}}
litellm_settings: {json_logs: true, turn_off_message_logging: true}
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
  store_model_in_db: false
"""
ADMIN = ["/key/generate", "/key/block", "/key/unblock", "/key/update", "/key/delete", "/team/new", "/team/block"]


@pytest.fixture(scope="module")
def gateway(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    engine = query_engine()
    postgres.create("keys")
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
    database = {"host": "127.0.0.1", "port": postgres.port, "name": "keys", "user": "litellm"}
    settings = settings_json(
        store={"kind": "aws-secrets-manager", "endpoint": cloud.url},
        database={**database, "sslMode": "disable", "secret": "prod-gateway/database"},
        ports=ports,
    )
    settings["routes"]["admin"] = [{"method": "POST", "path": path} for path in ADMIN]
    gateway = Gateway(root, cloud, provider, ports, master, program=[str(Path(__file__).parent / "identifying.py")])
    put_node(cloud, root, CONFIG.replace("PROVIDER", provider.url), settings, engine)
    gateway.start()
    yield gateway
    gateway.stop()
    provider.stop()
    stop()


def whose(gateway: Gateway, key: str, *models: str, times: int = 1) -> dict[str, Any]:
    status, reply = gateway.ask("POST", "/identify", {"key": key, "models": models, "times": times})
    assert status == 200
    return dict(reply)


def admin(gateway: Gateway, path: str, **body: Any) -> dict[str, Any]:
    status, reply = gateway.ask("POST", path, body, gateway.master, "admin")
    assert status == 200, reply
    return dict(reply)


def test_a_key_is_its_agents(gateway: Gateway) -> None:
    key = gateway.agent("first", aigw_agent="coder", aigw_qpm=5)
    told = whose(gateway, key, "first", "second", "openai/first", "")
    assert told["may"] == {"first": True, "second": False, "openai/first": False, "": False}
    caller = told["caller"]
    assert caller["hash"] == hashlib.sha256(key.encode()).hexdigest()
    assert caller["alias"].startswith("agent-")
    assert (caller["agent"], caller["metadata"]["aigw_qpm"], caller["models"]) == ("coder", 5, ["first"])
    assert key not in told["shown"]


def test_what_litellm_is_told_of_a_key_holds_at_once(gateway: Gateway) -> None:
    key = gateway.agent("first")
    assert whose(gateway, key, "second")["may"] == {"second": False}
    admin(gateway, "/key/update", key=key, models=["second"])
    assert whose(gateway, key, "first", "second")["may"] == {"first": False, "second": True}
    admin(gateway, "/key/block", key=key)
    assert whose(gateway, key)["error"] == "BlockedKey"
    admin(gateway, "/key/unblock", key=key)
    assert "caller" in whose(gateway, key)
    admin(gateway, "/key/delete", keys=[key])
    assert whose(gateway, key)["error"] == "UnknownKey"


def test_a_key_that_is_over_is_refused(gateway: Gateway) -> None:
    key = str(admin(gateway, "/key/generate", models=["first"], duration="1s")["key"])
    assert "caller" in whose(gateway, key)
    time.sleep(1.1)
    assert whose(gateway, key)["error"] == "ExpiredKey"


def test_the_models_of_a_team_hold_for_its_keys(gateway: Gateway) -> None:
    team = str(admin(gateway, "/team/new", models=["first"])["team_id"])
    key = str(admin(gateway, "/key/generate", team_id=team, models=["all-team-models"])["key"])
    told = whose(gateway, key, "first", "second")
    assert (told["caller"]["team"], told["may"]) == (team, {"first": True, "second": False})


def test_a_blocked_teams_keys_are_blocked_when_litellm_refuses_them(gateway: Gateway) -> None:
    """LiteLLM keeps a team for up to a minute: one that is blocked later is so after that time, here as there."""
    for blocked, wanted in ((True, ("BlockedKey", 401)), (False, (None, 200))):
        team = str(admin(gateway, "/team/new", blocked=blocked)["team_id"])
        key = str(admin(gateway, "/key/generate", team_id=team)["key"])
        admin(gateway, "/team/block", team_id=team)
        assert (whose(gateway, key).get("error"), gateway.ask("POST", CHAT, chat(), key)[0]) == wanted


def test_nobody_is_who_has_no_key_of_an_agent(gateway: Gateway) -> None:
    key = gateway.agent("first")
    hashed = hashlib.sha256(key.encode()).hexdigest()
    assert "caller" in whose(gateway, key)
    # LiteLLM has the master key among its cached keys from its first use on.
    admin(gateway, "/key/generate")
    for nobody in (gateway.master, hashed, f"sk-{hashed}", "", "sk-", "sk-unknown", "sk-é", f"{key} ", f"Bearer {key}"):
        assert whose(gateway, nobody)["error"] == "UnknownKey", nobody


def test_a_known_key_costs_little(gateway: Gateway) -> None:
    key = gateway.agent("first")
    whose(gateway, key, times=200)
    seconds = min(whose(gateway, key, times=500)["seconds"] for _ in range(5))
    gateway.seconds["identify"] = seconds
    print(f"identify: {seconds * 1e6:.0f} us")
    assert seconds < 0.0002


def test_without_the_database_who_is_known_stays_known_and_no_other_is_called_unknown(
    gateway: Gateway, postgres: Postgres
) -> None:
    known, other = gateway.agent("first"), gateway.agent("first")
    assert gateway.ask("POST", CHAT, chat(), known)[0] == 200
    admin(gateway, "/key/update", key=other, models=["first"])  # LiteLLM forgets it
    postgres.stop()
    try:
        began = time.monotonic()
        assert whose(gateway, other)["error"] == "KeysUnavailable"
        assert time.monotonic() - began < 6
        assert whose(gateway, known, "first")["may"] == {"first": True}
    finally:
        postgres.start()
    gateway.wait_for_readiness(200)
    assert "caller" in whose(gateway, other)
