"""What goes back to a caller: headers of ours, bodies of the provider's, errors in our words, and a sign of life.

One answer, whatever LiteLLM does: a refusal of ours replaces its answer, and one that it does not end is cut off."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any

import orjson

from aigw_node import log
from aigw_node.asgi import Headers, Message, Send
from aigw_node.front.events import Events, data_of, error_event, is_error, with_data
from aigw_node.front.exchange import Exchange, Failure, Rate
from aigw_node.front.failures import failure_answered, failure_in
from aigw_node.front.refusal import Form, Refusal, error_body
from aigw_node.front.response_ids import MARK

SILENCE = 15.0  # seconds until a stream gets a comment
COMMENT = b": keep-alive\n\n"
MOST_ERROR = 64 << 10  # bytes of an error of LiteLLM's that are looked at
PASSED = frozenset({b"content-type", b"content-length", b"cache-control", b"content-disposition"})
STREAM = b"text/event-stream"
MOST_DROPPED = 1000
_NAME = re.compile(r"[^A-Za-z0-9_.\[\]-]")


Rewrite = Callable[[dict[str, Any]], dict[str, Any]]  # changes a good answer, or the data of one of its events


def headers_of(exchange: Exchange) -> dict[str, str]:
    """Those of every answer."""
    names = ", ".join(_NAME.sub("?", name)[:64] for name in exchange.dropped)
    dropped = {"x-aigw-dropped": names[:MOST_DROPPED]} if names else {}
    return {"x-request-id": exchange.call, **dropped, **_rates(exchange.route.form, exchange.rates)}


def _rates(form: Form, rates: tuple[Rate, ...]) -> dict[str, str]:
    """https://platform.openai.com/docs/guides/rate-limits, https://docs.anthropic.com/en/api/rate-limits"""
    told: dict[str, str] = {}
    for rate in rates:
        if form is Form.ANTHROPIC:
            at = (datetime.now(timezone.utc) + timedelta(seconds=rate.reset)).strftime("%Y-%m-%dT%H:%M:%SZ")
            values = {"limit": rate.limit, "remaining": rate.remaining, "reset": at}
            told |= {f"anthropic-ratelimit-{rate.unit}-{name}": str(value) for name, value in values.items()}
        else:
            values = {"limit": rate.limit, "remaining": rate.remaining, "reset": f"{rate.reset}s"}
            told |= {f"x-ratelimit-{name}-{rate.unit}": str(value) for name, value in values.items()}
    return told


async def send_refusal(refusal: Refusal, to: Exchange | Form, call: str, send: Send) -> None:
    form, own = (to.route.form, headers_of(to)) if isinstance(to, Exchange) else (to, {"x-request-id": call})
    await _send_whole(refusal.status, refusal.body(form), {**own, **refusal.all_headers()}, send)


async def _send_whole(status: int, body: bytes, headers: dict[str, str], send: Send) -> None:
    told = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


