"""What the quickstart synthesizes boots the real LiteLLM: its user data, bundle and settings, on doubles of its
surroundings, once from each store of secrets: moto's Secrets Manager, Alibaba's KMS, Vault. Replaced is only what must be
local, and what a test must not wait for: addresses, ports, the refresh interval; and, as no example has it, the store by
Vault. config.yaml is served byte for byte."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from aigw_node.settings import parse
from botocore.exceptions import ClientError

from booting import CHAT, Gateway, chat, install, query_engine
from conftest import FILES
from doubles.certificate import Certificate, certificate
from doubles.cloud import Cloud
from doubles.moto import Moto
from doubles.postgres import Postgres, find, free_port
from doubles.provider import Provider
from doubles.redis import Redis
from stored import Store, Value, in_kms, in_moto, in_vault
from support import lacking
from synthesized import Stack, synthesize

pytestmark = pytest.mark.real

BOOT_FOLDER = "/var/lib/aigw-boot"
LAST_LINE = "exec python3 fetch.py node.json\n"
REGIONS = {"aws": "eu-central-1", "alicloud": "cn-shanghai"}
STORES = {"moto": "aws", "kms": "alicloud", "vault": "aws"}  # and the cloud of the gateway that has it
REFRESH_SECONDS = 2
BUCKET = "prod-gateway-123456789012"
KNOWN = {
    "aws_s3_bucket.bucket": BUCKET,
    "alicloud_oss_bucket.bucket": BUCKET,
    "aws_cloudwatch_log_group.name": "group",
    "alicloud_log_project.project_name": "project",
    "alicloud_log_store.logstore_name": "store",
}
CONTRACT = (FILES / "README.md").read_text()
README_FIELDS = re.compile(r'^  "(\w+)":', re.M)
# What is the same from whichever store.
ONCE = pytest.mark.parametrize("gateway", ["moto"], indirect=True)


@dataclass(kw_only=True)
class Booted(Gateway):
    store: Store
    settings: dict[str, Any]
    config: dict[str, Any]
    agents: dict[str, dict[str, Any]]
    postgres: Postgres
    redis: Redis

    def models(self) -> set[str]:
        return {item["model_name"] for item in self.config["model_list"]}

    def key(self, **wanted: Any) -> str:
        status, reply = self.ask("POST", "/key/generate", wanted, self.master, "admin")
        assert status == 200, reply
        return str(reply["key"])


def boot_files(script: str, folder: Path) -> dict[str, Any]:
    """Runs user data up to its last line, with a folder of the test; node.json."""
    assert script.endswith(LAST_LINE)
    folder.mkdir()
    script = script.removesuffix(LAST_LINE).replace(BOOT_FOLDER, str(folder))
    subprocess.run(["bash", "-c", script], check=True, env={"PATH": "/usr/bin:/bin"})
    node: dict[str, Any] = json.loads((folder / "node.json").read_text())
    return node


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    synthesize("examples/quickstart/main.ts", folder)
    return folder / "stacks"


@dataclass
class Surroundings:
    """What the gateways share, one after the other."""

    out: Path
    engine: str
    certificate: Certificate
    postgres: Postgres
    redis: Redis
    venvs: list[Path] = field(default_factory=list)

    def bake(self, home: Path) -> None:
        """As on an image that was baked with the same lock file: the first gateway installs, the others have it all."""
        for venv in self.venvs[:1]:
            shutil.copytree(venv, home / venv.name, symlinks=True, copy_function=os.link)


@pytest.fixture(scope="module")
def surroundings(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    engine, programs, redis_server = query_engine(), find(), shutil.which("redis-server")
    if programs is None or redis_server is None:
        lacking("PostgreSQL's initdb or redis-server is not on this computer")
    folder = tmp_path_factory.mktemp("surroundings")
    own = certificate(folder)
    with ExitStack() as ends:
        postgres = Postgres(programs, own)
        ends.callback(postgres.remove)
        redis = Redis(redis_server, folder, own)
        ends.callback(redis.remove)
        yield Surroundings(out, engine, own, postgres, redis)


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    moto = Moto(REGIONS["aws"])
    yield moto
    moto.stop()


@pytest.fixture(scope="module", params=STORES)
def gateway(
    request: pytest.FixtureRequest, surroundings: Surroundings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Booted]:
    kind = STORES[request.param]
    postgres, redis, own = surroundings.postgres, surroundings.redis, surroundings.certificate
    root = tmp_path_factory.mktemp("node")
    home = root / "opt/aigw"
    with ExitStack() as ends:
        cloud, provider = Cloud(kind, REGIONS[kind], bucket=BUCKET), Provider()
        ends.callback(cloud.start())
        ends.callback(provider.stop)

        stack = Stack(surroundings.out / f"quickstart-{kind}", KNOWN)
        settings = json.loads(stack.local("Cluster_Settings"))
        opened: dict[str, Callable[[], Store]] = {
            "moto": lambda: in_moto(request.getfixturevalue("moto"), cloud, settings["store"], stack.granted()),
            "kms": lambda: in_kms(cloud, settings["store"]),
            "vault": lambda: in_vault(cloud, own, ends),
        }
        store = opened[request.param]()
        ports = {"agents": free_port(), "admin": free_port()}
        settings |= {"ports": ports, "store": store.settings, "refreshIntervalSeconds": REFRESH_SECONDS}
        settings["database"] |= {"host": "127.0.0.1", "port": postgres.port, "name": f"litellm_{request.param}"}
        settings["redis"] |= {"host": "127.0.0.1", "port": redis.port}
        # The providers whose address config.yaml leaves to LiteLLM.
        here = {"OPENAI_BASE_URL": provider.url, "DEEPSEEK_API_BASE": provider.url}
        settings["environment"] |= {**here, "ANTHROPIC_API_BASE": provider.url.removesuffix("/v1")}
        stack.replace("Cluster_Settings", json.dumps(settings))
        postgres.create(settings["database"]["name"])
        redis.client.flushall()

        master = "sk-" + secrets.token_hex(24)
        values: dict[str, Value] = {secret["name"]: f"key-of-{secret['name']}" for secret in settings["secrets"]}
        values[f"{settings['name']}/master-key"] = master
        values[settings["database"]["secret"]] = {settings["database"]["field"]: postgres.password}
        values[settings["redis"]["secret"]] = redis.password
        for name, value in values.items():
            store.put(name, value)
        cloud.objects = stack.objects()

        node = boot_files(stack.local("Cluster_UserData"), root / "boot")
        node |= {"endpoint": cloud.storage, "metadata": cloud.url, "home": str(home)}
        with tarfile.open(fileobj=io.BytesIO(cloud.objects[node["bundle"]["key"]])) as archive:
            member = archive.extractfile("config.yaml")
            assert member
            text = member.read()
        (desired,) = [json.loads(content) for key, content in cloud.objects.items() if key.startswith("agents/")]
        agents = {agent["name"]: agent for agent in desired["agents"]}
        gateway = Booted(
            root,
            cloud,
            provider,
            ports,
            master,
            environment={"SSL_CERT_FILE": str(own.file)},
            program=store.program,
            store=store,
            settings=settings,
            config=yaml.safe_load(text),
            agents=agents,
            postgres=postgres,
            redis=redis,
        )
        ends.callback(gateway.stop)
        surroundings.bake(home)
        gateway.seconds["install"] = install(root, root / "boot/fetch.py", node, surroundings.engine)
        surroundings.venvs.append((home / "venv").resolve())
        assert (home / "venv/.complete").samefile(surroundings.venvs[0] / ".complete")
        assert (home / "current/config.yaml").read_bytes() == text
        gateway.start()
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
    assert {"aws": log.group, "alicloud": f"{log.project}/{log.store}"}[cloud] in {"group", "project/store"}
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
    assert (status, reply["error"]["type"]) == (403, "key_model_access_denied")
    assert gateway.ask("POST", CHAT, chat(model="no-such-model"), key)[0] == 403
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
    key = gateway.key(models=["gpt-4o"], rpm_limit=1)
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
