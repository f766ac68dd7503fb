"""An object of the gateway's bucket, read again and again with the instance's role."""

from __future__ import annotations

import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Protocol
from urllib.parse import quote, urlsplit

from aigw_node import alicloud, direct
from aigw_node.alicloud import Credentials
from aigw_node.settings import ProvisioningSettings

LARGEST = 16 << 20
NOT_MODIFIED = 304


class ObjectError(Exception):
    """The object can not be read; holds an error code."""


class WatchedObject(Protocol):
    def read(self, known: bytes | None) -> bytes | None:
        """What it holds; None if that is what is `known` already."""


def _etag(content: bytes) -> str:
    """Of an object that was put at once and is not encrypted by a key of KMS. Of another one it is no match: then all of
    the object comes, and is compared."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class S3Object:
    def __init__(self, settings: ProvisioningSettings) -> None:
        from boto3.session import Session
        from botocore.config import Config

        retries = {"mode": "standard", "total_max_attempts": 3}
        config = Config(connect_timeout=5, read_timeout=10, retries=retries)
        if settings.endpoint:
            config = config.merge(Config(s3={"addressing_style": "path"}))
        self._client = Session().client("s3", region_name=settings.region, endpoint_url=settings.endpoint, config=config)
        self._place = {"Bucket": settings.bucket, "Key": settings.key}

    def read(self, known: bytes | None) -> bytes | None:
        from botocore.exceptions import BotoCoreError, ClientError

        condition = {} if known is None else {"IfNoneMatch": f'"{_etag(known)}"'}
        try:
            reply = self._client.get_object(**self._place, **condition)
            content: bytes = reply["Body"].read(LARGEST)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == NOT_MODIFIED:
                return None
            raise ObjectError(str(error.response.get("Error", {}).get("Code", "unknown"))) from None
        except (BotoCoreError, OSError) as error:
            raise ObjectError(type(error).__name__) from None
        return None if content == known else content


class OssObject:
    def __init__(self, settings: ProvisioningSettings, credentials: Callable[[], Credentials]) -> None:
        self._base = settings.endpoint or f"https://{settings.bucket}.oss-{settings.region}-internal.aliyuncs.com"
        self._path, self._bucket, self._region = "/" + quote(settings.key, safe="/-_.~"), settings.bucket, settings.region
        self._credentials, self._opener = credentials, direct.opener()

    def read(self, known: bytes | None) -> bytes | None:
        url = urlsplit(self._base.rstrip("/") + self._path)
        try:
            moment = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
            headers = oss4_headers(f"/{self._bucket}{url.path}", self._region, self._credentials(), moment)
            if known is not None:
                headers["If-None-Match"] = f'"{_etag(known).upper()}"'
            content = direct.send(self._opener, urllib.request.Request(url.geturl(), headers=headers), LARGEST)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == NOT_MODIFIED:
                return None
            raise ObjectError(f"HTTP {error.code}") from None
        except (OSError, ValueError, KeyError) as error:
            raise ObjectError(type(error).__name__) from None
        return None if content == known else content


def oss4_headers(resource: str, region: str, credentials: Credentials, moment: str) -> dict[str, str]:
    """The headers of a GET of an object, signed with OSS4-HMAC-SHA256; `resource` is /bucket/key, encoded."""
    payload = "UNSIGNED-PAYLOAD"
    signed = {"x-oss-content-sha256": payload, "x-oss-date": moment}
    if credentials.session:
        signed["x-oss-security-token"] = credentials.session
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    canonical = "\n".join(["GET", resource, "", lines, "", payload])
    scope = f"{moment[:8]}/{region}/oss/aliyun_v4_request"
    text = f"OSS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("aliyun_v4" + credentials.secret).encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return {**signed, "Authorization": f"OSS4-HMAC-SHA256 Credential={credentials.identity}/{scope},Signature={key.hex()}"}


def open_object(settings: ProvisioningSettings, cloud: str) -> WatchedObject:
    return S3Object(settings) if cloud == "aws" else OssObject(settings, alicloud.RoleCredentials(alicloud.METADATA))
