"""Prisma's Python client for LiteLLM's schema, made on the node without Node.js.

What only Prisma's command line (Node.js) can tell, the parsed schema, is recorded once beside the lock file, by
`python -m aigw_node prisma-client record`. From that record `make` writes the client into this Python's `prisma` package."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aigw_node.errors import NodeError


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise NodeError(f"the package {name} is not installed")
    return Path(spec.origin).parent


def _schema() -> Path:
    return _package("litellm") / "proxy" / "schema.prisma"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record(out: Path) -> None:
    """Runs `prisma generate` (Node.js on PATH) and keeps of it what `make` needs. For whoever makes a lock file."""
    schema, debug = _schema(), _package("prisma") / "generator" / "debug-params.json"
    environment = {**os.environ, "PRISMA_PY_DEBUG_GENERATOR": "1"}
    try:
        subprocess.run(["prisma", "generate", "--schema", str(schema)], env=environment, check=True)
        said: dict[str, Any] = json.loads(debug.read_text(encoding="utf-8"))
    finally:
        for left in debug.parent.glob("debug-*.json"):
            left.unlink()
    datamodel = said["dmmf"]["datamodel"]
    lines = ",\n".join(json.dumps(model, separators=(",", ":")) for model in datamodel["models"])
    rest = {
        "engine": said["version"],
        "schemaSha256": _sha256(schema),
        "config": said["generator"]["config"],
        "enums": datamodel["enums"],
        "enumTypes": said["dmmf"]["schema"]["enumTypes"]["prisma"],
    }
    head = ",\n".join(f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in rest.items())
    out.write_text(f'{{\n{head},\n"models": [\n{lines}\n]\n}}\n', encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def make(path: Path) -> None:
    """Writes the client. The record must be of the very schema that is installed."""
    recorded, schema = read(path), _schema()
    if recorded["schemaSha256"] != _sha256(schema):
        raise NodeError(f"{path.name} was recorded for another LiteLLM: record it anew with the lock file")
    from prisma._compat import model_parse
    from prisma.generator.generator import Generator
    from prisma.generator.models import PythonData

    text = schema.read_text(encoding="utf-8")
    own_file = {"sourceFilePath": str(schema)}
    said = {
        "datamodel": text,
        "version": recorded["engine"],
        "schemaPath": str(schema),
        "generator": {
            "name": "client",
            "provider": {"fromEnvVar": None, "value": "prisma-client-py"},
            "output": {"fromEnvVar": None, "value": str(_package("prisma"))},
            "config": recorded["config"],
            "binaryTargets": [],
            "previewFeatures": [],
            **own_file,
        },
        "dmmf": {
            "datamodel": {"enums": recorded["enums"], "models": recorded["models"], "types": []},
            "schema": {"enumTypes": {"prisma": recorded["enumTypes"]}},
        },
        "datasources": [
            {
                "name": "client",
                "provider": "postgresql",
                "activeProvider": "postgresql",
                "url": {"fromEnvVar": "DATABASE_URL", "value": None},
                **own_file,
            }
        ],
        "otherGenerators": [],
        "binaryPaths": {"queryEngine": {}},
    }
    sys.stdout.flush()
    Generator().generate(model_parse(PythonData, said))
