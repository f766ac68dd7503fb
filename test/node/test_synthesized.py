"""What the quickstart synthesizes boots the real LiteLLM, once from each store of secrets: moto's Secrets Manager, Alibaba's
KMS, Vault. Beside what must be local, the store is replaced by Vault, as no example has it."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aigw_node.settings import parse
from botocore.exceptions import ClientError

from booting import CHAT, chat
from conftest import FILES
from doubles.moto import Moto
from quickstart import BUCKET, KNOWN, Booted, Surroundings, Unstored, boot_files, booted
from stored import Store, in_kms, in_moto, in_vault
from synthesized import Stack

pytestmark = pytest.mark.real

STORES = {"moto": "aws", "kms": "alicloud", "vault": "aws"}  # and the cloud of the gateway that has it
REFRESH_SECONDS = 2
CONTRACT = (FILES / "README.md").read_text()
README_FIELDS = re.compile(r'^  "(\w+)":', re.M)
# What is the same from whichever store.
ONCE = pytest.mark.parametrize("gateway", ["moto"], indirect=True)


@pytest.fixture(scope="module", params=STORES)
def gateway(
    request: pytest.FixtureRequest, surroundings: Surroundings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Booted]:
    def choose(here: Unstored) -> Store:
        if request.param == "moto":
            return in_moto(request.getfixturevalue("moto"), here.cloud, here.settings["store"], here.stack.granted())
        if request.param == "kms":
            return in_kms(here.cloud, here.settings["store"])
        return in_vault(here.cloud, here.certificate, here.ends)

    root, kind, name = tmp_path_factory.mktemp("node"), STORES[request.param], f"litellm_{request.param}"
    with booted(surroundings, kind, root, name, choose, refreshIntervalSeconds=REFRESH_SECONDS) as gateway:
        yield gateway
        print(f"\nsynthesized gateway, {request.param}: {gateway.seconds}", file=sys.__stderr__)


@pytest.mark.parametrize("cloud", ["aws", "alicloud"])
def test_settings_and_user_data_of_both_clouds_are_what_the_node_takes(out: Path, cloud: str, tmp_path: Path) -> None:
    stack = Stack(out / f"quickstart-{cloud}", KNOWN)
    settings = json.loads(stack.local("Cluster_Settings"))
    assert parse(settings).cloud == cloud
    assert set(settings) <= set(README_FIELDS.findall(CONTRACT))
    log = parse(settings).log
    assert log
    place = {"aws": log.group, "alicloud": f"{log.project}/{log.store}"}[cloud]
    assert place == {"aws": KNOWN["aws_cloudwatch_log_group.name"], "alicloud": "project/store"}[cloud]
    node = boot_files(stack.local("Cluster_UserData"), tmp_path / "boot")
    assert (tmp_path / "boot/fetch.py").read_text() == (FILES / "fetch.py").read_text()
    objects = stack.objects()
    for name in ("bundle", "settings"):
        assert hashlib.sha256(objects[node[name]["key"]]).hexdigest() == node[name]["sha256"]
    assert (node["cloud"], node["bucket"]) == (cloud, BUCKET)


def test_the_group_that_a_node_speaks_to_is_the_one_that_waits(out: Path) -> None:
    stack = Stack(out / "quickstart-aws", KNOWN)
    launch = parse(json.loads(stack.local("Cluster_Settings"))).launch
    assert launch
    assert [group["name"] for group in stack.resources("aws_autoscaling_group")] == [launch.group]
    (hook,) = stack.resources("aws_autoscaling_lifecycle_hook")
    assert (hook["name"], hook["heartbeat_timeout"]) == (launch.hook, launch.wait)


def test_the_scaling_group_goes_on_once_the_node_serves(gateway: Booted) -> None:
    gateway.cloud.group_waits = True
    # On Alibaba Cloud the quickstart has no group. A node that has run for longer than its group waits asks nobody.
    launch = {"kind": "ess", **gateway.settings.get("launch", {}), "endpoint": gateway.cloud.url, "waitSeconds": 10**9}
    (gateway.root / "launched.json").write_text(json.dumps(gateway.settings | {"launch": launch}))
    done = gateway.run("launched", "--settings", str(gateway.root / "launched.json"))
    assert (done.returncode, gateway.cloud.group_waits) == (0, False), done.stderr


def test_both_ports_are_ready_with_database_and_redis(gateway: Booted) -> None:
    for port in gateway.ports:
        status, reply = gateway.ask("GET", "/health/readiness", port=port)
        assert status == 200, reply
    database = gateway.settings["database"]["name"]
    encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND pid <> pg_backend_pid()"
    assert gateway.postgres.ask(database, encrypted) != [(0,)]
    assert gateway.redis.client.info("clients")["connected_clients"] > 1  # one is the test


def test_every_variable_of_the_config_is_one_that_the_settings_give(gateway: Booted) -> None:
    given = {field["environment"] for secret in gateway.settings["secrets"] for field in secret["fields"]}
    given |= {*gateway.settings["environment"], "DATABASE_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"}
    assert set(re.findall(r"os\.environ/(\w+)", json.dumps(gateway.config))) <= given


@ONCE
def test_a_key_lists_exactly_the_models_that_it_may_call(gateway: Booted) -> None:
    for wanted, models in (({}, gateway.models()), *((agent, set(agent["models"])) for agent in gateway.agents.values())):
        status, reply = gateway.ask("GET", "/v1/models", key=gateway.key(models=wanted.get("models", [])))
        assert (status, {item["id"] for item in reply["data"]}) == (200, models)


@ONCE
def test_a_model_that_is_not_the_agents_is_refused(gateway: Booted) -> None:
    key = gateway.key(models=gateway.agents["schedule-agent"]["models"])
    status, reply = gateway.ask("POST", CHAT, chat(model="gpt-4o"), key)
    assert (status, reply["error"]["code"]) == (403, "model_not_allowed")
    status, reply = gateway.ask("POST", CHAT, chat(model="no-such-model"), key)
    assert (status, reply["error"]["code"]) == (404, "model_not_found")
    assert gateway.ask("POST", CHAT, chat(model="gpt-4o"))[0] == 401


@ONCE
def test_each_port_serves_its_own_routes(gateway: Booted) -> None:
    key = gateway.key(models=["gpt-4o"])
    assert gateway.ask("POST", "/key/generate", {}, gateway.master)[0] == 404
    assert gateway.ask("POST", CHAT, chat(model="gpt-4o"), key, "admin")[0] == 404
    assert gateway.ask("POST", "/key/generate", {}, key, "admin")[0] in {401, 403}
    assert gateway.ask("GET", "/key/list", key=gateway.master, port="admin")[0] == 200


@pytest.mark.parametrize(
    ("model", "upstream", "credential", "header"),
    [
        ("gpt-4o", "gpt-4o-2024-11-20", "openai", "authorization"),
        ("deepseek-chat", "deepseek-chat", "deepseek", "authorization"),
        ("claude-opus", "claude-opus-4-7", "anthropic", "x-api-key"),
    ],
)
def test_a_provider_is_asked_with_its_own_credential(
    gateway: Booted, model: str, upstream: str, credential: str, header: str
) -> None:
    status, reply = gateway.ask("POST", CHAT, chat(model=model), gateway.key(models=[model]))
    assert (status, reply.get("choices", [{}])[0].get("message", {}).get("content")) == (200, "hello"), reply
    headers, body = gateway.provider.asked[-1]
    assert headers[header].removeprefix("Bearer ") == f"key-of-prod-gateway/{credential}"
    assert body["model"] == upstream


@ONCE
def test_a_limit_holds_and_is_counted_in_redis(gateway: Booted) -> None:
    key = gateway.key(models=["gpt-4o"], metadata={"aigw_agent": "limited", "aigw_qpm": 1})
    assert [gateway.ask("POST", CHAT, chat(model="gpt-4o"), key)[0] for _ in range(2)] == [200, 429]
    assert any(b"requests" in name for name in gateway.redis.client.keys("*"))


def test_moto_refuses_a_wrong_signature_and_an_action_that_is_not_granted(moto: Moto) -> None:
    moto.put("other-gateway/secret", "canary")
    reader = moto.assume("reader", ["secretsmanager:GetSecretValue"])
    assert moto.read("other-gateway/secret", reader) == "canary"
    for by, refusal in (
        (replace(reader, secret="x" * 40), "SignatureDoesNotMatch"),
        (replace(reader, session="x"), "InvalidClientTokenId"),
        (replace(reader, identity="ASIAOTHER"), "InvalidClientTokenId"),
        (moto.assume("lister", ["secretsmanager:ListSecrets"]), "AccessDenied"),
    ):
        with pytest.raises(ClientError, match=refusal):
            moto.read("other-gateway/secret", by)


def test_a_providers_key_that_is_replaced_in_the_store_reaches_requests(gateway: Booted) -> None:
    agent, name, pid = gateway.key(models=["gpt-4o"]), f"{gateway.settings['name']}/openai", gateway.processes()[0]
    gateway.store.put(name, "replaced-key")
    deadline = time.monotonic() + REFRESH_SECONDS + 10
    sent: list[str] = []
    while sent[-10:] != ["Bearer replaced-key"] * 10:  # by each worker
        assert time.monotonic() < deadline, sent
        assert gateway.ask("POST", CHAT, chat(model="gpt-4o"), agent)[0] == 200
        sent.append(gateway.provider.asked[-1][0]["authorization"])
    assert gateway.processes()[0] == pid
    assert re.search(rf'"secret": "{name}", "version": "[^"]+", "changed": true', gateway.said())


def test_no_secret_of_the_store_is_where_others_can_read_it(gateway: Booted) -> None:
    assert len(gateway.processes()) >= 2  # LiteLLM and the query engine
    roles = [gateway.cloud.secret, gateway.cloud.session]
    assert not gateway.leaked(
        [gateway.master, gateway.postgres.password, gateway.redis.password, *roles, "key-of-", "replaced-"]
    )


def test_a_node_whose_store_lacks_a_secret_does_not_start_and_says_which(gateway: Booted) -> None:
    gateway.stop()
    name = f"{gateway.settings['name']}/openai"
    gateway.store.remove(name)
    assert gateway.start(wait=False).wait(60) == 1
    assert f"aigw: secrets without a usable value: {name} (not in the store" in gateway.said().strip().splitlines()[-1]
