"""The server with a small app in LiteLLM's place: two ports, systemd, the end."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aigw_node import workers

from doubles.postgres import free_port
from support import settings, settings_json

PROGRAM = """
import asyncio, json, os, sys
from aigw_node import server, workers
from aigw_node.errors import NodeError
from aigw_node.settings import parse

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        if "broken" in sys.argv:
            await send({"type": "lifespan.startup.failed", "message": "broken"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    told = [(b"content-type", b"text/plain"), (b"pid", str(os.getpid()).encode()), (b"first", str(worker.is_first).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": told})
    if scope["path"].startswith("/health"):
        await send({"type": "http.response.body", "body": b"ok"})
        return
    for _ in range(4):
        await send({"type": "http.response.body", "body": b"part ", "more_body": True})
        await asyncio.sleep(0.3)
    await send({"type": "http.response.body", "body": b"end"})

async def task():
    if "failing" in sys.argv:
        await asyncio.sleep(1)
        raise KeyError("what a caller sent")
    if "stubborn" in sys.argv:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
    await asyncio.sleep(3600)

try:
    settings = parse(json.loads(sys.argv[1]))
    sockets = server.listen(settings, "127.0.0.1")
    if worker := workers.start(workers.count(settings), sockets):
        if "broken-late" in sys.argv and not worker.is_first:
            sys.exit(1)
        server.serve(app, settings, sockets, worker.ready, task)
except NodeError as error:
    sys.exit(f"aigw: {error}")
"""


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """Whatever a test does: a node whose workers fail would start new ones for ever."""
    yield
    for process in Served.started:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    Served.started.clear()


class Served:
    started: ClassVar[list[subprocess.Popen[str]]] = []

    def __init__(self, folder: Path, *more: str, **settings: Any) -> None:
        self.ports = {"agents": free_port(), "admin": free_port()}
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.channel.bind(str(folder / "notify"))
        self.channel.settimeout(120)
        environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify")}
        command = [sys.executable, "-c", PROGRAM, json.dumps(settings_json(ports=self.ports, **settings)), *more]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        self.started.append(self.process)

    def said(self) -> str:
        return self.channel.recv(100).decode()

    def ask(self, port: str, method: str, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[port], timeout=60)
        connection.request(method, path)
        return connection.getresponse()

    def wait_until_shut(self) -> None:
        """The ports close right after systemd is told."""
        deadline = time.monotonic() + 1
        while True:
            try:
                self.ask("agents", "GET", "/health/liveliness")
            except OSError:
                return
            assert time.monotonic() < deadline


def test_both_ports_serve_and_a_running_request_ends_whole(tmp_path: Path) -> None:
    served = Served(tmp_path)
    assert served.said() == "READY=1"
    reply = served.ask("agents", "POST", "/v1/chat/completions")
    admin = served.ask("admin", "POST", "/key/generate")
    served.process.send_signal(signal.SIGTERM)
    assert served.said() == "STOPPING=1"
    served.wait_until_shut()
    assert reply.read() == admin.read() == b"part part part part end"
    assert "server" not in {name.lower() for name, _ in reply.getheaders()}
    assert served.process.wait(60) == 0


def test_a_task_that_fails_ends_the_node_in_order(tmp_path: Path) -> None:
    served = Served(tmp_path, "failing")
    assert served.said() == "READY=1"
    time.sleep(0.5)
    reply = served.ask("agents", "POST", "/v1/chat/completions")
    assert served.said() == "STOPPING=1"
    assert reply.read() == b"part part part part end"
    assert served.process.wait(10) == 1
    assert served.process.stderr
    lines = served.process.stderr.read().splitlines()
    (failed,) = [json.loads(line) for line in lines if '"task-failed"' in line]
    assert (failed["error"], failed["at"].endswith(" task")) == ("KeyError", True)
    assert lines[-1].startswith("aigw: a task of the node failed")
    assert "what a caller sent" not in "".join(lines)


def test_a_worker_whose_task_fails_is_replaced(tmp_path: Path) -> None:
    served = Served(tmp_path, "failing", **TWO)
    assert served.said() == "READY=1"
    before = pids(served, 2)
    deadline = time.monotonic() + 20
    while True:
        # A worker that ends closes the connections that have asked nothing yet: a balancer asks again.
        with contextlib.suppress(OSError):
            if not pids(served, 1) <= before:
                break
        assert time.monotonic() < deadline
    served.process.terminate()
    assert served.process.wait(20) == 0


def test_who_has_just_come_in_is_answered_before_a_stop(tmp_path: Path) -> None:
    served = Served(tmp_path)
    assert served.said() == "READY=1"
    running = served.ask("agents", "POST", "/v1/chat/completions")
    newcomers = [socket.create_connection(("127.0.0.1", served.ports["agents"])) for _ in range(4)]
    newcomers[0].sendall(b"GET /heal")
    time.sleep(0.2)
    served.process.send_signal(signal.SIGTERM)
    assert served.said() == "STOPPING=1"
    served.wait_until_shut()
    newcomers[0].sendall(b"th/liveliness HTTP/1.1\r\nhost: a\r\n\r\n")
    newcomers[1].sendall(b"GET /health/liveliness HTTP/1.1\r\nhost: a\r\n\r\n")
    for newcomer in newcomers[:2]:
        newcomer.settimeout(5)
        said = newcomer.makefile("rb").read()
        assert b"HTTP/1.1 200" in said
        assert b"connection: close" in said
    assert running.read() == b"part part part part end"
    assert served.process.wait(10) == 0  # and for those that ask for nothing it does not wait


def test_a_task_that_does_not_end_holds_no_stop_up(tmp_path: Path) -> None:
    served = Served(tmp_path, "stubborn")
    assert served.said() == "READY=1"
    reply = served.ask("agents", "POST", "/v1/chat/completions")
    served.process.terminate()
    try:
        served.wait_until_shut()
        assert reply.read() == b"part part part part end"
    finally:
        served.process.kill()


def test_an_app_that_does_not_start_ends_the_node(tmp_path: Path) -> None:
    served = Served(tmp_path, "broken")
    assert served.process.wait(120) != 0


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    first = Served(tmp_path)
    assert first.said() == "READY=1"
    other = tmp_path / "other"
    other.mkdir()
    command = [sys.executable, "-c", PROGRAM, json.dumps(settings_json(ports=first.ports))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    first.process.kill()
    assert done.returncode == 1
    assert f"aigw: port {first.ports['agents']}: Address already in use" in done.stderr


TWO = {"workers": 2, "redis": {"host": "redis.internal"}}


def pids(served: Served, wanted: int) -> set[int]:
    """The processes that answer, once there are as many as wanted."""
    found: set[int] = set()
    deadline = time.monotonic() + 60
    while len(found) < wanted:
        assert time.monotonic() < deadline, found
        replies = [served.ask("agents", "GET", "/health/liveliness") for _ in range(8)]
        found |= {int(reply.getheader("pid") or 0) for reply in replies}
    return found


def the_first(served: Served) -> int:
    """The process that is the node's first worker: there is always one, for what one of them does."""
    deadline = time.monotonic() + 60
    while (reply := served.ask("agents", "GET", "/health/liveliness")).getheader("first") != "True":
        assert time.monotonic() < deadline
    return int(reply.getheader("pid") or 0)


def alive(pid: int) -> bool:
    """A process that nobody has buried yet is dead all the same."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return ") Z " not in stat.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_two_workers_serve_one_port_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    served = Served(tmp_path, **TWO)
    assert served.said() == "READY=1"
    both, first = pids(served, 2), the_first(served)
    (second,) = both - {first}
    assert served.process.pid not in both
    os.kill(first, signal.SIGKILL)
    for _ in range(20):
        assert served.ask("agents", "GET", "/health/liveliness").status == 200
    deadline = time.monotonic() + 60
    while len(now := pids(served, 2) - {first}) < 2:
        assert time.monotonic() < deadline
    assert second in now
    assert the_first(served) in now - {second}
    served.process.terminate()
    assert served.said() == "STOPPING=1"
    assert served.process.wait(60) == 0


def test_a_stop_lets_the_requests_of_both_workers_end_whole(tmp_path: Path) -> None:
    served = Served(tmp_path, **TWO)
    assert served.said() == "READY=1"
    both = pids(served, 2)
    replies = [served.ask("agents", "POST", "/v1/chat/completions") for _ in range(8)]
    served.process.send_signal(signal.SIGTERM)
    assert served.said() == "STOPPING=1"
    served.wait_until_shut()
    assert [reply.read() for reply in replies] == [b"part part part part end"] * 8
    assert served.process.wait(60) == 0
    assert not any(alive(pid) for pid in both)


def test_a_worker_that_can_not_start_ends_the_node(tmp_path: Path) -> None:
    served = Served(tmp_path, "broken-late", **TWO)
    assert served.process.wait(120) == 1
    assert served.process.stderr
    assert "aigw: a worker ended before it served" in served.process.stderr.read()


def test_workers_do_not_outlive_the_one_that_looks_after_them(tmp_path: Path) -> None:
    served = Served(tmp_path, **TWO)
    assert served.said() == "READY=1"
    both = pids(served, 2)
    served.process.kill()
    deadline = time.monotonic() + 60
    while any(alive(pid) for pid in both):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 4 * workers.GIB // 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    redis = {"redis": {"host": "redis.internal"}}
    assert workers.count(settings(**redis, workers=None)) == 2  # by memory
    assert workers.count(settings(**redis, workers=5)) == 5
    assert workers.count(settings(workers=5)) == 1  # nobody counts over them
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert workers.count(settings(**redis, workers=None)) == 1
