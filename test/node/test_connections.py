"""Connections as callers mistreat them: a real uvicorn, with bounds that a test can wait for."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aigw_node.errors import NodeError
from aigw_node.front import connections
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from doubles.postgres import free_port
from support import settings_json

PROGRAM = """
import asyncio, json, sys
from aigw_node import journal, server
from aigw_node.front.connections import Bounds
from aigw_node.settings import parse
journal.begin()

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    path, read = scope["path"], 0
    if path == "/slow":
        await asyncio.sleep(1)
    if path == "/long":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(40):
            await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
        await send({"type": "http.response.body", "body": b"}"})
        return
    if path not in ("/early", "/slow"):
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            read, more = read + len(message.get("body", b"")), message.get("more_body", False)
    if path in ("/long", "/whole"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for size in [65536] * 512 if path == "/long" else [512 * 65536]:
            await send({"type": "http.response.body", "body": bytes(size), "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    body = json.dumps({"read": read, "headers": len(scope["headers"])}).encode()
    status = 401 if path == "/early" else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})

async def task():
    await asyncio.sleep(3600)

settings = parse(json.loads(sys.argv[1]))
bounds = Bounds(head_seconds=0.6, connections=20, linger_seconds=0.6, linger_bytes=8 << 20, unread_seconds=1)
server.serve(app, settings, server.listen(settings, "127.0.0.1"), lambda: None, task, bounds=bounds)
"""
GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


class Served:
    def __init__(self, folder: Path) -> None:
        self.port, self.journal = free_port(), folder / "journal"
        ports = {"agents": self.port, "admin": free_port()}
        with self.journal.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, json.dumps(settings_json(ports=ports))], stderr=file
            )
        deadline = time.monotonic() + 20
        while True:
            try:
                self.open().close()
                return
            except OSError:
                assert time.monotonic() < deadline, self.journal.read_text()
                time.sleep(0.05)

    def open(self, *parts: bytes) -> socket.socket:
        channel = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        for part in parts:
            channel.sendall(part)
        return channel

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.journal.read_text().splitlines()]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("served"))
    yield served
    served.process.terminate()
    assert served.process.wait(20) == 0


@pytest.fixture(autouse=True)
def nothing_is_told(served: Served) -> Iterator[None]:
    before = len(served.events())
    yield
    assert [event for event in served.events()[before:] if event not in {"serving", "connections-full"}] == []


def rest(channel: socket.socket) -> bytes:
    """All that comes until the other side ends."""
    said = b""
    while part := channel.recv(65536):
        said += part
    return said


def status(said: bytes) -> int:
    return int(said.split()[1])


def once(channel: socket.socket) -> bytes:
    said = b""
    while b"}" not in said:
        part = channel.recv(65536)
        assert part, said
        said += part
    return said


@pytest.mark.parametrize("head", [b"G", b"POST /v1/chat", b"GET / HTTP/1.1\r\nhost: a\r\nx: y"])
def test_half_a_head_is_answered_once_its_time_is_over(served: Served, head: bytes) -> None:
    channel, begun = served.open(head), time.monotonic()
    said = rest(channel)
    assert status(said) == 408
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["type"] == "request_timeout"
    assert 0.5 < time.monotonic() - begun < 3


def test_a_head_that_drips_has_the_same_time(served: Served) -> None:
    channel, begun = served.open(b"GET / HTTP/1.1\r\n"), time.monotonic()
    channel.settimeout(0.1)
    said = b""
    while not said:
        assert time.monotonic() - begun < 3
        channel.sendall(b"x: y\r\n")
        with contextlib.suppress(TimeoutError):
            said = channel.recv(1000)
    assert status(said) == 408


def test_line_ends_without_a_request_are_closed(served: Served) -> None:
    assert rest(served.open(b"\r\n\r\n")) == b""


def test_the_time_of_a_head_is_not_that_of_a_body_or_of_an_answer(served: Served) -> None:
    channel = served.open(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab")
    time.sleep(1)
    channel.sendall(b"cd")
    assert b'"read": 4' in once(channel)
    time.sleep(1)  # between requests it is uvicorn's own time that counts
    channel.sendall(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
    assert status(once(channel)) == 200


def test_line_ends_after_a_request_cut_its_answer_not_off(served: Served) -> None:
    channel = served.open(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
    time.sleep(0.1)
    channel.sendall(b"\r\n")
    assert status(once(channel)) == 200
    channel.sendall(GET)
    assert status(once(channel)) == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 70_000,
        b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000,
        b"GET / HTTP/1.1\r\n" + b"a" * 70_000,
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 14_000,
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 14_000 + b"\r\n",
    ],
)
def test_a_long_head_is_refused(served: Served, head: bytes) -> None:
    assert status(rest(served.open(head))) == 431


def test_a_head_below_the_bound_passes_in_one_piece_and_in_many(served: Served) -> None:
    head = b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 60_000 + b"\r\n\r\n"
    channel = served.open(head)
    assert status(once(channel)) == 200
    for start in range(0, len(head), 10_000):
        channel.sendall(head[start : start + 10_000])
    assert status(once(channel)) == 200


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b'{"event": "forged"}\n{"event": "forged"}\n',
        b"GET / HTTP/1.1\r\nhost a\r\n\r\n",
        b"GET \xff\xfe HTTP/1.1\r\n\r\n",
        b"GET /%ff\x00 HTTP/1.1\r\n\r\n",
        b"FORGED / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_request_is_400_without_a_line(served: Served, said: bytes) -> None:
    assert status(rest(served.open(said))) == 400


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c", b"forged\tx"])
def test_no_other_protocol_is_spoken(served: Served, upgrade: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nsec-websocket-key: a\r\nsec-websocket-version: 13\r\n"
    said = rest(served.open(head + b"upgrade: " + upgrade + b"\r\n\r\n", b"\x00" * 100))
    assert status(said) == 200


def test_what_goes_on_behind_the_last_request_takes_no_answer_away(served: Served) -> None:
    channel = served.open(b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
    until = time.monotonic() + 1.3
    while time.monotonic() < until:
        channel.sendall(b"\x00" * 1000)
        time.sleep(0.01)
    assert status(rest(channel)) == 200


@pytest.mark.parametrize(
    "parts",
    [
        [b"content-length: 2\r\n\r\nab"],
        [b"content-length: 2\r\n\r\n", b"a", b"b" + GET],
        [b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n", b"1\r\nb\r\n0\r\n\r\n"],
    ],
)
def test_the_body_of_a_request_for_another_protocol_is_read(served: Served, parts: list[bytes]) -> None:
    channel = served.open(b"POST / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n" + parts[0])
    for part in parts[1:]:
        time.sleep(0.1)
        channel.sendall(part)
    said = rest(channel)
    assert b'"read": 2' in said
    assert said.count(b"HTTP/1.1") == 1


def test_the_body_of_a_request_for_another_protocol_is_bounded_too(served: Served) -> None:
    head = b"POST %s HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\ntransfer-encoding: chunked\r\n\r\n"
    assert status(rest(served.open(head % b"/", b"1;" + b"x" * 600_000))) == 431
    assert status(rest(served.open(head % b"/", b"zz\r\n"))) == 400
    assert status(rest(served.open(head % b"/early"))) == 401


def test_an_early_answer_is_read_whole_and_ends_the_connection(served: Served) -> None:
    head = b"POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 200000000\r\n\r\n"
    channel, begun = served.open(head, b"a" * 3_000_000), time.monotonic()
    said = rest(channel)
    assert status(said) == 401
    assert b"connection: close" in said
    assert said.endswith(b"}")
    assert time.monotonic() - begun < 3


def test_a_caller_that_goes_on_sending_is_cut_off(served: Served) -> None:
    channel = served.open(b"POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 200000000\r\n\r\n")
    assert status(channel.recv(1000)) == 401
    with pytest.raises(OSError):
        for _ in range(190):
            channel.sendall(b"a" * 1_000_000)


def test_a_caller_that_sends_no_more_is_not_waited_for(served: Served) -> None:
    channel = served.open(b"POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 200000000\r\n\r\n")
    assert status(rest(channel)) == 401
    time.sleep(1)
    with pytest.raises(OSError):
        for _ in range(50):
            channel.sendall(b"a")
            time.sleep(0.02)


def test_an_early_answer_to_a_whole_request_keeps_the_connection(served: Served) -> None:
    channel = served.open(b"POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab")
    assert status(once(channel)) == 401
    channel.sendall(GET)
    assert status(once(channel)) == 200


def test_a_caller_that_waits_for_100_is_answered(served: Served) -> None:
    head = b"POST %s HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    assert status(rest(served.open(head % b"/early"))) == 401
    channel = served.open(head % b"/")
    assert status(channel.recv(25)) == 100
    channel.sendall(b"ab")
    assert b'"read": 2' in once(channel)


@pytest.mark.parametrize("more", [b"", b"connection: close\r\n"])
def test_an_answer_that_nobody_reads_is_given_up(served: Served, more: bytes) -> None:
    channel = served.open(b"GET /long HTTP/1.1\r\nhost: a\r\n" + more + b"\r\n")
    time.sleep(2)
    size = 0
    with contextlib.suppress(ConnectionResetError):
        while part := channel.recv(1 << 20):
            size += len(part)
    assert 0 < size < 40 << 20


def test_an_answer_that_is_read_slowly_comes_whole(served: Served) -> None:
    channel, size = served.open(b"GET /long HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), 0
    begun = time.monotonic()
    while part := channel.recv(1 << 20):
        size += len(part)
        time.sleep(0.05)
    assert size > 40 << 20
    assert time.monotonic() - begun > 1.5


def test_requests_do_not_queue_in_a_connection(served: Served) -> None:
    said = rest(served.open(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n" + GET * 1000, GET * 1000))
    assert said.count(b"HTTP/1.1 200") == 1
    assert said.endswith(b"}")


def test_what_follows_a_body_is_no_header_and_has_a_bound(served: Served) -> None:
    head = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"
    assert b'{"read": 2, "headers": 2}' in once(served.open(head + b"x-late: y\r\n\r\n"))
    assert status(rest(served.open(head, b"x-late: " + b"y" * 600_000))) == 431
    assert status(rest(served.open(head[:-3] + b"1;" + b"x" * 600_000))) == 431


def test_a_long_body_in_small_pieces_is_no_long_head(served: Served) -> None:
    channel = served.open(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(2000):
        channel.sendall(b"40\r\n" + b"a" * 64 + b"\r\n")
    channel.sendall(b"0\r\n\r\n")
    assert b'"read": 128000' in once(channel)


@pytest.mark.parametrize("path", [b"/long", b"/whole"])
def test_an_answer_that_nobody_reads_is_cut_off(served: Served, path: bytes) -> None:
    channel, size = served.open(b"GET " + path + b" HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), 0
    time.sleep(2)
    with contextlib.suppress(ConnectionResetError):
        while part := channel.recv(65536):
            size += len(part)
    assert size < 512 * 65536


@pytest.mark.parametrize("path", [b"/long", b"/whole"])
def test_an_answer_that_is_read_slowly_is_whole(served: Served, path: bytes) -> None:
    channel = served.open(b"GET " + path + b" HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    size, begun = 0, time.monotonic()
    while part := channel.recv(1 << 20):
        size += len(part)
        time.sleep(len(part) / (12 << 20))
    assert size > 511 * 65536
    assert time.monotonic() - begun > 2  # twice as long as nothing may be read


def test_a_new_caller_gets_in_however_many_are_held_open(served: Served) -> None:
    running = served.open(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
    held = [served.open(*([b"GET / HTTP"] if index % 2 else [])) for index in range(40)]
    assert status(once(served.open(GET))) == 200
    assert status(once(running)) == 200  # who waits for an answer is not closed
    for channel in held:
        channel.close()
    assert served.events().count("connections-full") == 1


def test_more_running_requests_than_connections_are_closed_at_once(served: Served) -> None:
    time.sleep(0.8)  # those of other tests are gone
    opened = [served.open(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n") for _ in range(25)]
    answers = []
    for channel in opened:
        try:
            answers.append(channel.recv(1000))
        except ConnectionResetError:
            answers.append(b"")
        channel.close()
    assert len([answer for answer in answers if answer]) == 20
    assert answers[-1] == b""


def test_another_uvicorn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    connections.check_uvicorn()
    monkeypatch.delattr(HttpToolsProtocol, "_start_asgi_task")
    with pytest.raises(NodeError, match=re.escape("requirements.lock: _start_asgi_task")):
        connections.check_uvicorn()


def test_the_bounds_of_a_node() -> None:
    bounds = connections.Bounds()
    assert (bounds.head_seconds, bounds.head_bytes, bounds.connections) == (30, 65536, 4096)
