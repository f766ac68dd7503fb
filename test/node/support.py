"""Settings and stores for tests."""

from __future__ import annotations

import copy
import os
from typing import Any, NoReturn

import pytest
from aigw_node.settings import Settings, parse
from aigw_node.stores import SecretNotFound, SecretValue

from doubles.cloud import Cloud

SETTINGS: dict[str, Any] = {
    "version": 1,
    "name": "prod-gateway",
    "cloud": "aws",
    "region": "eu-west-1",
    "store": {"kind": "aws-secrets-manager"},
    "secrets": [
        {"name": "prod-gateway/openai", "fields": [{"field": "api_key", "environment": "AIGW_OPENAI_API_KEY"}]},
        {"name": "prod-gateway/master-key", "fields": [{"field": None, "environment": "LITELLM_MASTER_KEY"}]},
        {"name": "prod-gateway/salt-key", "fields": [{"environment": "LITELLM_SALT_KEY"}]},
    ],
    "database": {"host": "db.internal", "name": "litellm", "user": "litellm", "secret": "prod-gateway/database"},
    "ports": {"agents": 4000, "admin": 4001},
    "workers": 1,
    "routes": {
        "agents": [{"method": "POST", "path": "/v1/chat/completions"}],
        "admin": [{"method": "POST", "path": "/key/generate"}],
    },
}


def settings_json(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SETTINGS), **changes}


def settings(**changes: Any) -> Settings:
    return parse(settings_json(**changes))


class MemoryStore:
    def __init__(self, **texts: str) -> None:
        self.texts = {f"prod-gateway/{name.replace('_', '-')}": text for name, text in texts.items()}
        self.version = 1

    def get(self, name: str) -> SecretValue:
        if name not in self.texts:
            raise SecretNotFound(name)
        return SecretValue(self.texts[name], f"v{self.version}")


def whole_store() -> MemoryStore:
    return MemoryStore(openai='{"api_key": "canary-1"}', master_key="canary-2", salt_key="canary-3", database="canary-4")


def only_the_role(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's own credential chain finds nothing but the metadata service of the double."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", cloud.url)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


def lacking(what: str) -> NoReturn:
    """A part whose tool is missing says which; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
