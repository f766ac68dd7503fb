"""Stored responses are their agent's: an id leaves with a signature over agent and id, and comes back only with it.

LiteLLM binds an id to a user and a team, never to one of our agents. Only the id of the response itself and of the one
before it are signed: a caller can make a provider echo any text anywhere else (`metadata`)."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

import orjson

from aigw_node.front.refusal import Refusal, Refused

ID = re.compile(r"[A-Za-z0-9_=+/-]{1,2000}")
DIGITS = 32
# Of one event or plain answer that is looked through; a longer one is not a response's.
MOST = 64 << 20
NOT_FOUND = "this agent has no stored response of that id"


class ResponseIds:
    def __init__(self, salt_key: str) -> None:
        self._secret = hmac.digest(salt_key.encode(), b"aigw response ids", "sha256")

    def sign(self, agent: str, raw: str) -> str:
        return f"{raw}.{self._signature(agent, raw)}"

    def raw(self, agent: str, signed: Any, *, status: int = 404) -> str:
        """LiteLLM's id. Raises Refused if the agent did not get this id from us."""
        raw, _, signature = signed.rpartition(".") if isinstance(signed, str) else ("", "", "")
        if (
            not ID.fullmatch(raw)
            or not signature.isascii()
            or not hmac.compare_digest(signature, self._signature(agent, raw))
        ):
            raise Refused(Refusal(status, NOT_FOUND, "invalid_request_error", code="response_not_found"))
        return raw

    def _signature(self, agent: str, raw: str) -> str:
        said = orjson.dumps([agent, raw])
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()[:DIGITS]

    def rewriter(self, agent: str, *, asked: str | None = None) -> ResponseIdRewriter:
        """`asked`: the signed id that the caller asked for; the answer's own one is that."""
        return ResponseIdRewriter(self, agent, asked)


class ResponseIdRewriter:
    """Signs the ids of an answer: of each event of a stream, else of the object that the answer is."""

    def __init__(self, ids: ResponseIds, agent: str, asked: str | None) -> None:
        self._ids, self._agent, self._asked = ids, agent, asked
        self._held = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        self._held += chunk
        end = self._held.rfind(b"\n\n") + 2
        if end < 2 and len(self._held) > MOST:
            raise ValueError("an answer of a response is too long")
        if end < 2:
            return b""
        events = bytes(self._held[:end])
        del self._held[:end]
        return b"".join(self._event(event) for event in events.split(b"\n\n")[:-1])

    def end(self) -> bytes:
        rest = bytes(self._held)
        self._held.clear()
        return self._lines(rest) if rest.lstrip().startswith((b"data:", b"event:")) else self._object(rest)

    def _event(self, event: bytes) -> bytes:
        return self._lines(event) + b"\n\n"

    def _lines(self, event: bytes) -> bytes:
        return b"\n".join(
            b"data: " + self._object(line[5:].strip()) if line.startswith(b"data:") else line for line in event.split(b"\n")
        )

    def _object(self, text: bytes) -> bytes:
        if b"resp_" not in text:
            return text
        try:
            value = orjson.loads(text)
        except ValueError:
            return text
        if not isinstance(value, dict):
            return text
        self._sign(value, "response_id", "previous_response_id")
        nested = value.get("response")
        if isinstance(nested, dict):
            self._sign(nested, "id", "previous_response_id")
        elif str(value.get("object", "")).startswith("response"):
            if self._asked and isinstance(value.get("id"), str):
                value["id"] = self._asked
                self._sign(value, "previous_response_id")
            else:
                self._sign(value, "id")
        return orjson.dumps(value)

    def _sign(self, value: dict[str, Any], *names: str) -> None:
        for name in names:
            if isinstance(value.get(name), str) and "." not in value[name]:
                value[name] = self._ids.sign(self._agent, value[name])
