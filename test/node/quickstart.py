"""The quickstart as it is synthesized, booted: its user data, bundle and settings, on doubles of its surroundings. Replaced
is only what must be local, and what a test must not wait for: addresses, ports, the refresh interval. config.yaml is served
byte for byte."""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from booting import Gateway, install
from doubles.certificate import Certificate
from doubles.cloud import Cloud
from doubles.postgres import Postgres, free_port
from doubles.provider import Provider
from doubles.redis import Redis
from stored import Store, Value
from synthesized import Stack

BOOT_FOLDER = "/var/lib/aigw-boot"
LAST_LINE = "exec python3 fetch.py node.json\n"
REGIONS = {"aws": "eu-central-1", "alicloud": "cn-shanghai"}
BUCKET = "prod-gateway-123456789012"
KNOWN = {
    "aws_kms_key.arn": "arn:aws:kms:eu-central-1:123456789012:key/k-1",
    "alicloud_kms_key.id": "key-1",
    "aws_s3_bucket.bucket": BUCKET,
    "alicloud_oss_bucket.bucket": BUCKET,
    "aws_cloudwatch_log_group.name": "/cdktf-ai-gateway/prod-gateway",
    "alicloud_log_project.project_name": "project",
    "alicloud_log_store.logstore_name": "store",
}


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


@dataclass(frozen=True)
class Unstored:
    """A gateway whose store is still to be chosen."""

    cloud: Cloud
    stack: Stack
    settings: dict[str, Any]
    certificate: Certificate
    ends: ExitStack


@contextmanager
def booted(
    surroundings: Surroundings,
    kind: str,
    root: Path,
    database: str,
    choose: Callable[[Unstored], Store],
    *,
    provisions: bool = False,
    **changes: Any,
) -> Iterator[Booted]:
    """The quickstart of a cloud, serving. `database`: its name; `changes`: of its settings. It makes its agents' keys where
    it is to; else a test makes those that it needs."""
    postgres, redis, own = surroundings.postgres, surroundings.redis, surroundings.certificate
    home = root / "opt/aigw"
    with ExitStack() as ends:
        cloud, provider = Cloud(kind, REGIONS[kind], bucket=BUCKET), Provider()
        ends.callback(cloud.start())
        ends.callback(provider.stop)

        stack = Stack(surroundings.out / f"quickstart-{kind}", KNOWN)
        settings = json.loads(stack.local("Cluster_Settings"))
        store = choose(Unstored(cloud, stack, settings, own, ends))
        ports = {"agents": free_port(), "admin": free_port()}
        settings |= {"ports": ports, "store": store.settings, **changes}
        if provisions:
            settings["provisioning"]["endpoint"] = cloud.url if kind == "aws" else cloud.storage
        else:
            settings.pop("provisioning")
        settings["database"] |= {"host": "127.0.0.1", "port": postgres.port, "name": database}
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
