"""Event streams on their way to a caller: whole events, and errors among them in the form of the route.

An event ends with an empty line, a line with LF, CR or both: https://html.spec.whatwg.org/multipage/server-sent-events.html"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from aigw_node.front.exchange import Failure
from aigw_node.front.refusal import Form, error_body
from aigw_node.front.routes import RouteSpec

MOST_EVENT = 64 << 20  # bytes; LiteLLM makes the last event of a response of all that it holds
_END = re.compile(rb"\r\n\r\n|\n\r?\n|\r\r")
_LONGEST_END = 4
_LINE = re.compile(rb"\r\n|\n|\r")


class EventTooLong(Exception):
    """A stream has an event that is longer than MOST_EVENT."""


class Events:
    """Lets whole events out, so that a comment or an error may follow whatever is out."""

    def __init__(self, told: Callable[[bytes], bytes], *marks: bytes) -> None:
        """`told`: an event as it leaves; asked of those only that have one of the marks."""
        self._told, self._marks, self._held = told, marks, bytearray()

    def feed(self, chunk: bytes) -> bytes:
        """Raises EventTooLong."""
        if not self._held and chunk.endswith(b"\n\n"):
            return self._checked(chunk)
        looked = max(0, len(self._held) - _LONGEST_END + 1)
        self._held += chunk
        ends = [match.end() for match in _END.finditer(self._held, looked)]
        if ends:
            return self._out(ends[-1])
        if len(self._held) > MOST_EVENT:
            raise EventTooLong
        return b""

    def end(self) -> bytes:
        return self._out(len(self._held))

    def _out(self, end: int) -> bytes:
        whole = bytes(self._held[:end])
        del self._held[:end]
        return self._checked(whole)

    def _checked(self, events: bytes) -> bytes:
        if not any(mark in events for mark in self._marks):
            return events
        parts, start = [], 0
        for match in _END.finditer(events):
            parts.append(self._told(events[start : match.start()]) + match.group())
            start = match.end()
        return b"".join(parts) + (self._told(events[start:]) if start < len(events) else b"")


def data_of(event: bytes) -> dict[str, Any] | None:
    """None: the event has no data, or none that is an object."""
    lines = _LINE.split(event)
    try:
        value = orjson.loads(b"\n".join(line[5:].strip() for line in lines if line.startswith(b"data:")))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def with_data(event: bytes, data: dict[str, Any]) -> bytes:
    others = [line for line in _LINE.split(event) if not line.startswith(b"data:")]
    return b"\n".join([*others, b"data: " + orjson.dumps(data)])


def is_error(data: dict[str, Any]) -> bool:
    if data.get("type") == "response.failed":
        response = data.get("response")
        return isinstance(response, dict) and isinstance(response.get("error"), dict)
    return bool(data.get("error")) or data.get("type") == "error"


def error_event(route: RouteSpec, failure: Failure, said: dict[str, Any]) -> bytes:
    """`said`: the data of the event in whose place it is sent, if any. Without its end."""
    code = failure.code or failure.type
    if said.get("type") == "response.failed":
        words = {"code": failure.code or said["response"]["error"].get("code"), "message": failure.message}
        return _event("response.failed", {**said, "response": {**said["response"], "error": words}})
    if route.name == "responses":
        number = said.get("sequence_number")
        told = {"type": "error", "code": code, "message": failure.message, "param": failure.param}
        return _event("error", {**told, "sequence_number": number if isinstance(number, int) else 0})
    body = error_body(route.form, failure.status, failure.message, type_=failure.type, code=code, param=failure.param)
    return b"event: error\ndata: " + body if route.form is Form.ANTHROPIC else b"data: " + body


def _event(name: str, data: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data)
