"""HashiCorp Vault's KV v2, entered with the instance's own role: no token lies anywhere, a login is a signed question
"who am I" that Vault asks the cloud in our place."""

from __future__ import annotations

import json
import secrets
import ssl
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from aigw_node import alicloud, direct

RENEW_BEFORE = 60.0  # seconds before a token's end
AWS_BODY = "Action=GetCallerIdentity&Version=2011-06-15"
ALICLOUD_STS = "sts.aliyuncs.com"  # the only host that Vault's plugin takes

READ, WRITE, METADATA = "read", "write", "read of metadata"

Login = Callable[[], Mapping[str, str]]


class VaultError(Exception):
    """Vault refused or did not answer; holds the status, nothing of the reply."""

    def __init__(self, status: int, what: str, *, outdated: bool = False) -> None:
        super().__init__(f"{what}: HTTP {status}")
        self.status = status
        self.missing = what in (READ, METADATA) and status == 404
        self.outdated = outdated  # another one has written since


def _base64(value: str) -> str:
    return b64encode(value.encode()).decode()


def aws_login(role: str, region: str, server_id: str | None) -> Login:
    """For Vault's `aws` auth method of type iam: a signed GetCallerIdentity of the region's STS.

    `server_id`: Vault's `iam_server_id_header_value`, by which it refuses a login that was meant for another Vault."""

    def login() -> Mapping[str, str]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session

        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        url = f"https://sts.{region}.{domain}/"
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Host": url[8:-1]}
        if server_id:
            headers["X-Vault-AWS-IAM-Server-ID"] = server_id
        try:
            credentials = Session().get_credentials()
            held = credentials and credentials.get_frozen_credentials()
        except BotoCoreError as error:
            raise ConnectionError(type(error).__name__) from None
        if held is None:
            raise ConnectionError("the instance has no role")
        request = AWSRequest("POST", url, headers=headers, data=AWS_BODY)
        SigV4Auth(held, "sts", region).add_auth(request)
        return {
            "role": role,
            "iam_http_request_method": "POST",
            "iam_request_url": _base64(url),
            "iam_request_body": _base64(AWS_BODY),
            "iam_request_headers": _base64(json.dumps({name: [value] for name, value in request.headers.items()})),
        }

    return login


def alicloud_login(role: str, credentials: Callable[[], alicloud.Credentials]) -> Login:
    """For Vault's `alicloud` auth method, which finds the role by the caller's ARN."""

    def login() -> Mapping[str, str]:
        query = {"Action": "GetCallerIdentity", "Format": "JSON"}
        headers = alicloud.acs3_headers(
            host=ALICLOUD_STS,
            action="GetCallerIdentity",
            version="2015-04-01",
            query=query,
            credentials=credentials(),
            date=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            nonce=secrets.token_hex(16),
        )
        return {
            "role": role,
            "identity_request_url": _base64(f"https://{ALICLOUD_STS}/?{alicloud.canonical_query(query)}"),
            "identity_request_headers": _base64(json.dumps({name: [value] for name, value in headers.items()})),
        }

    return login


class Vault:
    def __init__(
        self, address: str, *, mount: str, auth_mount: str, login: Login, namespace: str | None, ca: str | None
    ) -> None:
        self._address, self._mount, self._auth_mount, self._login = address.rstrip("/"), mount, auth_mount, login
        self._headers = {"X-Vault-Request": "true", **({"X-Vault-Namespace": namespace} if namespace else {})}
        self._opener = direct.opener(ssl.create_default_context(cadata=ca))
        self._entering = threading.Lock()
        self._token, self._ends = "", 0.0

    def read(self, name: str) -> tuple[dict[str, Any], str]:
        """The newest version's fields, and its number. VaultError that is `missing` if there is none."""
        data = self._ask_entered(READ, "GET", f"{self._mount}/data/{quote(name)}")["data"]
        return data["data"], str(data["metadata"]["version"])

    def metadata(self, name: str) -> dict[str, Any]:
        """`current_version` and `versions`. VaultError that is `missing` if there are none."""
        found: dict[str, Any] = self._ask_entered(METADATA, "GET", f"{self._mount}/metadata/{quote(name)}")["data"]
        return found

    def write(self, name: str, fields: Mapping[str, str], newest: int) -> bool:
        """A new version; False, and nothing written, if `newest` is not the number of the newest one (0: there is none)."""
        body = {"options": {"cas": newest}, "data": fields}
        try:
            self._ask_entered(WRITE, "POST", f"{self._mount}/data/{quote(name)}", body)
        except VaultError as error:
            if error.outdated:
                return False
            raise
        return True

    def _ask_entered(self, what: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        token = self._entered()
        try:
            return self._ask(what, method, path, token, body)
        except VaultError as error:
            if error.status != 403:
                raise
            # The token may have been revoked.
            return self._ask(what, method, path, self._entered(instead_of=token), body)

    def _entered(self, instead_of: str | None = None) -> str:
        """A token that holds; many secrets are read at once, and one login is enough for them."""
        with self._entering:
            if self._token == instead_of or time.monotonic() > self._ends - RENEW_BEFORE:
                began = time.monotonic()
                auth = self._ask("login", "POST", f"auth/{self._auth_mount}/login", None, self._login())["auth"]
                self._token = auth["client_token"]
                self._ends = began + float(auth["lease_duration"]) if auth["lease_duration"] else float("inf")
            return self._token

    def _ask(
        self, what: str, method: str, path: str, token: str | None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        headers = {**self._headers, **({"X-Vault-Token": token} if token else {})}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._address}/v1/{path}", content, headers, method=method)
        try:
            answer: dict[str, Any] = json.loads(direct.send(self._opener, request))
        except urllib.error.HTTPError as error:
            outdated = error.code == 400 and b"check-and-set" in error.read(direct.LARGEST_REPLY)
            error.close()
            raise VaultError(error.code, what, outdated=outdated) from None
        return answer
