"""Stored responses are their agent's: an id leaves with a signature over agent and id, and comes back only with it.

LiteLLM binds an id to a user and a team, never to one of our agents. Only the id of the response itself and of the one
before it are signed: a caller can make a provider echo any text anywhere else (`metadata`)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

import orjson

from aigw_node.front.refusal import Refusal, Refused

MARK = b"resp_"  # what has no id of a response need not be read
ID = re.compile(r"[A-Za-z0-9_=+/-]{1,2000}")
DIGITS = 32
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

    def rewrite(self, agent: str, *, asked: str | None = None) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """Signs the ids of an answer, or of the data of one of its events. `asked`: the signed id that the caller asked
        for; the answer's own one is that."""

        def signed(value: dict[str, Any], *names: str) -> dict[str, Any]:
            ids = {name: id for name in names if isinstance(id := value.get(name), str) and "." not in id}
            return value | {name: self.sign(agent, id) for name, id in ids.items()}

        def rewritten(value: dict[str, Any]) -> dict[str, Any]:
            value = signed(value, "response_id", "previous_response_id")
            if isinstance(value.get("response"), dict):
                return value | {"response": signed(value["response"], "id", "previous_response_id")}
            if not str(value.get("object", "")).startswith("response"):
                return value
            return value | {"id": asked} if asked and isinstance(value.get("id"), str) else signed(value, "id")

        return rewritten
