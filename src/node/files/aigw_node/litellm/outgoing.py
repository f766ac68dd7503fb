"""Bounds for what providers answer: no redirect is followed, and no answer takes more memory or time than it may.

Patches `httpx.AsyncClient.send` and `httpx.Client.send`, both documented: each call of LiteLLM and of OpenAI's SDK goes
through one of them, on httpx's own transport and on LiteLLM's of aiohttp. Who would not have followed a redirect gets it,
to look at it. aiohttp and h11 bound the size of a head before it is here."""

from __future__ import annotations

import functools
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx

MOST_ANSWER = 64 << 20  # bytes, decoded; of a stream as a whole, too: LiteLLM keeps its parts to the end
MOST_ERROR = 1 << 20
MOST_LINE = 4 << 20  # of a stream; the last event of a long response has all of it in one line
MOST_HEADERS = 100
MOST_HEAD = 64 << 10
STEP = 64 << 10  # bytes that are decoded at a time
# Without lines: sound, pictures, Bedrock's own framing (which bounds its frames).
BINARY = ("audio/", "image/", "video/", "application/octet-stream", "application/vnd.amazon.eventstream")
GZIP = 16 + zlib.MAX_WBITS


class AnswerRefused(httpx.ReadError):
    """The provider's answer is not taken. Its text is for the caller. LiteLLM asks no second time after a ReadError."""


def install() -> None:
    """May be called again."""
    if not hasattr(httpx.AsyncClient.send, "__wrapped__"):
        setattr(httpx.AsyncClient, "send", _bounded_async(httpx.AsyncClient.send))  # noqa: B010
    if not hasattr(httpx.Client.send, "__wrapped__"):
        setattr(httpx.Client, "send", _bounded_sync(httpx.Client.send))  # noqa: B010


def _bounded_async(send: Callable[..., Awaitable[httpx.Response]]) -> Callable[..., Awaitable[httpx.Response]]:
    @functools.wraps(send)
    async def bounded(client: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        streams, sees_redirects = options.pop("stream", False), _sees_redirects(client, options)
        deadline = _prepare(request, client.timeout, streams=streams)
        response = await send(client, request, stream=True, follow_redirects=False, **options)
        try:
            _judge_head(response, sees_redirects=sees_redirects)
            if not response.is_stream_consumed:
                response.stream = _AsyncBody(response.stream, _Gauge(response, streams=streams, deadline=deadline))
            if not streams:
                await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response

    return bounded


def _bounded_sync(send: Callable[..., httpx.Response]) -> Callable[..., httpx.Response]:
    @functools.wraps(send)
    def bounded(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        streams, sees_redirects = options.pop("stream", False), _sees_redirects(client, options)
        deadline = _prepare(request, client.timeout, streams=streams)
        response = send(client, request, stream=True, follow_redirects=False, **options)
        try:
            _judge_head(response, sees_redirects=sees_redirects)
            if not response.is_stream_consumed:
                response.stream = _SyncBody(response.stream, _Gauge(response, streams=streams, deadline=deadline))
            if not streams:
                response.read()
        except BaseException:
            response.close()
            raise
        return response

    return bounded


def _sees_redirects(client: httpx.AsyncClient | httpx.Client, options: dict[str, Any]) -> bool:
    """Is it the caller that would look at one?"""
    follows = options.pop("follow_redirects", httpx.USE_CLIENT_DEFAULT)
    return not (client.follow_redirects if follows is httpx.USE_CLIENT_DEFAULT else follows)


def _prepare(request: httpx.Request, timeout: httpx.Timeout, *, streams: bool) -> float | None:
    """Asks for no encoding that has no bound. Returns when a plain answer must be there: it has the time of one read."""
    if request.headers.get("accept-encoding") != "identity":
        request.headers["accept-encoding"] = "gzip"
    seconds = (request.extensions.get("timeout") or timeout.as_dict()).get("read")
    return None if streams or seconds is None else time.monotonic() + seconds


def _judge_head(response: httpx.Response, *, sees_redirects: bool) -> None:
    raw = response.headers.raw
    if len(raw) > MOST_HEADERS or sum(len(name) + len(value) for name, value in raw) > MOST_HEAD:
        raise AnswerRefused("the provider's answer has too many headers", request=response.request)
    if response.is_redirect and not sees_redirects:
        raise AnswerRefused("the provider answered with a redirect, which is not followed", request=response.request)
    said = response.headers.get("content-length", "")
    if said.isdigit() and int(said) > _most(response):
        raise _too_long(response)


def _most(response: httpx.Response) -> int:
    return MOST_ERROR if response.is_error else MOST_ANSWER


def _too_long(response: httpx.Response) -> AnswerRefused:
    return AnswerRefused("the provider's answer is too long", request=response.request)


class _Gauge:
    """Decodes and counts one body."""

    def __init__(self, response: httpx.Response, *, streams: bool, deadline: float | None) -> None:
        self._response, self._deadline = response, deadline
        self._left = _most(response)
        type_ = response.headers.get("content-type", "").lower()
        self._line = 0 if streams and not type_.startswith(BINARY) else None  # bytes of the one that is not whole yet
        self._decoder = _decoder(response)

    def pass_(self, chunk: bytes) -> Iterator[bytes]:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise httpx.ReadTimeout("the provider's answer takes too long", request=self._response.request)
        for part in self._decoded(chunk):
            self._left -= len(part)
            if self._left < 0 or self._line_of(part) > MOST_LINE:
                raise _too_long(self._response)
            yield part

    def _decoded(self, chunk: bytes) -> Iterator[bytes]:
        if self._decoder is None:
            yield chunk
            return
        part = b""
        while chunk or len(part) == STEP:
            try:
                part = self._decoder.decompress(chunk, STEP)
            except zlib.error:
                raise AnswerRefused("the provider's answer could not be read", request=self._response.request) from None
            chunk = self._decoder.unconsumed_tail
            if part:
                yield part

    def _line_of(self, part: bytes) -> int:
        """The longest line so far that may still grow."""
        if self._line is None:
            return 0
        first, last = part.find(b"\n"), part.rfind(b"\n")
        if first < 0:
            self._line += len(part)
            return self._line
        whole, self._line = self._line + first, len(part) - last - 1
        return max(whole, self._line)


def _decoder(response: httpx.Response) -> Any:
    """httpx's own decoders put no bound on what they make of a few bytes. From here on the body is plain to httpx."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding not in ("gzip", "x-gzip"):
        raise AnswerRefused("the provider's answer has an encoding that was not asked for", request=response.request)
    for name in ("content-encoding", "content-length"):
        response.headers.pop(name, None)
    return zlib.decompressobj(GZIP)


class _AsyncBody(httpx.AsyncByteStream):
    def __init__(self, inner: Any, gauge: _Gauge) -> None:
        self._inner, self._gauge = inner, gauge

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            for part in self._gauge.pass_(chunk):
                yield part

    async def aclose(self) -> None:
        await self._inner.aclose()


class _SyncBody(httpx.SyncByteStream):
    def __init__(self, inner: Any, gauge: _Gauge) -> None:
        self._inner, self._gauge = inner, gauge

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            yield from self._gauge.pass_(chunk)

    def close(self) -> None:
        self._inner.close()
