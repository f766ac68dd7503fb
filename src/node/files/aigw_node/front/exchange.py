"""One request and its answer: what the front, the plugin and the limits know of it, in one object.

It travels in a context variable. LiteLLM's callbacks run in the request's context, its logging worker's included."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any, NoReturn

from aigw_node.front.refusal import Refusal
from aigw_node.front.routes import RouteSpec


@dataclass(frozen=True)
class Failure:
    """What a failed call is told as: the provider's own status, type and code, and words without anything inner."""

    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None
    retry_after: int | None = None  # seconds


@dataclass(frozen=True)
class Rate:
    """A limit of the agent's minute: for `x-ratelimit-*`."""

    unit: str  # "requests" or "tokens"
    limit: int
    remaining: int
    reset: int  # seconds


@dataclass
class Exchange:
    call: str  # the call id: x-request-id of the answer, callId of the log line
    route: RouteSpec
    agent: str = ""  # whose requests, turns and cached answers are kept apart: the key's agent, else its hash
    caller: Any = None  # a litellm.keys.Caller
    model: str | None = None  # a name of this gateway
    stream: bool = False
    size: int = 0  # bytes of the body that LiteLLM gets
    asked: Any = None  # a ledger.estimate.Asked, once the limits are asked
    dropped: tuple[str, ...] = ()  # parameters that did not pass
    carried: dict[str, Any] = field(default_factory=dict)  # parameters for some kinds of providers only
    refusal: Refusal | None = None  # of ours, raised inside LiteLLM
    failure: Failure | None = None  # of the provider's or LiteLLM's
    advised: int | None = None  # Retry-After of a 429 that has none, seconds
    rates: tuple[Rate, ...] = ()
    begun: float = field(default_factory=time.monotonic)
    release: Callable[[], None] = field(default=lambda: None)  # gives the turn back; may be called again


_CURRENT: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def current() -> Exchange | None:
    return _CURRENT.get()


def enter(exchange: Exchange) -> Token[Exchange | None]:
    return _CURRENT.set(exchange)


def leave(token: Token[Exchange | None]) -> None:
    _CURRENT.reset(token)


def refuse(refusal: Refusal) -> NoReturn:
    """From a callback of LiteLLM's: the front answers in our words, whatever LiteLLM makes of the exception."""
    from fastapi import HTTPException

    exchange = current()
    if exchange is not None:
        exchange.refusal = refusal
    detail = {"error": refusal.message, "type": refusal.type}
    raise HTTPException(refusal.status, detail=detail, headers=refusal.all_headers())


def advise(retry_after: int) -> None:
    """If the request ends with 429, its answer gets this Retry-After, unless it has one. A fallback may yet serve it."""
    exchange = current()
    if exchange is not None:
        exchange.advised = retry_after


def tell(rates: Iterable[Rate]) -> None:
    """The limits of the agent's minute, as they are once this request is counted."""
    exchange = current()
    if exchange is not None:
        exchange.rates = (*exchange.rates, *rates)
