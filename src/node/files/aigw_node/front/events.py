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

MOST_EVENT = 1 << 20  # bytes of an event that is not whole yet; a longer one passes as it comes
_END = re.compile(rb"\r\n\r\n|\n\r?\n|\r\r")
_LONGEST_END = 4
_LINE = re.compile(rb"\r\n|\n|\r")


class Events:
    """Lets whole events out. `between`: what is out ends with an event, so that a comment may follow."""

    def __init__(self, told: Callable[[bytes], bytes]) -> None:
        """`told`: an event as it leaves."""
        self._told, self._held, self.between = told, bytearray(), True

    def feed(self, chunk: bytes) -> bytes:
        if not self._held and self.between and chunk.endswith(b"\n\n"):
            return self._checked(chunk)
        looked = max(0, len(self._held) - _LONGEST_END + 1)
        self._held += chunk
        ends = [match.end() for match in _END.finditer(self._held, looked)]
        if ends:
            return self._out(ends[-1], between=True)
        if len(self._held) > MOST_EVENT:
            return self._out(len(self._held) - _LONGEST_END, between=False)
        return b""

    def end(self) -> bytes:
        return self._out(len(self._held), between=True)

    def _out(self, end: int, *, between: bool) -> bytes:
        whole, was = bytes(self._held[:end]), self.between
        del self._held[:end]
        self.between = between
        return self._checked(whole) if was and between else whole

    def _checked(self, events: bytes) -> bytes:
        if b'"error"' not in events:
            return events
        parts, start = [], 0
        for match in _END.finditer(events):
            parts.append(self._told(events[start : match.start()]) + match.group())
            start = match.end()
        return b"".join(parts) + (self._told(events[start:]) if start < len(events) else b"")


def error_in(event: bytes) -> dict[str, Any] | None:
    """The data of an event that tells of an error."""
    lines = _LINE.split(event)
    try:
        value = orjson.loads(b"\n".join(line[5:].strip() for line in lines if line.startswith(b"data:")))
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    if value.get("type") == "response.failed":
        response = value.get("response")
        return value if isinstance(response, dict) and isinstance(response.get("error"), dict) else None
    return value if value.get("error") or value.get("type") == "error" else None


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
