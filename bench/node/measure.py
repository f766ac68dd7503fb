"""A node against a stock LiteLLM: same release, config, database, Redis, key and provider, on this computer, in turns.

`bench/node/run [--rounds 5] [--seconds 12] [--connections 16] [--check] [--levers]`; with --check it fails below what we
promise, with --levers it also measures what lies between the two, one lever after the other."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aigw_node import environment

from booting import Gateway
from doubles.cloud import Cloud
from doubles.postgres import Postgres, find, free_port
from doubles.provider import Provider
from nodes import put_node
from support import settings_json

HERE = Path(__file__).parent
PROMISES = {"requests a second": (1.05, None), "p95": (None, 1.0), "time to ready": (None, 1.0), "two workers": (1.4, None)}
CONFIG = """
model_list:
  - {model_name: first, litellm_params: {model: openai/first, api_base: PROVIDER, litellm_credential_name: openai}}
credential_list:
  - {credential_name: openai, credential_info: {}, credential_values: {api_key: os.environ/AIGW_OPENAI_API_KEY}}
router_settings:
  num_retries: 0
  redis_host: os.environ/REDIS_HOST
  redis_port: os.environ/REDIS_PORT
  redis_password: os.environ/REDIS_PASSWORD
litellm_settings: {drop_params: true, turn_off_message_logging: true}
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
  store_model_in_db: false
  database_connection_pool_limit: 10
  proxy_batch_write_at: 60
  disable_error_logs: true
  coordination_redis: {host: os.environ/REDIS_HOST, port: os.environ/REDIS_PORT, password: os.environ/REDIS_PASSWORD}
