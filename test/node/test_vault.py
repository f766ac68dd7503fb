"""The real client against a Vault that hands a login's signature on to the cloud, as Vault does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aigw_node import alicloud
from aigw_node.settings import parse
from aigw_node.stores import SecretNotFound, SecretStore, SecretValue, StoreError, VaultKv, open_store
from aigw_node.vault import Vault as Client
from aigw_node.vault import alicloud_login, aws_login

from doubles.certificate import certificate
from doubles.cloud import Cloud
from doubles.vault import Vault
from support import only_the_role, settings_json

NAME = "prod-gateway/openai"
Enter = Callable[..., SecretStore]


@pytest.fixture
def vault(cloud: Cloud) -> Iterator[Vault]:
    vault = Vault(cloud)
    vault.put(NAME, api_key="canary")
    stop = vault.start()
    yield vault
    stop()


@pytest.fixture
def enter(cloud: Cloud, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Enter:
    only_the_role(cloud, monkeypatch)

    def client(role: str = "gateway", server_id: str | None = None, namespace: str | None = None) -> SecretStore:
        login = (
            aws_login(role, cloud.region, server_id)
            if cloud.kind == "aws"
            else alicloud_login(role, alicloud.RoleCredentials(cloud.url))
        )
        mounts = {"mount": vault.mount, "auth_mount": cloud.kind}
        return VaultKv(Client(vault.url, **mounts, login=login, namespace=namespace, ca=None))

    return client


def test_the_instances_role_enters_and_reads(enter: Enter, vault: Vault) -> None:
    store = enter()
    assert store.get(NAME) == SecretValue('{"api_key": "canary"}', "1")
    vault.put(NAME, api_key="canary-2")
    vault.put("prod-gateway/master-key", value="canary-3")
    assert store.get(NAME) == SecretValue('{"api_key": "canary-2"}', "2")
    assert store.get("prod-gateway/master-key").text == "canary-3"
    assert vault.logins == 1


def test_another_role_a_wrong_signature_and_another_vault_are_refused(enter: Enter, vault: Vault, cloud: Cloud) -> None:
    with pytest.raises(StoreError, match="login: HTTP 400"):
        enter(role="other").get(NAME)
    store, cloud.secret = enter(), "x" * 40
    assert store.get(NAME)  # the metadata service gives what the cloud takes
    if cloud.kind == "aws":
        vault.server_id = "vault.example"
        with pytest.raises(StoreError, match="login: HTTP 400"):
            enter(server_id="other.example").get(NAME)
        assert enter(server_id="vault.example").get(NAME)


def test_a_token_that_ended_or_was_revoked_is_replaced(enter: Enter, vault: Vault) -> None:
    store = enter()
    store.get(NAME)
    vault.revoke_all()
    assert store.get(NAME)
    assert vault.logins == 2
    vault.lease = 30  # ends sooner than a token is renewed before its end
    vault.revoke_all()
    assert store.get(NAME)
    assert store.get(NAME)
    assert vault.logins == 4


def test_what_is_not_there_is_told_apart_from_what_is_refused(enter: Enter, vault: Vault) -> None:
    store = enter()
    vault.put("prod-gateway/gone", value="x")
    vault.delete("prod-gateway/gone")
    for name in ("prod-gateway/none", "prod-gateway/gone"):
        with pytest.raises(SecretNotFound):
            store.get(name)
    vault.denied.add(NAME)
    with pytest.raises(StoreError, match="read: HTTP 403") as caught:
        store.get(NAME)
    assert "canary" not in str(caught.value)
    vault.sealed = True
    with pytest.raises(StoreError, match="HTTP 503"):
        store.get(NAME)


def test_a_name_may_need_encoding_and_a_namespace_is_named(enter: Enter, vault: Vault) -> None:
    vault.namespace = "team-a"
    vault.put("prod gateway/a+b=c?", value="x")
    assert enter(namespace="team-a").get("prod gateway/a+b=c?").text == "x"
    with pytest.raises(StoreError):
        enter(namespace="team-b").get(NAME)


@pytest.mark.parametrize("cloud", ["aws"], indirect=True)
def test_settings_open_it_behind_a_certificate_of_ones_own(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_the_role(cloud, monkeypatch)
    own, vault = certificate(tmp_path), Vault(cloud)
    vault.put(NAME, value="canary")
    stop = vault.start(own)
    store = {"kind": "vault", "address": vault.url, "mount": "secret", "auth": {"method": "aws", "role": "gateway"}}
    trusted = {**store, "caCertificate": own.file.read_text()}
    assert open_store(parse(settings_json(store=trusted)).store).get(NAME).text == "canary"
    with pytest.raises(StoreError, match="URLError"):
        open_store(parse(settings_json(store=store)).store).get(NAME)
    stop()


def test_a_vault_out_of_reach_is_a_store_error() -> None:
    store = {"kind": "vault", "address": "http://127.0.0.1:1", "mount": "kv", "auth": {"method": "alicloud", "role": "r"}}
    with pytest.raises(StoreError, match=NAME):
        open_store(parse(settings_json(store=store)).store).get(NAME)
