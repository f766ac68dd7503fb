"""What the tests of the real LiteLLM share: a node is installed into a scratch root by its own files, started and asked."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aigw_node.request_log import FILES
from jsonschema import Draft202012Validator

from doubles.cloud import Cloud
from doubles.provider import Provider
from support import lacking
from synthesized import PROJECT

CHAT = "/v1/chat/completions"


def query_engine() -> str:
    engine = os.environ.get("AIGW_TEST_QUERY_ENGINE")
    if not engine:
        lacking("AIGW_TEST_QUERY_ENGINE names no query engine (test/node/run sets it)")
    return engine


def install(root: Path, fetcher: Path, node: dict[str, Any], engine: str) -> float:
    """Runs fetch.py as user data does, and so install.sh; the seconds that it took."""
    (root / "node.json").write_text(json.dumps(node))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"AIGW_ROOT": str(root), "AIGW_QUERY_ENGINE": engine, "AIGW_PYTHON": sys.base_prefix + "/bin/python3"}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(fetcher), str(root / "node.json")], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return round(time.monotonic() - started, 1)


SCHEMA = Draft202012Validator(json.loads((PROJECT / "docs/request-log.schema.json").read_text()))


def log_lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob(FILES)) for line in file.read_text().splitlines()]


@dataclass
class Gateway:
    root: Path
    cloud: Cloud
    provider: Provider
    ports: dict[str, int]
    master: str
    environment: dict[str, str] = field(default_factory=dict)  # of the process, beside what the unit gives it
    seconds: dict[str, float] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    program: list[str] = field(default_factory=lambda: ["-m", "aigw_node"])
    bundle: str = "current"
    settings_file: str = "settings.json"  # beside config.yaml

    @property
    def log(self) -> Path:
        return self.root / f"log-of-{self.settings_file}"

    @property
    def home(self) -> Path:
        return self.root / "opt/aigw"

    def command(self, *words: str) -> list[str]:
        return [str(self.home / "venv/bin/python"), *self.program, *words]

    def unit_environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "PYTHONPATH": str(self.home / self.bundle),
            "PRISMA_QUERY_ENGINE_BINARY": str(self.home / "engine/query-engine"),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.cloud.url,
            **self.environment,
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command of the node's program, as its unit runs it."""
        return subprocess.run(
            self.command(*words), env=self.unit_environment(), cwd=self.root, capture_output=True, text=True
        )

    def start(self, *, wait: bool = True) -> subprocess.Popen[bytes]:
        folder = self.home / self.bundle
        command = self.command("serve", "--host", "127.0.0.1", "--settings", str(folder / self.settings_file))
        command += ["--config", str(folder / "config.yaml")]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, env=self.unit_environment(), stdout=out, stderr=out, cwd=self.root)
        if wait:
            self.wait_until_ready()
        return self.process

    def wait_until_ready(self) -> None:
        started = time.monotonic()
        while True:
            if self.process is None or self.process.poll() is not None:
                raise AssertionError(f"the gateway ended: {self.said()[-3000:]}")
            if time.monotonic() - started > 300:
                raise AssertionError(f"the gateway is not ready: {self.said()[-3000:]}")
            try:
                if self.ask("GET", "/health/readiness")[0] == 200:
                    self.seconds["boot"] = round(time.monotonic() - started, 1)
                    return
            except OSError:
                time.sleep(0.1)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(120)

    def said(self) -> str:
        return self.log.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """The request log's lines of requests; every line is one that the schema describes."""
        lines = log_lines(self.root / "requests")
        for line in lines:
            SCHEMA.validate(line)
        return [line for line in lines if line["event"] == "request"]

    def lines_of(self, key: str, number: int) -> list[dict[str, Any]]:
        """The lines of a key's requests, once there are so many: LiteLLM tells of a request's end shortly after it."""
        told = hashlib.sha256(key.encode()).hexdigest()[:12]
        deadline = time.monotonic() + 60
        while len(lines := [line for line in self.lines() if line.get("key") == told]) < number:
            assert time.monotonic() < deadline, lines
            time.sleep(0.1)
        return lines

    def lines_of_call(self, call: str) -> list[dict[str, Any]]:
        """The lines of a request, once there is one."""
        deadline = time.monotonic() + 30
        while not (lines := [line for line in self.lines() if line["request_id"] == call]):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return lines

    def ask(self, method: str, path: str, body: Any = None, key: str = "", port: str = "agents") -> tuple[int, Any]:
        status, _, reply = self.ask_whole(method, path, body, key, port)
        return status, reply

    def ask_whole(
        self, method: str, path: str, body: Any = None, key: str = "", port: str = "agents"
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of a reply."""
        status, names, content = self.ask_bytes(method, path, body, key, port=port)
        return status, names, json.loads(content)

    def ask_bytes(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: str = "",
        more: Mapping[str, str] | None = None,
        *,
        port: str = "agents",
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[port], timeout=120)
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {}), **(more or {})}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            reply = connection.getresponse()
            names = {name.lower(): value for name, value in reply.getheaders()}
            return reply.status, names, reply.read()
        finally:
            connection.close()

    def wait_for_readiness(self, status: int) -> None:
        deadline = time.monotonic() + 120
        while self.ask("GET", "/health/readiness")[0] != status:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def agent(self, *models: str, **metadata: Any) -> str:
        wanted = {"models": models, "key_alias": f"agent-{secrets.token_hex(4)}", "metadata": metadata}
        status, reply = self.ask("POST", "/key/generate", wanted, self.master, "admin")
        assert status == 200, reply
        return str(reply["key"])

    def processes(self) -> list[int]:
        assert self.process
        pids = [self.process.pid]
        for pid in pids:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                pids += [int(child) for child in children.read_text().split() if int(child) not in pids]
        return pids

    def leaked(self, values: Iterable[str]) -> list[tuple[str, str]]:
        """Where others on the machine could read one of the values: the log, what is told of a process, the files."""
        places = {"log": self.said()}
        for pid in self.processes():
            for name in ("environ", "cmdline"):
                places[f"{pid} {name}"] = Path(f"/proc/{pid}/{name}").read_bytes().decode()
        for path in self.root.rglob("*"):
            if path.is_file() and "venv-" not in str(path):
                places[str(path)] = path.read_bytes().decode("utf-8", "replace")
        return [(place, value[:8]) for place, text in places.items() for value in values if value in text]


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "first", "messages": [{"role": "user", "content": "canary-prompt"}], **more}
