"""A synthesized stack, with Terraform's part done: its locals and objects as they are once Terraform has applied them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OBJECTS = ("aws_s3_object", "alicloud_oss_bucket_object")
PROJECT = Path(__file__).resolve().parents[2]
TEMPLATE = re.compile(r"(\$\$|%%)\{|\$\{([^{}]*)\}")


def synthesize(program: str, out: Path) -> None:
    """Runs a program of the project into a folder."""
    node = shutil.which("node")
    assert node, "node is not on PATH: the stack can not be synthesized"
    assert (PROJECT / "node_modules/tsx").is_dir(), f"{PROJECT}/node_modules is missing: run `npm ci` first"
    environment = {**os.environ, "CDKTF_OUTDIR": str(out)}
    done = subprocess.run([node, "--import", "tsx", program], cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Stack:
    def __init__(self, folder: Path, known: Mapping[str, str]) -> None:
        """`known`: what the cloud would tell, by resource type and attribute."""
        self._folder, self._known = folder, known
        self._document: dict[str, Any] = json.loads((folder / "cdk.tf.json").read_text())
        self._replaced: dict[str, str] = {}

    def _name(self, part: str) -> str:
        (name,) = [name for name in self._document["locals"] if f"_{part}_" in name]
        return str(name)

    def local(self, part: str) -> str:
        """The value of the one local whose name has this part."""
        return self._local(self._name(part))

    def replace(self, part: str, value: str) -> None:
        self._replaced[self._name(part)] = value

    def granted(self) -> list[str]:
        """The actions that the role of a node on AWS may take."""
        policies = [json.loads(item["policy"]) for item in self.resources("aws_iam_role_policy")]
        return [action for policy in policies for statement in policy["Statement"] for action in statement["Action"]]

    def resources(self, kind: str) -> list[dict[str, Any]]:
        return list(self._document["resource"].get(kind, {}).values())

    def objects(self) -> dict[str, bytes]:
        """What lies in the gateway's bucket, by key."""
        return {
            self._text(item["key"]): (self._folder / self._text(item["source"])).read_bytes()
            if "source" in item
            else self._text(item["content"]).encode()
            for kind in OBJECTS
            for item in self.resources(kind)
        }

    def _local(self, name: str) -> str:
        return self._replaced[name] if name in self._replaced else self._text(self._document["locals"][name])

    def _text(self, template: str) -> str:
        return TEMPLATE.sub(lambda match: match[1][0] + "{" if match[1] else self._value(match[2]), template)

    def _value(self, expression: str) -> str:
        if match := re.fullmatch(r"local\.(\w+)", expression):
            return self._local(match[1])
        if match := re.fullmatch(r"sha256\((.+)\)", expression):
            return hashlib.sha256(self._value(match[1]).encode()).hexdigest()
        kind, _, attribute = expression.split(".")
        return self._known[f"{kind}.{attribute}"]
