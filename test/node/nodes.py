"""A node made of a config and settings of a test's own, installed by its own files from the double of a cloud."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from booting import install
from conftest import FILES
from doubles.cloud import Cloud


def bundle(config: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        names = ["install.sh", "aigw.service", "aigw-ship.service", "requirements.lock", "prisma-client.json", "README.md"]
        paths = [FILES / name for name in names] + sorted(
            path for path in (FILES / "aigw_node").rglob("*") if path.suffix in (".py", ".json", ".typed")
        )
        parts = {str(path.relative_to(FILES)): path.read_bytes() for path in paths}
        for name, content in {**parts, "config.yaml": config.encode()}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755 if name == "install.sh" else 0o644
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def put_node(cloud: Cloud, root: Path, config: str, settings: dict[str, Any], engine: str) -> float:
    """Puts bundle and settings into the cloud and boots an instance up to its service; the seconds that it took."""
    put = {"bundle": bundle(config), "settings": json.dumps(settings).encode()}
    node: dict[str, Any] = {"cloud": "aws", "region": "eu-west-1", "bucket": cloud.bucket, "endpoint": cloud.storage}
    node |= {"metadata": cloud.url, "home": str(root / "opt/aigw")}
    for name, content in put.items():
        digest = hashlib.sha256(content).hexdigest()
        node[name] = {"key": f"{name}/{digest}", "sha256": digest}
        cloud.objects[node[name]["key"]] = content
    return install(root, FILES / "fetch.py", node, engine)
