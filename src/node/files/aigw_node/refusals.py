"""A refusal of our own: the same status, headers and words on every route, in the form that the route's clients know.

LiteLLM renders an exception in a form of each route's own, and leaves Retry-After out on some."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NoReturn

from aigw_node.routes import App, Message, Receive, Scope, Send

ANTHROPIC = "/v1/messages"
ANTHROPICS_WORDS = {429: "rate_limit_error", 503: "overloaded_error"}


@dataclass(frozen=True)
class Refusal:
    status: int
    message: str
    type: str
    retry_after: int  # seconds
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, path: str) -> bytes:
        if path.startswith(ANTHROPIC):
            return json.dumps(
                {"type": "error", "error": {"type": ANTHROPICS_WORDS[self.status], "message": self.message}}
            ).encode()
        code = self.type
        return json.dumps({"error": {"message": self.message, "type": self.type, "param": None, "code": code}}).encode()


@dataclass
class _Told:
    refusal: Refusal | None = None
    retry_after: int | None = None


# What we told of a request. The object is put there by the middleware, so that it is the same one in the hooks.
_TOLD: ContextVar[_Told | None] = ContextVar("told", default=None)


def refuse(refusal: Refusal) -> NoReturn:
    from fastapi import HTTPException

    told = _TOLD.get()
    if told is not None:
        told.refusal = refusal
    headers = {"Retry-After": str(refusal.retry_after), **refusal.headers}
    raise HTTPException(refusal.status, detail={"error": refusal.message, "type": refusal.type}, headers=headers)


def advise(retry_after: int) -> None:
    """If the request ends with 429, its answer gets this Retry-After, unless it has one. A fallback may yet serve it."""
    told = _TOLD.get()
    if told is not None:
        told.retry_after = retry_after


class Refusals:
    """ASGI middleware: a request that was refused by us is answered in our words."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = _Told()
        answered = False

        async def answer(message: Message) -> None:
            nonlocal answered
            if told.refusal is None:
                await send(_advised(message, told.retry_after))
            elif not answered:
                answered = True
                await _send(told.refusal, scope["path"], send)

        token = _TOLD.set(told)
        try:
            await self._app(scope, receive, answer)
        finally:
            _TOLD.reset(token)


def _advised(message: Message, retry_after: int | None) -> Message:
    if retry_after is None or message.get("status") != 429:
        return message
    headers = list(message["headers"])
    if any(name.lower() == b"retry-after" for name, _ in headers):
        return message
    return {**message, "headers": [*headers, (b"retry-after", str(retry_after).encode())]}


async def _send(refusal: Refusal, path: str, send: Send) -> None:
    body = refusal.body(path)
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "retry-after": str(refusal.retry_after),
        **refusal.headers,
    }
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
