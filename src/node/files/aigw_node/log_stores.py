"""Where the lines of the request log go: one contract, one class for each store."""

from __future__ import annotations

import contextlib
import json
import urllib.error
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from aigw_node import alicloud, log
from aigw_node.settings import LogStoreSettings
from aigw_node.sls import Sls

Line = Mapping[str, Any]


class BadLines(Exception):
    """The store will never take this batch as it is."""


class StoreAway(Exception):
    """The store did not answer, or not now, or not us. Holds an error code."""


class LogStore(Protocol):
    def put(self, lines: Sequence[Line]) -> None:
        """Keeps all the lines, or raises."""


def _seconds(line: Line) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class CloudWatch:
    """A log group, with one stream for each node."""

    # What no retry mends; all else may.
    BAD = frozenset({"InvalidParameterException", "InvalidParameterValueException", "SerializationException"})

    def __init__(self, group: str, region: str, node: str, endpoint: str | None = None) -> None:
        from boto3.session import Session
        from botocore.config import Config

        config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 2})
        self._client = Session().client("logs", region_name=region, endpoint_url=endpoint, config=config)
        self._place = {"logGroupName": group, "logStreamName": node}

    def put(self, lines: Sequence[Line]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        events: list[dict[str, Any]] = [
            {"timestamp": round(_seconds(line) * 1000), "message": _json(line)} for line in lines
        ]
        events.sort(key=lambda event: event["timestamp"])
        try:
            self._put(events)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise (BadLines if code in self.BAD else StoreAway)(code) from None
        except BotoCoreError as error:
            raise StoreAway(type(error).__name__) from None

    def _put(self, events: list[dict[str, Any]]) -> None:
        missing = self._client.exceptions.ResourceNotFoundException
        try:
            reply = self._client.put_log_events(**self._place, logEvents=events)
        except missing:
            self._make_stream()
            reply = self._client.put_log_events(**self._place, logEvents=events)
        if refused := reply.get("rejectedLogEventsInfo"):
            # Older than the store keeps lines, or from the future.
            log.event("request-lines-refused", lines=len(events), where=refused)

    def _make_stream(self) -> None:
        with contextlib.suppress(self._client.exceptions.ResourceAlreadyExistsException):
            self._client.create_log_stream(**self._place)


class SlsStore:
    BAD = frozenset({400, 413})

    def __init__(self, sls: Sls, gateway: str, node: str) -> None:
        self._sls, self._gateway, self._node = sls, gateway, node

    def put(self, lines: Sequence[Line]) -> None:
        logs = [(int(_seconds(line)), {name: _text(value) for name, value in line.items()}) for line in lines]
        try:
            self._sls.put(logs, self._gateway, self._node)
        except urllib.error.HTTPError as error:
            code = _code(error)
            raise (BadLines if error.code in self.BAD and "Signature" not in code else StoreAway)(code) from None
        except (OSError, ValueError, KeyError) as error:
            raise StoreAway(type(error).__name__) from None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _code(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["errorCode"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"


def open_log_store(settings: LogStoreSettings, gateway: str, node: str) -> LogStore:
    if settings.kind == "cloudwatch":
        return CloudWatch(settings.group, settings.region, node, settings.endpoint)
    endpoint = settings.endpoint or f"{settings.region}-intranet.log.aliyuncs.com"
    sls = Sls(settings.project, settings.store, settings.region, endpoint, alicloud.RoleCredentials())
    return SlsStore(sls, gateway, node)
