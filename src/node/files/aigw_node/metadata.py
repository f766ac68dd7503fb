"""What a machine knows of itself: the metadata service of either cloud, in hardened mode (a token first)."""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass

from aigw_node import direct

AWS = "http://169.254.169.254"
AWS_ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"  # as boto3 reads it
LIFETIME = "300"

_OPENER = direct.opener()


@dataclass(frozen=True)
class Metadata:
    base: str
    token_header: str

    @classmethod
    def aws(cls) -> Metadata:
        return cls(os.environ.get(AWS_ENDPOINT, AWS).rstrip("/"), "X-aws-ec2-metadata-token")

    @classmethod
    def alicloud(cls, base: str) -> Metadata:
        return cls(base, "X-aliyun-ecs-metadata-token")

    def get(self, path: str) -> str:
        """The text at a path below meta-data/. OSError if there is none."""
        token = self._send("PUT", "api/token", {f"{self.token_header}-ttl-seconds": LIFETIME})
        return self._send("GET", f"meta-data/{path}", {self.token_header: token})

    def _send(self, method: str, path: str, headers: dict[str, str]) -> str:
        request = urllib.request.Request(f"{self.base}/latest/{path}", headers=headers, method=method)
        return direct.send(_OPENER, request).decode()