class Answer:
    """`async with Answer(exchange, send) as answer: await app(scope, receive, answer.send)`"""

    def __init__(self, exchange: Exchange, send: Send, *, rewrite: Rewrite | None = None, silence: float = SILENCE) -> None:
        self._exchange, self._out, self._rewrite, self._silence = exchange, send, rewrite, silence
        self._lock = asyncio.Lock()
        self._started = False  # our headers are out
        self._ended = False
        self._passes = False  # LiteLLM's answer is a good one and goes out
        self._streams = False
        self._status = 0  # LiteLLM's
        self._retry_after: int | None = None
        self._error = bytearray()
        self._events = Events(self._event_told, b'"error"', *([] if rewrite is None else [MARK]))
        self._whole = bytearray()  # a plain answer that is rewritten
        self._last = time.monotonic()
        self._life: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Answer:
        if self._exchange.stream:
            self._life = asyncio.create_task(self._stay_alive())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])  # its cancellation is not ours, which goes on
            if not self._life.cancelled():
                self._life.exception()
        if error is not None and not isinstance(error, Exception):
            return False
        if error is not None:
            log.event("request-failed", call=self._exchange.call, error=type(error).__name__)
        # A plain answer that has begun is cut off: nothing can be said behind it.
        if not self._ended and (not self._started or self._streams):
            await self._fail()
        return True

    async def send(self, message: Message) -> None:
        async with self._lock:
            if message["type"] == "http.response.start":
                await self._start(message["status"], message["headers"])
            elif message["type"] == "http.response.body":
                await self._body(message.get("body", b""), more=message.get("more_body", False))

    async def _start(self, status: int, headers: Headers) -> None:
        # None of ours redirects, and a provider's redirect is an error of its own.
        self._status = status = 502 if 300 <= status < 400 else status
        known = {bytes(name).lower(): bytes(value) for name, value in headers}
        said = known.get(b"retry-after", b"")
        self._retry_after = int(said) if said.isdigit() else None
        self._passes = status < 400 and self._exchange.refusal is None
        if not self._passes or self._started:
            return
        self._streams = known.get(b"content-type", b"").startswith(STREAM)
        changed = self._rewrite is not None or self._streams
        passed = [(name, known[name]) for name in PASSED & set(known) if not (changed and name == b"content-length")]
        await self._open(status, passed)
        if self._streams and self._life is None:
            self._life = asyncio.create_task(self._stay_alive())

    async def _open(self, status: int, headers: Headers) -> None:
        self._started = True
        own = [(name.encode(), value.encode("latin-1")) for name, value in headers_of(self._exchange).items()]
        await self._put({"type": "http.response.start", "status": status, "headers": [*headers, *own]})

    async def _body(self, chunk: bytes, *, more: bool) -> None:
        if self._ended:
            return
        if self._passes:
            await self._pass(chunk, more=more)
            return
        self._error += chunk[: MOST_ERROR - len(self._error)]
        if not more:
            await self._fail()

    async def _pass(self, chunk: bytes, *, more: bool) -> None:
        if self._streams:
            chunk = self._events.feed(chunk) + (b"" if more else self._events.end())
        elif self._rewrite is not None:
            self._whole += chunk
            chunk = b"" if more else _rewritten(bytes(self._whole), self._rewrite)
        self._ended = not more
        if chunk or not more:
            await self._put({"type": "http.response.body", "body": chunk, "more_body": more})

    async def _put(self, message: Message) -> None:
        self._last = time.monotonic()
        await self._out(message)

    def _event_told(self, event: bytes) -> bytes:
        data = data_of(event)
        if data is None:
            return event
        signed = data if self._rewrite is None else self._rewrite(data)
        if is_error(signed):
            inner = signed["response"]["error"] if signed.get("type") == "response.failed" else signed
            return error_event(self._exchange.route, self._exchange.failure or failure_in(inner), signed)
        return event if signed == data else with_data(event, signed)

    async def _fail(self) -> None:
        """The end of a request that has no good answer."""
        exchange, refusal = self._exchange, self._exchange.refusal
        self._ended = True
        own = headers_of(exchange)
        if refusal is not None:
            status, body, more = refusal.status, refusal.body(exchange.route.form), refusal.all_headers()
            failure = Failure(status, refusal.message, refusal.type, refusal.code, refusal.param)
        else:
            answered = failure_answered(self._status if self._status >= 400 else 500, bytes(self._error))
            failure = exchange.failure or answered
            status, body = failure.status, self._told(failure)
            wait = failure.retry_after or self._retry_after or (exchange.advised if status == 429 else None)
            more = {} if wait is None else {"retry-after": str(wait)}
        if self._started:
            event = error_event(exchange.route, failure, {}) + b"\n\n"
            await self._put({"type": "http.response.body", "body": event})
        else:
            self._started = True
            await _send_whole(status, body, {**own, **more}, self._put)

    def _told(self, failure: Failure) -> bytes:
        form = self._exchange.route.form
        code = failure.code or failure.type
        return error_body(form, failure.status, failure.message, type_=failure.type, code=code, param=failure.param)

    async def _stay_alive(self) -> None:
        """A stream that is silent gets a comment, before its first event too: balancers and clients end silent ones."""
        while not self._ended:
            await asyncio.sleep(max(0.0, self._last + self._silence - time.monotonic()))
            async with self._lock:
                if self._ended or time.monotonic() - self._last < self._silence:
                    continue
                if not self._started and self._status == 0:
                    self._streams = True
                    await self._open(200, [(b"content-type", STREAM + b"; charset=utf-8"), (b"cache-control", b"no-cache")])
                if self._streams and self._started:
                    await self._put({"type": "http.response.body", "body": COMMENT, "more_body": True})
                else:
                    self._last = time.monotonic()


def _rewritten(body: bytes, rewrite: Rewrite) -> bytes:
    try:
        value = orjson.loads(body)
    except ValueError:
        return body
    return orjson.dumps(rewrite(value)) if isinstance(value, dict) else body
