"""Connections: heads that are bounded in bytes and time, a bounded number of callers, and ends that cut no answer off.

uvicorn's own protocol bounds none of it, and writes a log line for each malformed request."""

from __future__ import annotations

import asyncio
import inspect
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from aigw_node import log
from aigw_node.asgi import App, Message, Receive, Scope, Send
from aigw_node.errors import NodeError

SAID = {
    400: "this is no HTTP/1.1 request that the gateway reads",
    408: "the head of the request did not arrive in time",
    431: "the head of the request is too long",
}
FULL_TOLD_EVERY = 60.0


@dataclass(frozen=True)
class Bounds:
    head_seconds: float = 30.0  # from the first byte of a head to its last
    head_bytes: int = 64 << 10
    connections: int = 4096  # of one worker; some 7 kB each while nothing is asked
    # After an early answer: how long, and how much, a caller may go on sending what is thrown away. Without it the
    # answer would be lost, since a connection that is closed with something unread is reset.
    linger_seconds: float = 5.0
    linger_bytes: int = 64 << 20
    # Of an answer that waits for its caller: how much of it must be taken in what time. No other bound ends such a request.
    unread_seconds: float = 120.0
    unread_bytes: int = 1 << 20
    # When the server stops: a caller that has just come in is about to ask, and is answered yet.
    newcomer_seconds: float = 1.0


class _HeadTooLong(Exception):
    pass


class _Pipelined(Exception):
    pass


class Waiting:
    """The connections that have no request running, the longest waiting first."""

    def __init__(self) -> None:
        self._connections: dict[Connection, None] = {}
        self._told = float("-inf")

    def add(self, connection: Connection) -> None:
        self._connections[connection] = None

    def remove(self, connection: Connection) -> None:
        self._connections.pop(connection, None)

    def make_room(self, newcomer: Connection) -> None:
        """Closes the one that waits longest: a health check or an agent gets in, whoever holds the others open."""
        longest = next(iter(self._connections), newcomer)
        self.remove(longest)
        longest.transport.close()
        if time.monotonic() >= self._told + FULL_TOLD_EVERY:
            self._told = time.monotonic()
            log.event("connections-full", most=newcomer.bounds.connections)


class _Transport:
    """What a request's cycle writes to. Its end is the connection's to make."""

    def __init__(self, connection: Connection) -> None:
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing
        self.close = connection.end


