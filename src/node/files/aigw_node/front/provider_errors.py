"""The error that a provider answered with, found in what LiteLLM raises for it.

LiteLLM maps it to an exception of its own and loses code, type and param on the way; the provider's own body hangs on one of
the exceptions behind it, as an object or inside a text."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CHAIN = 8
MOST_TEXT = 100_000
MOST_DETAILS = 10
MAPPED = "litellm.exceptions"
OVERLOADED = "overloaded_error"  # Anthropic's 529, which LiteLLM makes 500 of


@dataclass(frozen=True)
class ProviderError:
    status: int
    message: str
    type: str | None
    code: str | None
    param: str | None


def attempt(error: BaseException) -> Iterator[BaseException]:
    """The exception and those behind it that are of the same call. Another one that LiteLLM has mapped is of an earlier try
    or of a fallback, and was only being handled when this one was raised: but for that of the last try, before which its
    router raises the first one once more when all ended alike."""
    found: BaseException | None = error
    for _ in range(CHAIN):
        if found is None:
            return
        yield found
        wrapped = getattr(found, "original_exception", None)
        if isinstance(wrapped, BaseException) and wrapped is not found:
            found = wrapped
            continue
        found = found.__cause__ or found.__context__
        if type(found).__module__ == MAPPED and not (found is error.__context__ and _is_alike(found, error)):
            return


def _is_alike(one: BaseException | None, other: BaseException) -> bool:
    return type(one) is type(other) and getattr(one, "status_code", None) == getattr(other, "status_code", None)


def provider_error(behind: list[BaseException]) -> ProviderError | None:
    """None if no provider answered: it was not reached, or LiteLLM itself refused."""
    status = None
    for each in behind:
        status = _status(each) or status
    for each in behind:
        found = _of_object(getattr(each, "body", None)) or _of_text(str(getattr(each, "message", "") or each))
        if found is not None and status is not None:
            return _read(found, status)
    return None


def _status(error: BaseException) -> int | None:
    """That of the innermost one is the provider's: LiteLLM makes 500 of 529."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) and 400 <= status <= 599 else None


def _of_object(body: Any) -> dict[str, Any] | None:
    """The error as an object with a message, of each of the forms that providers use."""
    if not isinstance(body, dict):
        return None
    inner = body.get("error")
    found = inner if isinstance(inner, dict) else body
    if isinstance(found.get("message"), str):
        return found
    said = inner if isinstance(inner, str) else _detail(body.get("detail"))
    return {**body, "message": said} if said else None


def _detail(detail: Any) -> str:
    """FastAPI's: a text, or what is wrong with which field."""
    if isinstance(detail, str):
        return detail
    wrong = [each for each in detail if isinstance(each, dict)] if isinstance(detail, list) else []
    return "; ".join(f"{'.'.join(map(str, each.get('loc') or ()))}: {each.get('msg')}" for each in wrong[:MOST_DETAILS])


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

    type_ = text("type")
    status = 529 if (type_, status) == (OVERLOADED, 500) else status
    return ProviderError(status, found["message"], type_, text("code"), text("param"))
