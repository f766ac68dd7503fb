"""Where the secrets of a gateway lie, for tests that boot it from each store: what settings.json says of the store, and
how a value gets into it and out of it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doubles.certificate import Certificate
from doubles.cloud import Cloud
from doubles.moto import Moto
from doubles.vault import Vault

Value = str | dict[str, str]  # a text, or fields


@dataclass(frozen=True)
class Store:
    settings: dict[str, Any]
    put: Callable[[str, Value], None]
    remove: Callable[[str], object]
    program: list[str] = field(default_factory=lambda: ["-m", "aigw_node"])


def _text(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def in_moto(moto: Moto, cloud: Cloud, settings: dict[str, Any], actions: list[str]) -> Store:
    """Moto's Secrets Manager. The cloud hands out what moto gave the role, and checks the bundle's reads against it."""
    role = moto.assume("gateway-node", actions)
    cloud.identity, cloud.secret, cloud.session = role.identity, role.secret, str(role.session)
    return Store(settings | {"endpoint": moto.url}, lambda name, value: moto.put(name, _text(value)), moto.remove)


def in_kms(cloud: Cloud, settings: dict[str, Any]) -> Store:
    versions = itertools.count(1)

    def put(name: str, value: Value) -> None:
        cloud.secrets[name] = (f"v{next(versions)}", _text(value))

    program = [str(Path(__file__).parent / "placed.py"), cloud.url]
    return Store(settings | {"endpoint": cloud.url}, put, cloud.secrets.pop, program)


def in_vault(cloud: Cloud, own: Certificate, ends: ExitStack) -> Store:
    vault = Vault(cloud, server_id="vault.internal")
    ends.callback(vault.start(own))

    def put(name: str, value: Value) -> None:
        vault.put(name, **({"value": value} if isinstance(value, str) else value))

    settings = {
        "kind": "vault",
        "address": vault.url,
        "mount": vault.mount,
        "caCertificate": own.file.read_text(),
        "auth": {"method": "aws", "role": vault.role, "serverId": vault.server_id},
    }
    return Store(settings, put, vault.delete)
