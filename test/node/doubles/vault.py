"""HashiCorp Vault as a node uses it: login by the cloud's signed "who am I", KV v2, tokens that end."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from doubles import signatures
from doubles.certificate import Certificate
from doubles.cloud import Cloud
from doubles.refused import Refused

AWS_BODY = "Action=GetCallerIdentity&Version=2011-06-15"


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()


@dataclass
class Vault:
    cloud: Cloud
    role: str = "gateway"
    mount: str = "secret"
    server_id: str | None = None
    namespace: str | None = None
    lease: int = 3600
    sealed: bool = False
    denied: set[str] = field(default_factory=set)
    writable: str = ""  # what the names begin with that may be written and whose metadata may be read
    versions: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)  # None: deleted
    logins: int = 0
    url: str = ""
    _tokens: dict[str, float] = field(default_factory=dict)

    def put(self, name: str, **fields: Any) -> None:
        self.versions.setdefault(name, []).append(fields)

    def delete(self, name: str) -> None:
        self.versions[name][-1] = None

    def revoke_all(self) -> None:
        self._tokens.clear()

    def _login(self, body: dict[str, str]) -> dict[str, Any]:
        self.logins += 1
        if self.cloud.kind == "aws":
            self._check_aws(body)
        else:
            self._check_alicloud(body)
        if body["role"] != self.role:
            raise Refused(400, "entry for role not found")
        token = "hvs." + secrets.token_urlsafe(24)
        self._tokens[token] = time.monotonic() + self.lease
        return {"auth": {"client_token": token, "lease_duration": self.lease, "renewable": True}}

    def _check_aws(self, body: dict[str, str]) -> None:
        """As Vault does: it hands the signed request on to STS, which checks the signature."""
        url = urlsplit(_decoded(body["iam_request_url"]))
        content = _decoded(body["iam_request_body"])
        headers = {name.lower(): values[0] for name, values in json.loads(_decoded(body["iam_request_headers"])).items()}
        if body["iam_http_request_method"] != "POST" or content != AWS_BODY:
            raise Refused(400, "no GetCallerIdentity")
        if (url.scheme, url.path, url.query) != ("https", "/", "") or headers["host"] != url.netloc:
            raise Refused(400, "wrong URL")
        if url.netloc != f"sts.{self.cloud.region}.amazonaws.com":
            raise Refused(400, "no STS of this region")
        if self.server_id is not None:
            listed = signatures.parse(headers["authorization"])[1]["SignedHeaders"].split(";")
            if headers.get("x-vault-aws-iam-server-id") != self.server_id or "x-vault-aws-iam-server-id" not in listed:
                raise Refused(400, "meant for another Vault")
        digest = hashlib.sha256(content.encode()).hexdigest()
        self.cloud.check_sigv4("sts", "POST", url, {**headers, "x-amz-content-sha256": digest})

    def _check_alicloud(self, body: dict[str, str]) -> None:
        url = urlsplit(_decoded(body["identity_request_url"]))
        headers = {
            name.lower(): values[0] for name, values in json.loads(_decoded(body["identity_request_headers"])).items()
        }
        if (url.scheme, url.netloc) != ("https", "sts.aliyuncs.com"):
            raise Refused(400, "no STS")
        if "Action=GetCallerIdentity" not in url.query.split("&") or "Format=JSON" not in url.query.split("&"):
            raise Refused(400, "no GetCallerIdentity")
        self.cloud.check_acs3(url, headers, "GetCallerIdentity", "2015-04-01")

    def _check_token(self, token: str | None, name: str, *, writes: bool) -> None:
        if self._tokens.get(token or "", 0) < time.monotonic() or name in self.denied:
            raise Refused(403, "permission denied")
        rest = name.removeprefix(self.writable)
        if writes and (not self.writable or rest == name or "/" in rest):
            raise Refused(403, "permission denied")

    def _write(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        versions = self.versions.setdefault(name, [])
        if body["options"]["cas"] != len(versions):
            raise Refused(400, "check-and-set parameter did not match the current version")
        versions.append(body["data"])
        return {"data": {"version": len(versions)}}

    def _metadata(self, name: str) -> dict[str, Any]:
        versions = self.versions.get(name)
        if not versions:
            raise Refused(404, "")
        deleted = ["2026-01-01T00:00:00.000000001Z" if fields is None else "" for fields in versions]
        told = {str(number): {"deletion_time": time, "destroyed": False} for number, time in enumerate(deleted, 1)}
        return {"data": {"current_version": len(versions), "versions": told}}

    def _read(self, name: str) -> dict[str, Any]:
        versions = self.versions.get(name)
        if not versions or versions[-1] is None:
            raise Refused(404, "")
        return {"data": {"data": versions[-1], "metadata": {"version": len(versions), "destroyed": False}}}

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            if self.sealed:
                raise Refused(503, "Vault is sealed")
            if headers.get("x-vault-request") != "true":
                raise Refused(412, "X-Vault-Request is missing")
            if headers.get("x-vault-namespace") != self.namespace:
                raise Refused(404, "no handler")
            if (method, path) == ("POST", f"/v1/auth/{self.cloud.kind}/login"):
                return 200, self._login(json.loads(body))
            for kind in ("data", "metadata"):
                folder = f"/v1/{self.mount}/{kind}/"
                if not path.startswith(folder) or (method, kind) == ("POST", "metadata"):
                    continue
                name, writes = unquote(path.removeprefix(folder)), (method, kind) != ("GET", "data")
                self._check_token(headers.get("x-vault-token"), name, writes=writes)
                if writes:
                    return 200, self._write(name, json.loads(body)) if kind == "data" else self._metadata(name)
                return 200, self._read(name)
            raise Refused(404, "no handler")
        except Refused as error:
            return error.status, {"errors": [error.code]}

    def start(self, own: Certificate | None = None) -> Callable[[], None]:
        vault = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, reply = vault.answer(self.command, self.path, headers, body)
                content = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _any

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if own:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(own.file, own.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        self.url = f"{'https' if own else 'http'}://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

        def stop() -> None:
            server.shutdown()
            server.server_close()

        return stop
