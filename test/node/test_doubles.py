"""What the boots of test_synthesized.py rest on: the stores' doubles refuse a wrong signature and another action."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from aigw_node import alicloud
from aigw_node.alicloud import Api, ApiError, Credentials, RoleCredentials
from aigw_node.stores import KMS_VERSION
from aigw_node.vault import Vault as Client
from aigw_node.vault import VaultError, alicloud_login, aws_login

from doubles.cloud import Cloud
from doubles.vault import Vault

NAME = "prod-gateway/openai"
AWS_NAMES = {"identity": "AWS_ACCESS_KEY_ID", "secret": "AWS_SECRET_ACCESS_KEY", "session": "AWS_SESSION_TOKEN"}
ON_ALICLOUD = pytest.mark.parametrize("cloud", ["alicloud"], indirect=True)


def read(cloud: Cloud, role: Credentials) -> dict[str, Any]:
    return Api(cloud.url, KMS_VERSION, lambda: role).call("GetSecretValue", SecretName=NAME, VersionStage="ACSCurrent")


@pytest.fixture
def role(cloud: Cloud) -> Credentials:
    cloud.secrets[NAME] = ("v1", "canary")
    return RoleCredentials(cloud.url)()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"secret": "x" * 40}, "SignatureDoesNotMatch"),
        ({"session": "x"}, "InvalidToken"),
        ({"identity": "ID-of-another"}, "InvalidAccessKeyId"),
    ],
)
@ON_ALICLOUD
def test_kms_refuses_whom_it_does_not_know(cloud: Cloud, role: Credentials, change: dict[str, Any], refusal: str) -> None:
    assert read(cloud, role)["SecretData"] == "canary"
    with pytest.raises(ApiError, match=refusal):
        read(cloud, replace(role, **change))


@pytest.mark.parametrize("change", [{"action": "ListSecrets"}, {"version": "2015-04-01"}])
@ON_ALICLOUD
def test_kms_refuses_another_action(
    cloud: Cloud, role: Credentials, change: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    signed: Callable[..., dict[str, str]] = alicloud.acs3_headers
    monkeypatch.setattr(alicloud, "acs3_headers", lambda **given: signed(**{**given, **change}))
    with pytest.raises(ApiError, match=r"InvalidAction\.NotFound"):
        read(cloud, role)


@ON_ALICLOUD
def test_kms_refuses_what_is_old_or_came_before(cloud: Cloud, role: Credentials, monkeypatch: pytest.MonkeyPatch) -> None:
    signed: Callable[..., dict[str, str]] = alicloud.acs3_headers
    monkeypatch.setattr(alicloud, "acs3_headers", lambda **given: signed(**{**given, "nonce": "always this one"}))
    assert read(cloud, role)
    with pytest.raises(ApiError, match="SignatureNonceUsed"):
        read(cloud, role)
    old = datetime(2020, 1, 1, tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    fresh = {"date": old, "nonce": secrets.token_hex(16)}
    monkeypatch.setattr(alicloud, "acs3_headers", lambda **given: signed(**{**given, **fresh}))
    with pytest.raises(ApiError, match="RequestTimeTooSkewed"):
        read(cloud, role)


def test_vault_refuses_a_login_with_a_wrong_signature(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(cloud)
    vault.put(NAME, value="canary")
    stop = vault.start()

    def enter(credentials: Credentials) -> Client:
        for name in ("identity", "secret", "session"):
            monkeypatch.setenv(AWS_NAMES[name], getattr(credentials, name))
        logins = {
            "aws": aws_login(vault.role, cloud.region, None),
            "alicloud": alicloud_login(vault.role, lambda: credentials),
        }
        return Client(vault.url, mount=vault.mount, auth_mount=cloud.kind, login=logins[cloud.kind], namespace=None, ca=None)

    right = Credentials(cloud.identity, cloud.secret, cloud.session, 0)
    assert enter(right).read(NAME) == ({"value": "canary"}, "1")
    with pytest.raises(VaultError, match=r"login: HTTP 40[03]"):
        enter(replace(right, secret="x" * 40)).read(NAME)
    stop()
