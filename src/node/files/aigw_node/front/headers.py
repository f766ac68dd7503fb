"""The headers of a request: whose key it bears, and those that LiteLLM gets, all of them made by us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from aigw_node.asgi import Headers
from aigw_node.front.refusal import Form, Refusal, Refused
from aigw_node.front.routes import RouteSpec

# Where clients put a key: OpenAI's and Anthropic's SDKs, Azure's, LiteLLM's own.
KEY_HEADERS = (b"authorization", b"x-api-key", b"api-key", b"x-litellm-api-key")
BEARER = re.compile(rb"bearer +", re.IGNORECASE)
KEY = re.compile(rb"sk-[\x21-\x7e]{13,500}")
LENGTH = re.compile(rb"[0-9]{1,15}")
# Of an Anthropic client: a date, and names of betas.
ANTHROPIC = {
    b"anthropic-version": re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    b"anthropic-beta": re.compile(rb"[A-Za-z0-9-]{1,64}(, ?[A-Za-z0-9-]{1,64}){0,31}"),
}
AGENT = re.compile(rb"[\x20-\x7e]{1,200}")


def named(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for each, value in headers if each.lower() == name]


def key_of(headers: Headers) -> str:
    """Raises Refused with 401 if there is none, or what is there cannot be one."""
    keys = {BEARER.sub(b"", value, 1).strip() for name in KEY_HEADERS for value in named(headers, name)}
    if len(keys) != 1:
        several = "more than one key is in the request's headers; send one"
        raise unauthorized(several if keys else "no API key: send it as Authorization: Bearer KEY, or as x-api-key")
    key = keys.pop()
    if not KEY.fullmatch(key):
        raise unauthorized("this is not an API key of this gateway")
    return key.decode("ascii")


def unauthorized(message: str) -> Refused:
    return Refused(Refusal(401, message, "authentication_error", code="invalid_api_key"))


def content_length(headers: Headers) -> int | None:
    lengths = named(headers, b"content-length")
    return int(lengths[0]) if len(lengths) == 1 and LENGTH.fullmatch(lengths[0]) else None


def text_of(headers: Headers, name: bytes) -> str:
    return b", ".join(named(headers, name)).decode("latin-1")


def plain(key: str, call: str, content_type: str, length: int) -> Headers:
    return [
        (b"host", b"gateway.invalid"),
        (b"authorization", b"Bearer " + key.encode()),
        (b"x-litellm-call-id", call.encode()),
        (b"content-type", content_type.encode()),
        (b"content-length", str(length).encode()),
    ]


def for_litellm(headers: Headers, spec: RouteSpec, *, key: str, call: str, content_type: str, length: int) -> Headers:
    """All that LiteLLM gets of a request's headers."""
    passed: Mapping[bytes, re.Pattern[bytes]] = {b"user-agent": AGENT, **(ANTHROPIC if spec.form is Form.ANTHROPIC else {})}
    said = ((name, b",".join(named(headers, name)), pattern) for name, pattern in passed.items())
    kept = [(name, value) for name, value, pattern in said if pattern.fullmatch(value)]
    return [*plain(key, call, content_type, length), *kept]