"""


@dataclass
class Measured:
    ready: list[float] = field(default_factory=list)
    rps: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # ms a request, of the gateway's own process and workers

    def load(self, port: int, key: str, options: argparse.Namespace, pid: int) -> None:
        before = _cpu_seconds(pid)
        command = [sys.executable, str(HERE / "load.py"), str(port), key, str(options.connections), str(options.seconds)]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        assert not result["failed"], f"{result['failed']} requests failed"
        self.rps.append(result["rps"])
        self.p95.append(result["p95"])
        self.cpu.append((_cpu_seconds(pid) - before) / result["answered"] * 1000)


class Rig:
    def __init__(self, ends: ExitStack, folder: Path) -> None:
        programs, redis_server = find(), shutil.which("redis-server")
        assert programs, "PostgreSQL's initdb is missing"
        assert redis_server, "redis-server is missing"
        self.postgres = Postgres(programs)
        ends.callback(self.postgres.remove)
        self.postgres.create("gateway")
        self.redis_port, self.redis_password = free_port(), secrets.token_hex(16)
        words = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "", "--requirepass", self.redis_password]
        self._start(ends, redis_server, *words)
        upstream = free_port()
        self._start(ends, sys.executable, str(HERE / "upstream.py"), str(upstream))
        self.config = CONFIG.replace("PROVIDER", f"http://127.0.0.1:{upstream}/v1")
        self.cloud, provider = Cloud("aws", "eu-west-1"), Provider()
        ends.callback(self.cloud.start())
        ends.callback(provider.stop)
        self.master = "sk-" + secrets.token_hex(24)
        self.texts = {
            "openai": json.dumps({"api_key": "none"}),
            "master-key": self.master,
            "salt-key": "sk-" + secrets.token_hex(16),
            "database": self.postgres.password,
            "redis": self.redis_password,
        }
        self.cloud.secrets = {f"prod-gateway/{name}": ("v1", text) for name, text in self.texts.items()}
        ports = {"agents": free_port(), "admin": free_port()}
        self.node = Gateway(folder, self.cloud, provider, ports, self.master)
        put_node(self.cloud, folder, self.config, self._settings(ports), os.environ["AIGW_TEST_QUERY_ENGINE"])
        current = folder / "opt/aigw/current"
        two = {**json.loads((current / "settings.json").read_text()), "workers": 2}
        (current / "settings-2.json").write_text(json.dumps(two))
        self.node_key = self.stock_key = ""

    def _start(self, ends: ExitStack, *command: str) -> None:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        ends.callback(process.terminate)

    def _settings(self, ports: dict[str, int]) -> dict[str, Any]:
        database = {
            "host": "127.0.0.1",
            "port": self.postgres.port,
            "name": "gateway",
            "user": "litellm",
            "sslMode": "disable",
        }
        return settings_json(
            store={"kind": "aws-secrets-manager", "endpoint": self.cloud.url},
            database={**database, "secret": "prod-gateway/database"},
            redis={"host": "127.0.0.1", "port": self.redis_port, "tls": False, "secret": "prod-gateway/redis"},
            fleetLimits={"rpm": 10_000_000, "providers": {"openai": {"rpm": 10_000_000}}},
            ports=ports,
        )

    def measure_node(self, into: Measured, options: argparse.Namespace, settings: str = "settings.json") -> None:
        self.node.settings_file = settings
        self.node.seconds.clear()
        self.node.start()
        if not self.node_key:
            limits = {"qpm": 10_000_000, "tpm": 10**12, "daily_tokens": 10**12, "daily_budget_usd": 10_000}
            self.node_key = self._new_key(
                metadata={"aigw_agent": "bench"} | {f"aigw_{name}": of for name, of in limits.items()}
            )
            self.stock_key = self._new_key(rpm_limit=10_000_000, max_budget=10_000)
        into.ready.append(self.node.seconds["boot"])
        into.load(self.node.ports["agents"], self.node_key, options, self.node.processes()[0])
        self.node.stop()

    def _new_key(self, **limits: Any) -> str:
        """With limits that are counted, but never met."""
        status, reply = self.node.ask("POST", "/key/generate", {"models": ["first"], **limits}, self.master, "admin")
        assert status == 200, reply
        return str(reply["key"])

    def measure_stock(
        self,
        into: Measured,
        options: argparse.Namespace,
        folder: Path,
        command: str = "",
        more: Mapping[str, str] | None = None,
    ) -> None:
        config, port = folder / "stock.yaml", free_port()
        config.write_text(self.config)
        database = (
            f"postgresql://litellm:{self.postgres.password}@127.0.0.1:{self.postgres.port}/gateway?connection_limit=10"
        )
        given = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DATABASE_URL": database,
            "LITELLM_MASTER_KEY": self.master,
            "LITELLM_SALT_KEY": self.texts["salt-key"],
            "AIGW_OPENAI_API_KEY": "none",
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(self.redis_port),
            "REDIS_PASSWORD": self.redis_password,
            "PRISMA_QUERY_ENGINE_BINARY": os.environ["AIGW_TEST_QUERY_ENGINE"],
            # In its favour: what needs the internet or Prisma's command line is left out.
            "DISABLE_SCHEMA_UPDATE": "true",
            "LITELLM_PRISMA_COMMAND_TIMEOUT": "1",
            "LITELLM_LOCAL_MODEL_COST_MAP": environment.FIXED["LITELLM_LOCAL_MODEL_COST_MAP"],
            "LITELLM_LOCAL_BLOG_POSTS": "True",
            "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
            **(more or {}),
        }
        words = [command or options.stock, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        started = time.monotonic()
        with (folder / "stock.log").open("ab") as log:
            process = subprocess.Popen(words, env=given, stdout=log, stderr=log, cwd=folder)
        try:
            while not _ready(port):
                assert process.poll() is None, (folder / "stock.log").read_text()[-3000:]
                time.sleep(0.1)
            into.ready.append(time.monotonic() - started)
            into.load(port, self.stock_key, options, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _cpu_seconds(pid: int) -> float:
    """Of a process and those that it started, but for the query engine, which is node here and native on a node."""
    if Path(f"/proc/{pid}/comm").read_text().strip() == "node":
        return 0
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[11:13]
    children = [child for tasks in Path(f"/proc/{pid}/task").glob("*/children") for child in tasks.read_text().split()]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK") + sum(_cpu_seconds(int(child)) for child in children)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/readiness", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(ours) / statistics.median(theirs)


def _contenders(rig: Rig, options: argparse.Namespace, folder: Path) -> dict[str, Callable[[Measured], None]]:
    """Each in its turn, by name."""
    between: dict[str, Callable[[Measured], None]] = {}
    if options.levers:
        # Python looks for bytecode in a folder that has none, and leaves none there.
        no_bytecode = {"PYTHONPYCACHEPREFIX": str(folder / "none"), "PYTHONDONTWRITEBYTECODE": "1"}
        packages = str(folder / "opt/aigw/venv/bin/litellm")
        between = {
            "stock, no bytecode": lambda into: rig.measure_stock(into, options, folder, more=no_bytecode),
            "+ OTel, httptools": lambda into: rig.measure_stock(into, options, folder, packages),
            "+ log level": lambda into: rig.measure_stock(into, options, folder, packages, {"LITELLM_LOG": "ERROR"}),
        }
    return {
        "node": lambda into: rig.measure_node(into, options),
        "stock": lambda into: rig.measure_stock(into, options, folder),
        **between,
        "node, two workers": lambda into: rig.measure_node(into, options, "settings-2.json"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stock", help="the stock LiteLLM's own command")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--levers", action="store_true")
    options = parser.parse_args()
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="aigw-bench-")))
        rig = Rig(ends, folder)
        contenders = _contenders(rig, options, folder)
        measured = {name: Measured() for name in contenders}
        for name in ("node", "stock"):
            contenders[name](Measured())  # makes the tables and fills the disk's cache
        for turn in range(options.rounds):
            for name, measure in contenders.items():
                measure(measured[name])
            said = ", ".join(f"{name} {one.rps[-1]:.1f}" for name, one in measured.items())
            print(f"round {turn + 1}, requests a second: {said}", flush=True)
    node, stock, two = measured["node"], measured["stock"], measured["node, two workers"]
    ratios = {
        "requests a second": _ratio(node.rps, stock.rps),
        "p95": _ratio(node.p95, stock.p95),
        "time to ready": _ratio(node.ready, stock.ready),
        "two workers": _ratio(two.rps, node.rps),
    }
    for name, one in measured.items():
        medians = (statistics.median(values) for values in (one.rps, one.p95, one.cpu, one.ready))
        print(
            "{:18} {:6.1f} requests/s  p95 {:6.0f} ms  CPU {:5.2f} ms a request  ready after {:5.1f} s".format(
                name, *medians
            )
        )
    for name, ratio in ratios.items():
        least, most = PROMISES[name]
        print(f"{name}: {ratio:.2f} (" + (f"at least {least})" if least else f"at most {most})"))
    kept = [(least or 0) <= ratios[name] <= (most or float("inf")) for name, (least, most) in PROMISES.items()]
    return 0 if all(kept) or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
