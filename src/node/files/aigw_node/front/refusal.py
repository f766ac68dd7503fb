"""A refusal of ours: one status, one type, one text, in the form of error that the route's clients know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Form(Enum):
    """Whose form of error a route speaks."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    COHERE = "cohere"


# https://docs.anthropic.com/en/api/errors
ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_body(
    form: Form, status: int, message: str, *, type_: str, code: str | None, param: str | None = None
) -> bytes:
    value: dict[str, Any]
    if form is Form.ANTHROPIC:
        kind = ANTHROPIC_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        value = {"type": "error", "error": {"type": kind, "message": message}}
    elif form is Form.COHERE:
        value = {"message": message}
    else:
        value = {"error": {"message": message, "type": type_, "param": param, "code": code}}
    return json.dumps(value).encode()


@dataclass(frozen=True)
class Refusal:
    """`code` is `type` if not given, as most clients look at one or the other."""

    status: int
    message: str
    type: str
    retry_after: int | None = None  # seconds
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    param: str | None = None

    def body(self, form: Form) -> bytes:
        return error_body(
            form, self.status, self.message, type_=self.type, code=self.code or self.type, param=self.param
        )

    def all_headers(self) -> dict[str, str]:
        retry = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return {**retry, **self.headers}


class Refused(Exception):
    """Ends a request before LiteLLM is asked."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> Refused:
    return Refused(Refusal(400, message, "invalid_request_error", code=code, param=param))
