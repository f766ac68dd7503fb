"""The server with a small app in LiteLLM's place: two ports, systemd, the end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from doubles.postgres import free_port
from support import settings_json

PROGRAM = """
import asyncio, json, sys
from aigw_node import server
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
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for _ in range(4):
        await send({"type": "http.response.body", "body": b"part ", "more_body": True})
        await asyncio.sleep(0.3)
    await send({"type": "http.response.body", "body": b"end"})

async def task():
    await asyncio.sleep(3600)

try:
    server.serve(app, parse(json.loads(sys.argv[1])), "127.0.0.1", lambda: None, task)
except NodeError as error:
    sys.exit(f"aigw: {error}")
"""


class Served:
    def __init__(self, folder: Path, *more: str) -> None:
        self.ports = {"agents": free_port(), "admin": free_port()}
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.channel.bind(str(folder / "notify"))
        self.channel.settimeout(30)
        environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify")}
        command = [sys.executable, "-c", PROGRAM, json.dumps(settings_json(ports=self.ports)), *more]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    def said(self) -> str:
        return self.channel.recv(100).decode()

    def ask(self, port: str, method: str, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[port], timeout=10)
        connection.request(method, path)
        return connection.getresponse()


def test_both_ports_serve_and_a_running_request_ends_whole(tmp_path: Path) -> None:
    served = Served(tmp_path)
    assert served.said() == "READY=1"
    assert served.ask("agents", "POST", "/key/generate").status == 404
    assert served.ask("admin", "POST", "/v1/chat/completions").status == 404
    reply = served.ask("agents", "POST", "/v1/chat/completions")
    admin = served.ask("admin", "POST", "/key/generate")
    served.process.send_signal(signal.SIGTERM)
    assert served.said() == "STOPPING=1"
    with pytest.raises(OSError):
        served.ask("agents", "GET", "/health/liveliness")
    assert reply.read() == admin.read() == b"part part part part end"
    assert "server" not in {name.lower() for name, _ in reply.getheaders()}
    assert served.process.wait(10) == 0


def test_an_app_that_does_not_start_ends_the_node(tmp_path: Path) -> None:
    served = Served(tmp_path, "broken")
    assert served.process.wait(30) != 0


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    first = Served(tmp_path)
    assert first.said() == "READY=1"
    other = tmp_path / "other"
    other.mkdir()
    command = [sys.executable, "-c", PROGRAM, json.dumps(settings_json(ports=first.ports))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    first.process.kill()
    assert done.returncode == 1
    assert f"aigw: port {first.ports['agents']}: Address already in use" in done.stderr
