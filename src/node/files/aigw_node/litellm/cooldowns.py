"""Which failures let a deployment rest: the provider's, never those that a caller makes.

LiteLLM fails on some odd requests in its own code, before it asks anybody, and its router takes that for a failure of the
deployment, as it does with a 404 for a stored response that is gone: a few such requests would take a model away from all
agents."""

from __future__ import annotations

import functools
from typing import Any

from aigw_node.front.exchange import current
from aigw_node.front.provider_errors import attempt

# Raised by code that met something odd. A provider whose answer is that odd does not rest either: the next try asks anew.
ODD = (AssertionError, AttributeError, KeyError, IndexError, RecursionError, TypeError, UnicodeEncodeError)
OF_A_CALL = ("aiohttp", "botocore", "httpcore", "httpx", "openai")


def is_litellms_own(error: BaseException) -> bool:
    """It began with odd values, and nobody was asked."""
    behind = list(attempt(error))
    return isinstance(behind[-1], ODD) and not any(type(each).__module__.startswith(OF_A_CALL) for each in behind)


def _is_about_a_response(status: Any) -> bool:
    """The provider answered well: what was asked for is not there, or not to be had so."""
    exchange = current()
    return exchange is not None and not exchange.route.has_model and str(status) in ("400", "404", "409")


def install() -> None:
    """May be called again."""
    from litellm.router_utils import cooldown_handlers

    judge = cooldown_handlers._should_run_cooldown_logic
    if hasattr(judge, "__wrapped__"):
        return

    @functools.wraps(judge)
    def judged(
        litellm_router_instance: Any,
        deployment: Any,
        exception_status: Any,
        original_exception: Any,
        *more: Any,
        **named: Any,
    ) -> bool:
        own = isinstance(original_exception, BaseException) and is_litellms_own(original_exception)
        if own or _is_about_a_response(exception_status):
            return False
        return bool(judge(litellm_router_instance, deployment, exception_status, original_exception, *more, **named))

    setattr(cooldown_handlers, "_should_run_cooldown_logic", judged)  # noqa: B010
