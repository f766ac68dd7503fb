"""What the real LiteLLM says of secrets that it is given, and of those that callers give it: canaries go in as every secret
of the gateway, as keys of agents, and in every part of requests; all that the node leaves where others can read it is
searched by `cdktf-ai-gateway scan`."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from booting import CHAT, chat
from doubles.logs import GROUP
from quickstart import Booted, Surroundings, Unstored, booted
from stored import Store, Value
from synthesized import PROJECT

pytestmark = pytest.mark.real

REFRESH_SECONDS = 2
NO_MODEL = "a model that is none"
SERVED, OTHER = "gpt-4o", "deepseek-chat"  # by the double of their providers


@dataclass
class Canaries:
    """Values that nobody has, by the entrance that they go in by."""

    entrances: dict[str, str] = field(default_factory=dict)

    def into(self, entrance: str) -> str:
        return self.known(entrance, "sk-" + secrets.token_hex(24))

    def known(self, entrance: str, value: str) -> str:
        self.entrances.setdefault(value, entrance)
        return value

    def found(self, *paths: Path) -> list[tuple[str, str]]:
        """Entrances, and the places where the command finds what came in by them."""
        return [
            (entrance, f"{find['file']}:{find.get('line')}")
            for value, entrance in (self.entrances.items() if _finds(paths, *self.entrances) else ())
            for find in _finds(paths, value)
        ]


def _finds(paths: tuple[Path, ...], *values: str) -> list[dict[str, Any]]:
    node = shutil.which("node")
    assert node
    command = [node, str(PROJECT / "src/cli/bundled.js"), "scan", "--json", *map(str, paths)]
    environment = {"PATH": os.environ["PATH"], "AIGW_CANARIES": "\n".join(values)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 2), done.stderr
    report = json.loads(done.stdout)
    assert not report["failed"]
    return [find for find in report["finds"] if find["rule"] == "canary"]


@dataclass(frozen=True)
class Searched:
    gateway: Booted
    own: Canaries  # the gateway's secrets and the agents' keys
    callers: Canaries  # what requests hold
    heard: Path  # all that the gateway answers


@pytest.fixture(scope="module")
def searched(surroundings: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    own, versions = Canaries(), itertools.count(1)

    def choose(here: Unstored) -> Store:
        here.settings["environment"]["LITELLM_LOG"] = "DEBUG"  # the most that a node can be told to say
        here.settings["log"] = {
            "kind": "cloudwatch",
            "group": GROUP,
            "region": here.cloud.region,
            "endpoint": here.cloud.url,
        }

        def put(name: str, value: Value) -> None:
            if value == f"key-of-{name}":
                value = own.into(name)
            for text in [value] if isinstance(value, str) else value.values():
                own.known(name, text)
            here.cloud.secrets[name] = (f"v{next(versions)}", value if isinstance(value, str) else json.dumps(value))

        own.known("the role's secret", here.cloud.secret)
        own.known("the role's session", here.cloud.session)
        return Store(here.settings["store"] | {"endpoint": here.cloud.url}, put, here.cloud.secrets.pop)

    root = tmp_path_factory.mktemp("leaks")
    with booted(surroundings, "aws", root, "leaks", choose, refreshIntervalSeconds=REFRESH_SECONDS) as gateway:
        yield Searched(gateway, own, Canaries(), tmp_path_factory.mktemp("heard") / "answers.txt")
        print(f"\nsearched gateway: {gateway.seconds}", file=sys.__stderr__)


def ask(
    searched: Searched, method: str, path: str, body: bytes | None, headers: Mapping[str, str], port: str = "agents"
) -> int:
    """Asks, and keeps the whole answer."""
    connection = http.client.HTTPConnection("127.0.0.1", searched.gateway.ports[port], timeout=60)
    try:
        connection.request(method, path, body, {"content-type": "application/json", **headers})
        reply = connection.getresponse()
        with searched.heard.open("ab") as out:
            out.write(f"{method} {reply.status}\n{reply.headers}\n".encode() + reply.read() + b"\n")
        return reply.status
    finally:
        connection.close()


def agents_key(searched: Searched, *models: str) -> str:
    return searched.own.known("an agent's key", searched.gateway.agent(*models))


def seen_by_others(searched: Searched) -> list[Path]:
    """What lies in files, but for the packages, and what is told of processes."""
    gateway = searched.gateway
    told = searched.heard.parent / "processes.txt"
    with told.open("ab") as out:
        for pid in gateway.processes():
            for name in ("cmdline", "environ"):
                out.write(Path(f"/proc/{pid}/{name}").read_bytes().replace(b"\0", b"\n") + b"\n")
    shipped = searched.heard.parent / "shipped.json"
    shipped.write_text(json.dumps(gateway.cloud.kept))
    installed = [path for path in gateway.home.iterdir() if not path.name.startswith(("venv", "engine"))]
    rest = [path for path in gateway.root.iterdir() if path.name != "opt"]
    return [*rest, *installed, told, shipped, searched.heard]


def test_requests_with_secrets_in_every_part(searched: Searched) -> None:
    callers = searched.callers
    of_agent = {"authorization": f"Bearer {agents_key(searched, SERVED)}"}

    def body(part: str, **more: Any) -> bytes:
        return json.dumps(
            {**chat(model=SERVED), "messages": [{"role": "user", "content": callers.into(part)}], **more}
        ).encode()

    assert ask(searched, "POST", CHAT, body("a prompt"), of_agent) == 200
    placed = {
        "api_key": callers.into("api_key of a body"),
        "user": callers.into("user of a body"),
        "metadata": {"token": callers.into("metadata of a body")},
        "extra_headers": {"authorization": callers.into("extra_headers of a body")},
        callers.into("a name in a body"): 1,
    }
    assert ask(searched, "POST", CHAT, body("a prompt beside others", **placed), of_agent) == 200
    carried = {
        name: callers.into(f"header {name}") for name in ("x-api-key", "api-key", "cookie", "x-goog-api-key", "x-anything")
    }
    ask(searched, "POST", CHAT, body("a prompt with headers"), {**of_agent, **carried})
    ask(searched, "POST", f"{CHAT}?key={callers.into('a query')}", body("a prompt with a query"), of_agent)


def test_requests_that_are_refused(searched: Searched) -> None:
    callers, gateway = searched.callers, searched.gateway
    of_agent = {"authorization": f"Bearer {agents_key(searched, SERVED)}"}

    def prompt(part: str, model: str = SERVED) -> bytes:
        return json.dumps({"model": model, "messages": [{"role": "user", "content": callers.into(part)}]}).encode()

    unknown = callers.into("a key of nobody")
    asked: list[tuple[int, str, str, bytes | None, dict[str, str]]] = [
        (401, "POST", CHAT, prompt("a prompt of nobody"), {"authorization": f"Bearer {unknown}"}),
        (401, "POST", CHAT, prompt("a prompt without a key"), {}),
        (
            401,
            "POST",
            CHAT,
            prompt("a prompt with no bearer"),
            {"authorization": callers.into("authorization without Bearer")},
        ),
        (403, "POST", CHAT, prompt("a prompt for another model", OTHER), of_agent),
        (404, "POST", CHAT, prompt("a prompt for no model", callers.into(NO_MODEL)), of_agent),
        (400, "POST", CHAT, b'{"model": "' + callers.into("JSON that ends early").encode(), of_agent),
        (404, "POST", f"/v1/{callers.into('a path')}", prompt("a prompt for a path"), of_agent),
        (404, "GET", f"/v1/files/{callers.into('an id in a path')}", None, of_agent),
        (404, "POST", "/key/generate", prompt("a prompt for an admin's route"), of_agent),
    ]
    heard = [ask(searched, method, path, body, headers) for _, method, path, body, headers in asked]
    assert heard == [status for status, *_ in asked]
    wrong = json.dumps(
        {"models": callers.into("a wrong field for an admin"), "key": callers.into("a key that an admin gives")}
    )
    ask(searched, "POST", "/key/generate", wrong.encode(), {"authorization": f"Bearer {gateway.master}"}, "admin")
    ask(searched, "POST", "/key/generate", wrong.encode(), of_agent, "admin")


def test_a_rotation_a_broken_secret_and_what_goes_and_comes_back(searched: Searched) -> None:
    gateway, own = searched.gateway, searched.own
    of_agent = {"authorization": f"Bearer {agents_key(searched)}"}
    name = next(secret["name"] for secret in gateway.settings["secrets"] if secret["name"].endswith("/openai"))
    gateway.store.put(name, own.into("a provider's next key"))
    time.sleep(REFRESH_SECONDS + 3)
    body = json.dumps({"model": SERVED, "messages": [{"role": "user", "content": searched.callers.into("late")}]}).encode()
    assert ask(searched, "POST", CHAT, body, of_agent) == 200
    good = gateway.cloud.secrets[name]
    gateway.cloud.secrets[name] = ("broken", json.dumps({"api_key": own.into("a broken secret")})[:-3])
    gateway.cloud.denied.add(gateway.settings["redis"]["secret"])
    time.sleep(REFRESH_SECONDS + 1)
    gateway.cloud.secrets[name] = good
    gateway.cloud.denied.clear()
    for part in (gateway.redis, gateway.postgres):
        part.stop()
        try:
            ask(searched, "POST", CHAT, body, of_agent)
            ask(
                searched,
                "POST",
                CHAT,
                body,
                {"authorization": f"Bearer {searched.callers.into('a key meanwhile')}"},
            )
            ask(searched, "POST", "/key/generate", b"{}", {"authorization": f"Bearer {gateway.master}"}, "admin")
        finally:
            part.start()
    gateway.wait_for_readiness(200)


def test_providers_that_fail_and_repeat_the_key(searched: Searched) -> None:
    gateway = searched.gateway
    for model in (SERVED, OTHER):
        of_agent = {"authorization": f"Bearer {agents_key(searched, model)}"}
        body = json.dumps(
            {**chat(model=model), "messages": [{"role": "user", "content": searched.callers.into("a prompt that fails")}]}
        )
        upstream = {item["litellm_params"]["model"].split("/")[-1] for item in gateway.config["model_list"]}
        for status in (401, 429, 500):
            gateway.provider.failing = dict.fromkeys(upstream, status)
            assert ask(searched, "POST", CHAT, body.encode(), of_agent) >= 400
    gateway.provider.failing = {}


def test_the_request_log_is_shipped(searched: Searched) -> None:
    gateway = searched.gateway
    said = searched.heard.parent / "shipper.txt"
    command = gateway.command("ship", "--settings", str(gateway.home / gateway.bundle / "settings.json"))
    with said.open("wb") as out:
        shipper = subprocess.Popen(command, env=gateway.unit_environment(), cwd=gateway.root, stdout=out, stderr=out)
        deadline = time.monotonic() + 180
        while not any(gateway.cloud.kept.values()):
            assert shipper.poll() is None, said.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        shipper.send_signal(signal.SIGTERM)
        assert shipper.wait(180) == 0, said.read_text()


def test_no_secret_of_the_gateways_lies_anywhere(searched: Searched) -> None:
    paths = seen_by_others(searched)
    assert len(searched.own.entrances) > 12
    assert searched.own.found(*paths) == []
    # The search works: the provider got its keys, the second one too.
    asked = searched.heard.with_name("asked.json")
    asked.write_text(json.dumps(searched.gateway.provider.asked))
    told = {entrance for entrance, _ in searched.own.found(asked)}
    assert {name for name in told if name.endswith(("/openai", "/deepseek", "next key"))} == told
    assert len(told) == 3


def test_no_secret_of_a_callers_lies_anywhere(searched: Searched) -> None:
    """What a caller sent may be in its answer."""
    found = searched.callers.found(*[path for path in seen_by_others(searched) if path != searched.heard])
    assert found == []
