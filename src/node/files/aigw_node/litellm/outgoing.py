"""What LiteLLM reads of one provider's answer is bounded, and no provider sends it elsewhere.

Patched are `httpx.AsyncClient.send` and `httpx.Client.send`: LiteLLM's own clients, its aiohttp transport and the clients of
the openai SDK all ask through them. Of their answers, `aiter_bytes` and `iter_bytes` count what is read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import httpx

MOST_HEADERS = 200
MOST_HEADER_BYTES = 64 << 10
MOST_PLAIN = 64 << 20  # bytes of an answer
MOST_EVENT = 32 << 20  # bytes of one event of a stream
HEAD_SECONDS = 600.0  # until an answer begins, if the request has no timeout
STREAM_SECONDS = 3600.0  # until a stream has ended
EVENTS = "text/event-stream"
_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")


class AnswerTooLarge(httpx.DecodingError):
    """Not one of the errors after which LiteLLM asks once more."""


class Meter:
    """Counts one answer. Raises if it is more, or lasts longer, than it may."""

    def __init__(self, request: httpx.Request, *, events: bool, end: float) -> None:
        self._request, self._events, self._end = request, events, end
        self._read = 0  # bytes of the answer, or of the event
        self._tail = b""  # an event's end may be split

    def count(self, chunk: bytes) -> None:
        if time.monotonic() > self._end:
            raise httpx.ReadTimeout("the provider's answer took too long", request=self._request)
        self._read = self._read + len(chunk) if not self._events else self._of_event(chunk)
        if self._read > (MOST_EVENT if self._events else MOST_PLAIN):
            raise AnswerTooLarge("the provider's answer is too large", request=self._request)

    def _of_event(self, chunk: bytes) -> int:
        window = self._tail + chunk
        self._tail = window[-3:]
        ends = [found + len(mark) for mark in _ENDS if (found := window.rfind(mark)) >= 0]
        return len(window) - max(ends) if ends else self._read + len(chunk)


def install() -> None:
    """Once a process, before LiteLLM makes its clients."""
    if httpx.AsyncClient.send.__module__ == __name__:
        return
    send_async, send_sync = httpx.AsyncClient.send, httpx.Client.send

    async def bounded(
        self: httpx.AsyncClient,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: Any = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: Any = False,  # whatever is asked
    ) -> httpx.Response:
        seconds = _seconds(request)
        end = time.monotonic() + (STREAM_SECONDS if stream else seconds)
        try:
            with anyio.fail_after(seconds):
                response = await send_async(self, request, stream=True, auth=auth, follow_redirects=False)
        except TimeoutError:
            raise httpx.ReadTimeout("the provider did not answer in time", request=request) from None
        try:
            _check_headers(response)
            _meter_async(response, Meter(request, events=_is_events(response), end=end))
            if not stream:
                await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response

    def bounded_sync(
        self: httpx.Client,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: Any = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: Any = False,  # whatever is asked
    ) -> httpx.Response:
        end = time.monotonic() + (STREAM_SECONDS if stream else _seconds(request))
        response = send_sync(self, request, stream=True, auth=auth, follow_redirects=False)
        try:
            _check_headers(response)
            _meter_sync(response, Meter(request, events=_is_events(response), end=end))
            if not stream:
                response.read()
        except BaseException:
            response.close()
            raise
        return response

    httpx.AsyncClient.send = bounded  # type: ignore[method-assign]
    httpx.Client.send = bounded_sync  # type: ignore[method-assign]


def _seconds(request: httpx.Request) -> float:
    """The request's own timeout: httpx knows it between two reads only, and a byte now and then keeps it from ending."""
    said = request.extensions.get("timeout") or {}
    read = said.get("read")
    return HEAD_SECONDS if read is None else float(read) + float(said.get("connect") or 0) + float(said.get("pool") or 0)


def _is_events(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).startswith(EVENTS)


def _check_headers(response: httpx.Response) -> None:
    raw = response.headers.raw
    if len(raw) > MOST_HEADERS or sum(len(name) + len(value) for name, value in raw) > MOST_HEADER_BYTES:
        raise AnswerTooLarge("the provider's answer has too many headers", request=response.request)


def _meter_async(response: httpx.Response, meter: Meter) -> None:
    read = response.aiter_bytes

    async def metered(chunk_size: int | None = None) -> AsyncIterator[bytes]:
        try:
            async for chunk in read(chunk_size):
                meter.count(chunk)
                yield chunk
        finally:
            response.__dict__.pop("aiter_bytes", None)  # no circle: the answer goes as soon as nobody has it

    response.aiter_bytes = metered  # type: ignore[method-assign]


def _meter_sync(response: httpx.Response, meter: Meter) -> None:
    read = response.iter_bytes

    def metered(chunk_size: int | None = None) -> Iterator[bytes]:
        try:
            for chunk in read(chunk_size):
                meter.count(chunk)
                yield chunk
        finally:
            response.__dict__.pop("iter_bytes", None)

    response.iter_bytes = metered  # type: ignore[method-assign]
