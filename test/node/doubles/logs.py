"""CloudWatch Logs and Simple Log Service, with their limits, as parts of the cloud's double."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from doubles.refused import Refused

if TYPE_CHECKING:
    from doubles.cloud import Cloud

TARGET = "Logs_20140328."
GROUP = "/cdktf-ai-gateway/prod-gateway"
STORE = "gateway-requests"
DAY = 24 * 3600 * 1000


def _troubled(cloud: Cloud) -> None:
    if cloud.log_trouble:
        raise Refused(*cloud.log_trouble.pop(0))


def cloudwatch(cloud: Cloud, url: Any, headers: dict[str, str], body: bytes) -> bytes:
    cloud.check_sigv4("logs", "POST", url, {**headers, "x-amz-content-sha256": hashlib.sha256(body).hexdigest()})
    asked, action = json.loads(body), headers["x-amz-target"].removeprefix(TARGET)
    _troubled(cloud)
    if asked["logGroupName"] != GROUP:
        raise Refused(400, "ResourceNotFoundException")
    stream = asked["logStreamName"]
    if action == "CreateLogStream":
        if stream in cloud.kept:
            raise Refused(400, "ResourceAlreadyExistsException")
        cloud.kept[stream] = []
        return b"{}"
    if action != "PutLogEvents":
        raise Refused(400, "AccessDeniedException")
    if stream not in cloud.kept:
        raise Refused(400, "ResourceNotFoundException")
    events = asked["logEvents"]
    times = [event["timestamp"] for event in events]
    size = sum(len(event["message"].encode()) + 26 for event in events)
    wrong = not events or times != sorted(times) or times[-1] - times[0] > DAY or size > 1 << 20 or len(events) > 10_000
    if wrong or (cloud.poison and any(cloud.poison in event["message"] for event in events)):
        raise Refused(400, "InvalidParameterException")
    cloud.kept[stream] += [json.loads(event["message"]) for event in events]
    return b"{}"


def sls(cloud: Cloud, url: Any, headers: dict[str, str], body: bytes) -> bytes:
    cloud.check_sls4("POST", url, headers)
    _troubled(cloud)
    if url.path != f"/logstores/{STORE}/shards/lb":
        raise Refused(404, "LogStoreNotExist")
    if headers["x-log-content-sha256"] != hashlib.sha256(body).hexdigest():
        raise Refused(400, "ContentNotMatch")
    if (headers["x-log-compresstype"], headers["content-type"]) != ("deflate", "application/x-protobuf"):
        raise Refused(400, "InvalidParameter")
    raw = zlib.decompress(body)
    if len(raw) != int(headers["x-log-bodyrawsize"]):
        raise Refused(400, "PostBodyUncompressError")
    logs, source = decode(raw)
    if len(raw) > 3 << 20 or not 0 < len(logs) <= 4096 or any(sum(map(len, log.values())) > 1 << 20 for log in logs):
        raise Refused(400, "InvalidLogSize")
    if cloud.poison and cloud.poison in json.dumps(logs):
        raise Refused(400, "PostBodyInvalid")
    cloud.kept.setdefault(source, []).extend(logs)
    return b""


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    place = 0

    def varint() -> int:
        nonlocal place
        number = shift = 0
        while True:
            byte = content[place]
            place += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while place < len(content):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        elif tag & 7 == 2:
            length = varint()
            yield tag >> 3, content[place : place + length]
            place += length
        else:
            raise Refused(400, "PostBodyInvalid")


def decode(raw: bytes) -> tuple[list[dict[str, str]], str]:
    """The logs of a LogGroup, each with its `__time__`, and its source."""
    logs, source = [], ""
    for number, value in _fields(raw):
        if number == 1:
            log = {}
            for part, inner in _fields(value):
                if part == 1:
                    log["__time__"] = str(inner)
                else:
                    pair = dict(_fields(inner))
                    log[pair[1].decode()] = pair[2].decode()
            logs.append(log)
        elif number == 4:
            source = value.decode()
    return logs, source