class Connection(HttpToolsProtocol):
    bounds: ClassVar[Bounds] = Bounds()
    waiting: ClassVar[Waiting] = Waiting()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._in_head, self._whole = False, True  # whole: no message is half read
        self._head = self._seen = self._begun = self._beside_body = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._deaf, self._thrown_away = False, 0
        self._is_last = False  # the next request is

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # as uvicorn has it
        if len(self.connections) > self.bounds.connections:
            self.waiting.make_room(self)
        if not self.transport.is_closing():
            self.waiting.add(self)
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self.waiting.remove(self)
        self._stop_clock()
        self._read_on()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._give_up_later()

    def resume_writing(self) -> None:
        if not self.transport.is_closing():
            self._read_on()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._give_up_later()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._throw_away(data)
            return
        self._unset_keepalive_if_required()
        was_in_head, was_whole, begun = self._in_head, self._whole, self._begun
        if was_whole and not self._running():  # line ends after a request, as some callers send them, are no head
            self._start_clock(self.bounds.head_seconds, self._late)
        if not was_in_head and not was_whole:
            self._beside_body += len(data)  # on_body takes it back
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._serve_without_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, _Pipelined):
                self.hear_no_more()
            else:
                self._refuse(431 if isinstance(cause, _HeadTooLong) else 400)
            return
        if self._in_head and (was_in_head or (was_whole and self._begun == begun + 1)):
            self._head += len(data)
        if max(self._head, self._beside_body) > self.bounds.head_bytes:
            self._refuse(431)

    def on_message_begin(self) -> None:
        if self._running():
            # Nobody does it, and requests that queue in a connection would have no bound.
            raise _Pipelined
        super().on_message_begin()
        self._in_head, self._whole = True, False
        self._begun += 1
        self._head = self._beside_body = self._seen = 0

    def on_url(self, url: bytes) -> None:
        self._see(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # what comes after a body is no header of its request
            self._see(len(name) + len(value) + 4)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._head = False, 0
        self._stop_clock()
        self.waiting.remove(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._beside_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._whole, self._beside_body = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._deaf and not self.transport.is_closing():
            self.waiting.add(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: App) -> None:  # type: ignore[override]
        cycle.transport = _Transport(self)  # type: ignore[assignment]
        cycle.keep_alive = cycle.keep_alive and not self._is_last

        async def told_of_its_end(scope: Scope, receive: Receive, send: Send) -> None:
            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start" and cycle.more_body:
                    cycle.keep_alive = False  # the rest of the body is not read to get at a next request
                await send(message)

            await app(scope, receive, answer)

        super()._start_asgi_task(cycle, told_of_its_end)  # type: ignore[arg-type]

    def shutdown(self) -> None:
        """uvicorn would close a connection that it has accepted and not yet read: a request that is on its way is lost."""
        if self.cycle is None and not self._is_last and not self._deaf:
            self._is_last = True
            self.loop.call_later(self.bounds.newcomer_seconds, self.shutdown)
        else:
            super().shutdown()

    def end(self) -> None:
        """Closes, and while the caller may still be sending only once it had time to read its answer."""
        if (self._whole and not self._deaf) or self.transport.is_closing():
            self.transport.close()
            self._give_up_later()
            return
        self._deaf = True
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._stop_clock()
        self._start_clock(self.bounds.linger_seconds, self.transport.abort)

    def _running(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _see(self, size: int) -> None:
        self._seen += size
        if self._seen > self.bounds.head_bytes:
            raise _HeadTooLong

    def _late(self) -> None:
        if self._whole:  # nothing but line ends
            self.transport.close()
        else:
            self._refuse(408)

    def _serve_without_upgrade(self, rest: bytes) -> None:
        """No other protocol is spoken here: the request, the connection's last one, is served as it is. Its body, which
        Java's client sends with it, httptools leaves to the protocol that it was asked for."""
        lengths = [(name, value) for name, value in self.headers if name in {b"content-length", b"transfer-encoding"}]
        if not lengths or not self._running():
            self.hear_no_more()
            return
        self.cycle.keep_alive = False
        self.cycle.more_body, self._whole = True, False
        self.cycle.message_event.clear()
        self.parser = httptools.HttpRequestParser(_OnlyBody(self))
        head = b"".join(b"%s: %s\r\n" % header for header in lengths)
        self.data_received(b"POST / HTTP/1.1\r\n" + head + b"\r\n" + rest)

    def hear_no_more(self) -> None:
        """The request that runs is the last one."""
        self._deaf = True
        self._stop_clock()
        if self._running():
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        """Answers in the place of the app, which is told that its caller left."""
        self._deaf, self._whole = True, False
        running = self._running()
        if running and self.cycle.response_started:
            self.cycle.keep_alive = False
            return
        if running:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        kind = "request_timeout" if status == 408 else "invalid_request_error"
        body = orjson.dumps({"error": {"message": SAID[status], "type": kind, "param": None, "code": None}})
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.end()

    def _throw_away(self, data: bytes) -> None:
        self._thrown_away += len(data)
        if self._thrown_away > self.bounds.linger_bytes:
            self.transport.close()

    def _give_up_later(self) -> None:
        """An orderly close waits until all is sent: for good, if nobody reads."""
        if self._unread is None:
            left = self.transport.get_write_buffer_size()
            self._unread = self.loop.call_later(self.bounds.unread_seconds, self._look_unread, left)

    def _look_unread(self, before: int) -> None:
        """`before`: bytes that waited when this was last asked."""
        self._unread = None
        if before - self.transport.get_write_buffer_size() < self.bounds.unread_bytes:
            self.transport.abort()  # to close would wait until the rest is taken
        else:
            self._give_up_later()

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _start_clock(self, seconds: float, then: Any) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(seconds, then)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _OnlyBody:
    """What a parser tells a connection that has the head already."""

    def __init__(self, connection: Connection) -> None:
        self.on_body, self._connection = connection.on_body, connection

    def on_message_complete(self) -> None:
        self._connection.on_message_complete()
        self._connection.hear_no_more()


def bounded(bounds: Bounds) -> type[Connection]:
    """The protocol of one server."""
    return type("BoundedConnection", (Connection,), {"bounds": bounds, "waiting": Waiting()})


CALLED = {
    "on_message_begin": ["self"],
    "on_url": ["self", "url"],
    "on_header": ["self", "name", "value"],
    "on_headers_complete": ["self"],
    "on_body": ["self", "body"],
    "on_message_complete": ["self"],
    "on_response_complete": ["self"],
    "connection_made": ["self", "transport"],
    "connection_lost": ["self", "exc"],
    "data_received": ["self", "data"],
    "timeout_keep_alive_handler": ["self"],
    "shutdown": ["self"],
    "pause_writing": ["self"],
    "resume_writing": ["self"],
    "_start_asgi_task": ["self", "cycle", "app"],
    "_unset_keepalive_if_required": ["self"],
}
HELD: tuple[tuple[Any, frozenset[str]], ...] = (
    (
        HttpToolsProtocol,
        frozenset({"parser", "connections", "transport", "flow", "cycle", "loop", "timeout_keep_alive_task"}),
    ),
    (
        RequestResponseCycle,
        frozenset({"transport", "disconnected", "keep_alive", "more_body", "message_event"})
        | frozenset({"response_started", "response_complete"}),
    ),
)


def check_uvicorn() -> None:
    """Raises NodeError if uvicorn is not the one that this file was written against."""
    lacking = [
        name
        for name, parameters in CALLED.items()
        if not callable(method := getattr(HttpToolsProtocol, name, None))
        or list(inspect.signature(method).parameters) != parameters
    ]
    for kind, names in HELD:
        lacking += sorted(names - set(kind.__init__.__code__.co_names))
    if lacking:
        raise NodeError(f"uvicorn is another release than that of requirements.lock: {', '.join(lacking)}")
