"""Alibaba Cloud without its SDKs (they ship no wheels): the instance role's credentials, and signed KMS calls."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from aigw_node import direct

METADATA = "http://100.100.100.200"
KMS_VERSION = "2016-01-20"
RENEW_BEFORE = 300.0  # the metadata service has new credentials at least five minutes before the old ones end


@dataclass(frozen=True)
class Credentials:
    identity: str
    secret: str
    session: str
    expires: float


_OPENER = direct.opener()


def _send(method: str, url: str, headers: Mapping[str, str], content: bytes | None = None) -> bytes:
    return direct.send(_OPENER, urllib.request.Request(url, content, dict(headers), method=method))


class RoleCredentials:
    """The credentials of the instance's RAM role, from the metadata service in hardened mode, renewed in time."""

    def __init__(self, metadata: str = METADATA) -> None:
        self._metadata = metadata
        self._current: Credentials | None = None

    def __call__(self) -> Credentials:
        if self._current is None or self._current.expires - time.time() < RENEW_BEFORE:
            self._current = self._fetch()
        return self._current

    def _fetch(self) -> Credentials:
        token = _send(
            "PUT", f"{self._metadata}/latest/api/token", {"X-aliyun-ecs-metadata-token-ttl-seconds": "300"}
        ).decode()
        header = {"X-aliyun-ecs-metadata-token": token}
        path = f"{self._metadata}/latest/meta-data/ram/security-credentials/"
        role = _send("GET", path, header).decode().split("\n")[0].strip()
        reply = json.loads(_send("GET", path + urllib.parse.quote(role), header))
        expires = datetime.strptime(reply["Expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        return Credentials(
            reply["AccessKeyId"], reply["AccessKeySecret"], reply.get("SecurityToken", ""), expires.timestamp()
        )


def canonical_query(query: Mapping[str, str]) -> str:
    def quote(text: str) -> str:
        return urllib.parse.quote(text, safe="-_.~")

    return "&".join(f"{quote(name)}={quote(query[name])}" for name in sorted(query))


def acs3_headers(
    *,
    host: str,
    action: str,
    version: str,
    query: Mapping[str, str],
    credentials: Credentials,
    date: str,
    nonce: str,
) -> dict[str, str]:
    """The headers of a POST without a body, signed with ACS3-HMAC-SHA256."""
    payload = hashlib.sha256(b"").hexdigest()
    signed = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": payload,
        "x-acs-date": date,
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    if credentials.session:
        signed["x-acs-security-token"] = credentials.session
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    canonical = "\n".join(["POST", "/", canonical_query(query), lines, names, payload])
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(credentials.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    authorization = f"ACS3-HMAC-SHA256 Credential={credentials.identity},SignedHeaders={names},Signature={signature}"
    return {**signed, "Authorization": authorization}


class KmsError(Exception):
    """KMS refused a call; holds its error code and request id, nothing that was signed."""

    def __init__(self, code: str, request_id: str) -> None:
        super().__init__(f"{code} (request {request_id})")
        self.code = code


class Kms:
    """The calls to KMS that a node makes."""

    def __init__(self, endpoint: str, credentials: Callable[[], Credentials]) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._credentials = credentials

    def get_secret_value(self, name: str) -> dict[str, Any]:
        query = {"SecretName": name, "VersionStage": "ACSCurrent"}
        headers = acs3_headers(
            host=urllib.parse.urlsplit(self._endpoint).netloc,
            action="GetSecretValue",
            version=KMS_VERSION,
            query=query,
            credentials=self._credentials(),
            date=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            nonce=secrets.token_hex(16),
        )
        try:
            body = _send("POST", f"{self._endpoint}/?{canonical_query(query)}", headers)
        except urllib.error.HTTPError as error:
            raise _kms_error(error) from None
        reply: dict[str, Any] = json.loads(body)
        return reply


def _kms_error(error: urllib.error.HTTPError) -> KmsError:
    try:
        reply = json.loads(error.read())
        return KmsError(str(reply["Code"]), str(reply.get("RequestId", "-")))
    except (ValueError, KeyError, TypeError):
        return KmsError(f"HTTP {error.code}", "-")
