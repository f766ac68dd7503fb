"""One HTTP server that is a cloud to a node: metadata service, object storage and secret store, with every check on."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from doubles import logs, scaling, signatures
from doubles.refused import Refused

ROLE = "gateway-node"
MAX_SKEW = timedelta(minutes=15)


@dataclass
class Cloud:
    kind: str  # aws, alicloud
    region: str
    bucket: str = "bundles-of-a-gateway"
    identity: str = field(default_factory=lambda: "ID" + secrets.token_hex(8))
    secret: str = field(default_factory=lambda: secrets.token_hex(20))
    session: str = field(default_factory=lambda: secrets.token_hex(30) + "+/=")
    objects: dict[str, bytes] = field(default_factory=dict)
    secrets: dict[str, tuple[str, str]] = field(default_factory=dict)  # name: version, text
    empty: set[str] = field(default_factory=set)  # secrets that Terraform made, without a value
    leaving: set[str] = field(default_factory=set)  # secrets in their recovery window
    written: dict[str, dict[str, str]] = field(default_factory=dict)  # what callers wrote, by name and version
    made: dict[str, dict[str, str]] = field(default_factory=dict)  # with what callers made secrets
    role_after: int = 0  # so many requests for the role's credentials find none
    denied: set[str] = field(default_factory=set)
    store_away: bool = False  # the secret store answers 503
    store_hangs: threading.Event | None = None  # the secret store answers once it is set
    clock: timedelta = timedelta()  # by how much the cloud's clock is ahead
    log: list[str] = field(default_factory=list)
    kept: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # lines of the log store, by stream
    log_trouble: list[tuple[int, str]] = field(default_factory=list)  # what the log store answers first
    group_waits: bool = False  # the scaling group holds the node back until it says that it serves
    poison: str = ""  # a batch with a line that holds this is refused
    _tokens: set[str] = field(default_factory=set)
    _nonces: set[str] = field(default_factory=set)
    url: str = ""

    @property
    def storage(self) -> str:
        """The bucket's own URL. For AWS in path style, as a double has no names of its own."""
        return f"{self.url}/{self.bucket}" if self.kind == "aws" else self.url

    # -- metadata service, hardened: a token first, and nothing without it
    def metadata(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        token_header = "x-aws-ec2-metadata-token" if self.kind == "aws" else "x-aliyun-ecs-metadata-token"
        base = "/latest/meta-data/iam/" if self.kind == "aws" else "/latest/meta-data/ram/"
        if path == "/latest/api/token":
            if method != "PUT":
                raise Refused(405, "MethodNotAllowed")
            if not 1 <= int(headers.get(token_header + "-ttl-seconds", "0")) <= 21600 or "x-forwarded-for" in headers:
                raise Refused(400, "BadRequest")
            token = secrets.token_urlsafe(32)
            self._tokens.add(token)
            return token.encode()
        if headers.get(token_header) not in self._tokens:
            raise Refused(401 if self.kind == "aws" else 403, "Unauthorized")
        if path == "/latest/meta-data/instance-id":
            return scaling.NODE.encode()
        if not path.startswith(base + "security-credentials/"):
            raise Refused(404, "NotFound")
        if self.role_after > 0:
            self.role_after -= 1
            raise Refused(404, "NotFound")
        name = path.rpartition("/")[2]
        if not name:
            return ROLE.encode()
        if name != ROLE:
            raise Refused(404, "NotFound")
        expires = (datetime.now(timezone.utc) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
        names = ("SecretAccessKey", "Token") if self.kind == "aws" else ("AccessKeySecret", "SecurityToken")
        reply = {"Code": "Success", "AccessKeyId": self.identity, names[0]: self.secret, names[1]: self.session}
        return json.dumps({**reply, "Expiration": expires}).encode()

    # -- what all signed calls share
    def _check(self, authorization: str, algorithm: str, session: str | None, date: str, form: str) -> dict[str, str]:
        said, fields = signatures.parse(authorization)
        if said != algorithm or fields.get("Credential", "").split("/")[0] != self.identity:
            raise Refused(403, "InvalidAccessKeyId")
        if session != self.session:
            raise Refused(403, "InvalidToken")
        moment = datetime.strptime(date, form).replace(tzinfo=timezone.utc)
        if abs(datetime.now(timezone.utc) + self.clock - moment) > MAX_SKEW:
            raise Refused(403, "RequestTimeTooSkewed")
        return fields

    def check_sigv4(self, service: str, method: str, url: Any, headers: dict[str, str]) -> None:
        date = headers["x-amz-date"]
        fields = self._check(
            headers.get("authorization", ""), "AWS4-HMAC-SHA256", headers.get("x-amz-security-token"), date, "%Y%m%dT%H%M%SZ"
        )
        names = fields["SignedHeaders"].split(";")
        if not {"host", "x-amz-date", "x-amz-security-token"} <= set(names):
            raise Refused(403, "AccessDenied")
        if fields["Credential"] != f"{self.identity}/{date[:8]}/{self.region}/{service}/aws4_request":
            raise Refused(400, "AuthorizationHeaderMalformed")
        right = signatures.sigv4(self.secret, service, self.region, method, url.path, url.query, headers, names)
        if right != fields["Signature"]:
            raise Refused(403, "SignatureDoesNotMatch")

    def storage_get(self, method: str, url: Any, headers: dict[str, str]) -> bytes:
        if method != "GET":
            raise Refused(405, "MethodNotAllowed")
        if self.kind == "aws":
            self.check_sigv4("s3", method, url, headers)
            key = url.path.removeprefix(f"/{self.bucket}/")
        else:
            date = headers["x-oss-date"]
            fields = self._check(
                headers.get("authorization", ""),
                "OSS4-HMAC-SHA256",
                headers.get("x-oss-security-token"),
                date,
                "%Y%m%dT%H%M%SZ",
            )
            if fields["Credential"] != f"{self.identity}/{date[:8]}/{self.region}/oss/aliyun_v4_request":
                raise Refused(403, "SignatureDoesNotMatch")
            resource = f"/{self.bucket}{url.path}"
            right = signatures.oss4(self.secret, self.region, method, resource, url.query, headers)
            if right != fields["Signature"]:
                raise Refused(403, "SignatureDoesNotMatch")
            key = url.path.removeprefix("/")
        if key in self.denied or key not in self.objects:
            raise Refused(403, "AccessDenied")  # what a reader without the right to list is told
        if headers.get("if-none-match", "").lower() == f'"{hashlib.md5(self.objects[key]).hexdigest()}"':
            raise Refused(304, "NotModified")
        return self.objects[key]

    def secrets_manager(self, url: Any, headers: dict[str, str], body: bytes) -> bytes:
        if self.store_hangs:
            self.store_hangs.wait(60)
        if self.store_away:
            raise Refused(503, "ServiceUnavailable")
        digest = hashlib.sha256(body).hexdigest()
        self.check_sigv4("secretsmanager", "POST", url, {**headers, "x-amz-content-sha256": digest})
        asked, action = json.loads(body), headers["x-amz-target"].removeprefix("secretsmanager.")
        name = asked["SecretId"]
        if name in self.denied or action not in ("GetSecretValue", "DescribeSecret", "PutSecretValue"):
            raise Refused(400, "AccessDeniedException")
        if name not in self.secrets and name not in self.empty:
            raise Refused(400, "ResourceNotFoundException")
        if name in self.leaving:
            raise Refused(400, "InvalidRequestException", "The secret was marked for deletion.")
        if action == "PutSecretValue":
            version = asked["ClientRequestToken"]
            self._write(name, version, asked["SecretString"], "ResourceExistsException")
            return json.dumps({"Name": name, "VersionId": version}).encode()
        if action == "DescribeSecret":
            stages = {self.secrets[name][0]: ["AWSCURRENT"]} if name in self.secrets else None
            return json.dumps({"Name": name, "VersionIdsToStages": stages}).encode()
        if asked.get("VersionStage") != "AWSCURRENT":
            raise Refused(400, "InvalidRequestException")
        if name not in self.secrets:
            raise Refused(400, "ResourceNotFoundException")
        version, text = self.secrets[name]
        return json.dumps({"Name": name, "VersionId": version, "SecretString": text}).encode()

    def _write(self, name: str, version: str, text: str, taken: str) -> None:
        """Both clouds take a version of one id once; the same value again changes nothing."""
        versions = self.written.setdefault(name, {})
        if versions.setdefault(version, text) != text:
            raise Refused(400, taken)
        self.secrets[name] = (version, text)

    def check_sls4(self, method: str, url: Any, headers: dict[str, str]) -> None:
        date = headers["x-log-date"]
        fields = self._check(
            headers.get("authorization", ""), "SLS4-HMAC-SHA256", headers.get("x-acs-security-token"), date, "%Y%m%dT%H%M%SZ"
        )
        if fields["Credential"] != f"{self.identity}/{date[:8]}/{self.region}/sls/aliyun_v4_request":
            raise Refused(401, "SignatureNotMatch")
        if signatures.sls4(self.secret, self.region, method, url.path, headers) != fields["Signature"]:
            raise Refused(401, "SignatureNotMatch")

    def check_acs3(self, url: Any, headers: dict[str, str], action: str, version: str) -> None:
        fields = self._check(
            headers.get("authorization", ""),
            "ACS3-HMAC-SHA256",
            headers.get("x-acs-security-token"),
            headers["x-acs-date"],
            "%Y-%m-%dT%H:%M:%SZ",
        )
        names = fields["SignedHeaders"].split(";")
        must = {"host"} | {name for name in headers if name.startswith("x-acs-")}
        if not must <= set(names):
            raise Refused(400, "IncompleteSignature")
        if signatures.acs3(self.secret, "POST", url.path, url.query, headers, names) != fields["Signature"]:
            raise Refused(400, "SignatureDoesNotMatch")
        nonce = headers["x-acs-signature-nonce"]
        if nonce in self._nonces:
            raise Refused(400, "SignatureNonceUsed")
        self._nonces.add(nonce)
        if (headers["x-acs-action"], headers["x-acs-version"]) != (action, version):
            raise Refused(404, "InvalidAction.NotFound")

    def kms(self, url: Any, headers: dict[str, str]) -> bytes:
        action = headers["x-acs-action"]
        if action not in ("GetSecretValue", "ListSecretVersionIds", "PutSecretValue", "CreateSecret"):
            raise Refused(404, "InvalidAction.NotFound")
        self.check_acs3(url, headers, action, "2016-01-20")
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        name = asked["SecretName"]
        if name in self.denied:
            raise Refused(403, "Forbidden.NoPermission")
        if action == "CreateSecret":
            if name in self.secrets:
                raise Refused(409, "Rejected.ResourceExist")
            told = ("Description", "EncryptionKeyId", "DKMSInstanceId")
            self.made[name] = {key: asked[key] for key in told if key in asked}
        elif name not in self.secrets:
            raise Refused(404, "Forbidden.ResourceNotFound")
        if action in ("PutSecretValue", "CreateSecret"):
            if asked["SecretDataType"] != "text":
                raise Refused(400, "InvalidParameter")
            self._write(name, asked["VersionId"], asked["SecretData"], "Rejected.ResourceExist")
            return json.dumps({"SecretName": name, "VersionId": asked["VersionId"]}).encode()
        if action == "ListSecretVersionIds":
            version = {"VersionId": self.secrets[name][0], "VersionStages": {"VersionStage": ["ACSCurrent"]}}
            return json.dumps({"SecretName": name, "VersionIds": {"VersionId": [version]}}).encode()
        if asked.get("VersionStage") != "ACSCurrent":
            raise Refused(400, "InvalidParameter")
        version, text = self.secrets[name]
        return json.dumps({"SecretData": text, "SecretDataType": "text", "VersionId": version}).encode()

    # -- the server
    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        url = urlsplit(target)
        xml, action = "", headers.get("x-acs-action")
        try:
            if url.path.startswith("/latest/"):
                return 200, self.metadata(method, url.path, headers)
            if headers.get("x-amz-target", "").startswith(logs.TARGET):
                return 200, logs.cloudwatch(self, url, headers, body)
            if url.path.startswith("/logstores/"):
                return 200, logs.sls(self, url, headers, body)
            if "x-amz-target" in headers:
                return 200, self.secrets_manager(url, headers, body)
            if action and headers.get("accept") != "application/json":
                raise Refused(400, "UnsupportedFormat")  # what the client takes: a service's default may be XML
            if headers.get("x-acs-version") == scaling.ESS_VERSION:
                return 200, scaling.ess(self, url, headers)
            if action:
                return 200, self.kms(url, headers)
            if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
                xml = "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"
                return 200, scaling.ec2(self, url, headers, body)
            xml = "<Error><Code>{}</Code><StringToSign>{}</StringToSign></Error>"
            return 200, self.storage_get(method, url, headers)
        except Refused as error:
            if error.status == 304:
                return 304, b""
            if xml:
                return error.status, xml.format(error.code, error.message or self.session).encode()
            said = {"__type": error.code, "Code": error.code, "errorCode": error.code, "RequestId": "r-1"}
            said["message"] = error.message
            return error.status, json.dumps(said).encode()

    def start(self) -> Callable[[], None]:
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, reply = cloud.answer(self.command, self.path, headers, body)
                cloud.log.append(f"{self.command} {self.path} {status}")
                self.send_response(status)
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_GET = do_PUT = do_POST = _any

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

        def stop() -> None:
            server.shutdown()
            server.server_close()

        return stop
