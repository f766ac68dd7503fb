"""Alibaba's Simple Log Service without its SDK (which ships no wheels): PutLogs, encoded and signed here."""

from __future__ import annotations

import hashlib
import hmac
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone

from aigw_node import direct
from aigw_node.alicloud import Credentials

Log = tuple[int, Mapping[str, str]]
"""Seconds since 1970, and the fields."""


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _bytes_field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def log_group(logs: Iterable[Log], topic: str, source: str) -> bytes:
    """The protocol buffer `LogGroup`: Logs 1 (Time 1, Contents 2 (Key 1, Value 2)), Topic 3, Source 4."""
    return b"".join(
        _bytes_field(
            1,
            _varint(1 << 3)
            + _varint(time)
            + b"".join(
                _bytes_field(2, _bytes_field(1, name.encode()) + _bytes_field(2, value.encode()))
                for name, value in fields.items()
            ),
        )
        for time, fields in logs
    ) + (_bytes_field(3, topic.encode()) + _bytes_field(4, source.encode()))


def signed(
    path: str, headers: Mapping[str, str], content: bytes, credentials: Credentials, *, region: str, moment: str
) -> dict[str, str]:
    """The headers of a POST without a query, signed with SLS4-HMAC-SHA256; `moment` as 20220808T032330Z."""
    digest = hashlib.sha256(content).hexdigest()
    all_headers = {**headers, "x-log-date": moment, "x-log-content-sha256": digest}
    if credentials.session:
        all_headers["x-acs-security-token"] = credentials.session
    lines = "".join(f"{name}:{all_headers[name]}\n" for name in sorted(all_headers))
    canonical = "\n".join(["POST", path, "", lines, ";".join(sorted(all_headers)), digest])
    scope = f"{moment[:8]}/{region}/sls/aliyun_v4_request"
    text = f"SLS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"aliyun_v4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    authorization = f"SLS4-HMAC-SHA256 Credential={credentials.identity}/{scope},Signature={signature}"
    return {**all_headers, "authorization": authorization}


class Sls:
    """One log store."""

    def __init__(self, project: str, store: str, region: str, endpoint: str, credentials: Callable[[], Credentials]) -> None:
        # A whole URL stands for a server that has no project in its name.
        self._url = endpoint if "://" in endpoint else f"https://{project}.{endpoint}"
        self._path = f"/logstores/{urllib.parse.quote(store)}/shards/lb"
        self._region, self._credentials, self._opener = region, credentials, direct.opener()

    def put(self, logs: Iterable[Log], topic: str, source: str) -> None:
        """urllib.error.HTTPError if the service refuses."""
        raw = log_group(logs, topic, source)
        content = zlib.compress(raw)
        headers = {
            "host": urllib.parse.urlsplit(self._url).netloc,
            "content-type": "application/x-protobuf",
            "x-log-apiversion": "0.6.0",
            "x-log-bodyrawsize": str(len(raw)),
            "x-log-compresstype": "deflate",
        }
        moment = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        headers = signed(self._path, headers, content, self._credentials(), region=self._region, moment=moment)
        direct.send(self._opener, urllib.request.Request(self._url + self._path, content, headers, method="POST"))
