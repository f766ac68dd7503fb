"""The error that a provider answered with, found in what LiteLLM raises for it.

LiteLLM maps it to an exception of its own and loses code, type and param on the way; the provider's own body hangs on one of
the exceptions behind it, as an object or inside a text."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

CHAIN = 8
MOST_TEXT = 100_000


@dataclass(frozen=True)
class ProviderError:
    status: int
    message: str
    type: str | None
    code: str | None
    param: str | None


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and those behind it, down to that of the connection: behind that one is an earlier try's."""
    found: BaseException | None = error
    for _ in range(CHAIN):
        if found is None:
            return
        yield found
        if isinstance(found, httpx.HTTPError | OSError):
            return
        found = found.__cause__ or found.__context__


def provider_error(error: BaseException) -> ProviderError | None:
    """None if no provider answered: it was not reached, or LiteLLM itself refused."""
    status = None
    for each in chain(error):
        status = _status(each) or status
    for each in chain(error):
        found = _of_object(getattr(each, "body", None)) or _of_text(str(getattr(each, "message", "") or each))
        if found is not None and status is not None:
            return _read(found, status)
    return None


def _status(error: BaseException) -> int | None:
    """That of the innermost one is the provider's: LiteLLM makes 500 of 529."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) and 400 <= status <= 599 else None


def _of_object(body: Any) -> dict[str, Any] | None:
    if not isinstance(body, dict):
        return None
    inner = body.get("error")
    found = inner if isinstance(inner, dict) else body
    return found if isinstance(found.get("message"), str) else None


def _of_text(text: str) -> dict[str, Any] | None:
    """The object in `Error code: 400 - {'error': …}` or `OpenAIException - {"error": …}`."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start or end - start > MOST_TEXT:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return _of_object(read(text[start : end + 1]))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def _read(found: dict[str, Any], status: int) -> ProviderError:
    def text(name: str) -> str | None:
        value = found.get(name)
        return value[:100] if isinstance(value, str) and value else None

    return ProviderError(status, found["message"], text("type"), text("code"), text("param"))
