"""The clouds' request signatures, computed from a received request: written apart from the code under test, and held
against the vendors' published vectors in test_signatures.py."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _chain(key: str, *parts: str) -> bytes:
    value = key.encode()
    for part in parts:
        value = hmac.digest(value, part.encode(), "sha256")
    return value


def _query(raw: str, *, bare_empty: bool = False) -> str:
    pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in parse_qsl(raw, keep_blank_values=True))
    return "&".join(k if bare_empty and not v else f"{k}={v}" for k, v in pairs)


def sigv4(
    secret: str,
    service: str,
    region: str,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    names: Iterable[str],
) -> str:
    """AWS Signature Version 4. `path` as it was sent; S3 does not encode it a second time."""
    date = headers["x-amz-date"]
    listed = sorted(names)
    canonical = f"{method}\n{path}\n{_query(query)}\n"
    canonical += "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in listed)
    canonical += f"\n{';'.join(listed)}\n{headers['x-amz-content-sha256']}"
    text = f"AWS4-HMAC-SHA256\n{date}\n{date[:8]}/{region}/{service}/aws4_request\n{_sha256(canonical)}"
    return _chain("AWS4" + secret, date[:8], region, service, "aws4_request", text).hex()


def oss4(
    secret: str,
    region: str,
    method: str,
    resource: str,
    query: str,
    headers: Mapping[str, str],
    additional: Iterable[str] = (),
) -> str:
    """OSS Signature Version 4. `resource` is /bucket/key, encoded; what is signed beside the x-oss- headers is listed."""
    date, extra = headers["x-oss-date"], sorted(additional)
    signed = sorted(
        name for name in headers if name.startswith("x-oss-") or name in ("content-type", "content-md5") or name in extra
    )
    canonical = f"{method}\n{resource}\n{_query(query, bare_empty=True)}\n"
    canonical += "".join(f"{name}:{headers[name].strip()}\n" for name in signed)
    canonical += f"\n{';'.join(extra)}\n{headers['x-oss-content-sha256']}"
    text = f"OSS4-HMAC-SHA256\n{date}\n{date[:8]}/{region}/oss/aliyun_v4_request\n{_sha256(canonical)}"
    return _chain("aliyun_v4" + secret, date[:8], region, "oss", "aliyun_v4_request", text).hex()


def sls4(secret: str, region: str, method: str, path: str, headers: Mapping[str, str], query: str = "") -> str:
    """Signature version 4 of SLS: of a received request, it signs the host, the content type, and what is SLS's own."""
    listed = sorted(name for name in headers if name in {"host", "content-type"} or name.startswith(("x-log-", "x-acs-")))
    canonical = f"{method}\n{path}\n{query}\n"
    canonical += "".join(f"{name}:{headers[name]}\n" for name in listed)
    canonical += f"\n{';'.join(listed)}\n{headers['x-log-content-sha256']}"
    date = headers["x-log-date"]
    text = f"SLS4-HMAC-SHA256\n{date}\n{date[:8]}/{region}/sls/aliyun_v4_request\n{_sha256(canonical)}"
    return _chain("aliyun_v4" + secret, date[:8], region, "sls", "aliyun_v4_request", text).hex()


def acs3(secret: str, method: str, path: str, query: str, headers: Mapping[str, str], names: Iterable[str]) -> str:
    """Alibaba's OpenAPI signature, version 3."""
    listed = sorted(names)
    canonical = f"{method}\n{path}\n{_query(query)}\n"
    canonical += "".join(f"{name}:{headers[name].strip()}\n" for name in listed)
    canonical += f"\n{';'.join(listed)}\n{headers['x-acs-content-sha256']}"
    return _chain(secret, f"ACS3-HMAC-SHA256\n{_sha256(canonical)}").hex()


def parse(authorization: str) -> tuple[str, dict[str, str]]:
    algorithm, _, rest = authorization.partition(" ")
    return algorithm, dict(re.findall(r"(\w+)=([^,\s]+)", rest))
