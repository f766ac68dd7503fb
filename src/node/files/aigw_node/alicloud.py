"""Alibaba Cloud without its SDKs (they ship no wheels): the instance role's credentials, and signed calls."""

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
from aigw_node.metadata import Metadata

METADATA = "http://100.100.100.200"
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
    """The credentials of the instance's RAM role, from the metadata service, renewed in time."""

    def __init__(self, metadata: str = METADATA) -> None:
        self._metadata = Metadata.alicloud(metadata)
        self._current: Credentials | None = None

    def __call__(self) -> Credentials:
        if self._current is None or self._current.expires - time.time() < RENEW_BEFORE:
            self._current = self._fetch()
        return self._current

    def _fetch(self) -> Credentials:
        path = "ram/security-credentials/"
        role = self._metadata.get(path).split("\n")[0].strip()
        reply = json.loads(self._metadata.get(path + urllib.parse.quote(role)))
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


class ApiError(Exception):
    """A service refused a call; holds its error code and request id, nothing that was signed."""

    def __init__(self, code: str, request_id: str) -> None:
        super().__init__(f"{code} (request {request_id})")
        self.code = code


class Api:
    """The calls to one of the cloud's services, signed by the role."""

    def __init__(self, endpoint: str, version: str, credentials: Callable[[], Credentials]) -> None:
        self._endpoint, self._version = endpoint.rstrip("/"), version
        self._credentials = credentials

    def call(self, action: str, **query: str) -> dict[str, Any]:
        """The reply. ApiError if the service refuses, OSError if there is none, ValueError if it is none."""
        headers = acs3_headers(
            host=urllib.parse.urlsplit(self._endpoint).netloc,
            action=action,
            version=self._version,
            query=query,
            credentials=self._credentials(),
            date=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            nonce=secrets.token_hex(16),
        )
        try:
            headers["Accept"] = "application/json"  # some services' default is XML
            body = _send("POST", f"{self._endpoint}/?{canonical_query(query)}", headers)
        except urllib.error.HTTPError as error:
            raise _api_error(error) from None
        reply: dict[str, Any] = json.loads(body)
        return reply


def _api_error(error: urllib.error.HTTPError) -> ApiError:
    try:
        reply = json.loads(error.read())
        return ApiError(str(reply["Code"]), str(reply.get("RequestId", "-")))
    except (ValueError, KeyError, TypeError):
        return ApiError(f"HTTP {error.code}", "-")
