"""What is kept of a request: who asked for which model, what it used and cost, how it ended (docs/request-log.md).

Neither prompt nor answer unless the gateway's owner asks for them; never a header, a key, or a provider's own words."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from aigw_node.day_caps import AGENT
from aigw_node.desired import GROUP, LABELS
from aigw_node.fleet_limits import provider_of
from aigw_node.front.exchange import Exchange, current
from aigw_node.front.parameters import loggable
from aigw_node.front.refusal import Refusal

VERSION = 1
# An agent's own and those of all agents.
MOST_LABELS = 20


class Recorder:
    def __init__(self, gateway: str, prompts: bool) -> None:
        self._gateway, self._prompts, self._node = gateway, prompts, socket.gethostname()

    def succeeded(self, call: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Of LiteLLM's standard_logging_object."""
        start, end, first = (said.get(name) for name in ("startTime", "endTime", "completionStartTime"))
        held = said.get("metadata") or {}
        return {
            **self._common(call, "succeeded", 200),
            **_owner(held.get("user_api_key_auth_metadata"), held.get("user_api_key_alias")),
            "key": _key(held.get("user_api_key_hash")),
            "model": said.get("model_group"),
            "deployment": said.get("model_id"),
            "provider": provider_of(said.get("model_id")) or said.get("custom_llm_provider"),
            "call_type": said.get("call_type"),
            "stream": bool(said.get("stream")),
            "cache_hit": bool(said.get("cache_hit")),
            "prompt_tokens": said.get("prompt_tokens"),
            "completion_tokens": said.get("completion_tokens"),
            "total_tokens": said.get("total_tokens"),
            "cost": said.get("response_cost"),
            "latency_ms": _milliseconds(start, end),
            "first_token_ms": _milliseconds(start, first) if said.get("stream") else None,
            **(self._words(said.get("messages"), said.get("response"))),
        }

    def refused(self, exchange: Exchange, refusal: Refusal) -> dict[str, Any]:
        """Of a request that the front refused before LiteLLM was asked."""
        caller = exchange.caller
        return {
            **self._common(exchange.call, "failed", refusal.status),
            **_owner(caller.metadata, caller.alias),
            "key": _key(caller.hash),
            "model": exchange.model,
            "stream": exchange.stream,
            "error": "Refused",
            "error_type": refusal.code or refusal.type,
            "latency_ms": round((time.monotonic() - exchange.begun) * 1000),
        }

    def failed(self, request: Mapping[str, Any], error: Exception, key: Any) -> dict[str, Any]:
        """Of what LiteLLM tells when a request has failed as a whole, or was refused before it began."""
        begun = getattr(request.get("litellm_logging_obj"), "start_time", None)
        now = datetime.now()
        exchange = current()
        told = exchange and (exchange.refusal or exchange.failure)
        status = told.status if told else _status(error, getattr(key, "token", None))
        return {
            **self._common(str(request.get("litellm_call_id") or ""), "failed", status),
            **_owner(getattr(key, "metadata", None), getattr(key, "key_alias", None)),
            "key": _key(getattr(key, "token", None)),
            "model": _text(request.get("model")),
            "stream": bool(request.get("stream")),
            "error": type(error).__name__,
            "error_type": _text(getattr(error, "type", None)),
            "latency_ms": _milliseconds(begun.timestamp(), now.timestamp()) if isinstance(begun, datetime) else None,
            **(self._words(request.get("messages") or request.get("input"), None)),
        }

    def secret_in_use(self, secret: str, version: str, changed: bool) -> dict[str, Any]:
        """By which it can be seen whether a process of a node still uses an old version of a secret."""
        said = {"process": os.getpid(), "secret": secret, "secret_version": version, "changed": changed}
        return {**self._place("secret-in-use"), **said}

    def _common(self, call: str, outcome: str, status: int) -> dict[str, Any]:
        exchange = current()
        dropped = loggable(exchange.dropped) if exchange and exchange.dropped else None
        return {**self._place("request"), "request_id": call, "outcome": outcome, "status": status, "dropped": dropped}

    def _place(self, event: str) -> dict[str, Any]:
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        return {"version": VERSION, "event": event, "time": time, "gateway": self._gateway, "node": self._node}

    def _words(self, request: Any, response: Any) -> dict[str, Any]:
        return {"request": request, "response": response} if self._prompts else {}


def _owner(metadata: Any, alias: Any) -> dict[str, Any]:
    """The agent that a key names, its group, and its labels."""
    held = metadata if isinstance(metadata, dict) else {}
    labels = held.get(LABELS)
    pairs = list(labels.items())[:MOST_LABELS] if isinstance(labels, dict) else []
    return {
        "agent": _text(held.get(AGENT)) or _text(alias),
        "group": _text(held.get(GROUP)),
        "labels": {str(name)[:200]: text for name, value in pairs if (text := _text(value))} or None,
    }


def _key(token: Any) -> str | None:
    """Enough of the hash to tell two keys of an agent apart; nothing of an unknown key, which is as it was sent."""
    text = str(token or "")
    return text[:12] if len(text) == 64 and not text.startswith("sk-") else None


def _status(error: Exception, token: Any) -> int:
    """LiteLLM's errors name it `code` or `status_code`, as text or number; a request without a key has neither: a 401."""
    for name in ("status_code", "code"):
        found = str(getattr(error, name, ""))
        if found.isdigit():
            return int(found)
    return 500 if token else 401


def _text(value: Any) -> str | None:
    """A caller's own words are kept short."""
    return value[:200] if isinstance(value, str) and value else None


def _milliseconds(start: Any, end: Any) -> int | None:
    return round((end - start) * 1000) if isinstance(start, float) and isinstance(end, float) else None
