"""The real clients of the stores as writers of the agents' keys, against doubles that refuse what the stores refuse."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from aigw_node import alicloud
from aigw_node.agent_secrets import AgentSecrets, NoKey
from aigw_node.stores import AlicloudKms, AwsSecretsManager, NewSecrets, StoreError, VaultKv, WritableStore
from aigw_node.vault import Vault as Client
from aigw_node.vault import alicloud_login, aws_login

from doubles.cloud import Cloud
from doubles.vault import Vault
from support import only_the_role

BELOW = "prod-gateway/agents/"
NAME = f"{BELOW}research-agent"
NEW = NewSecrets("LLM gateway prod-gateway: the key of an agent", "key-1", "kst-1")


@dataclass
class Rig:
    cloud: Cloud
    store: WritableStore
    vault: Vault | None = None

    @property
    def secrets(self) -> AgentSecrets:
        return AgentSecrets(self.store, BELOW)

    def put(self, text: str) -> None:
        if self.vault:
            self.vault.put(NAME, value=text)
        else:
            self.cloud.secrets[NAME] = ("by-hand", text)

    def text(self) -> str:
        return self.store.get(NAME).text

    def writes(self) -> int:
        return len(self.vault.versions.get(NAME, [])) if self.vault else len(self.cloud.written.get(NAME, {}))


@pytest.fixture(params=["its-own", "vault"])
def rig(request: pytest.FixtureRequest, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    only_the_role(cloud, monkeypatch)
    cloud.empty = {NAME}
    if request.param == "its-own":
        own = (
            AwsSecretsManager(cloud.region, cloud.url)
            if cloud.kind == "aws"
            else AlicloudKms(cloud.region, cloud.url, cloud.url, NEW)
        )
        yield Rig(cloud, own)
        return
    vault = Vault(cloud, writable=BELOW)
    stop = vault.start()
    login = (
        aws_login(vault.role, cloud.region, None)
        if cloud.kind == "aws"
        else alicloud_login(vault.role, alicloud.RoleCredentials(cloud.url))
    )
    client = Client(vault.url, mount=vault.mount, auth_mount=cloud.kind, login=login, namespace=None, ca=None)
    yield Rig(cloud, VaultKv(client), vault)
    stop()


def test_a_key_is_made_once_and_read_from_then_on(rig: Rig) -> None:
    assert rig.secrets.key("research-agent") is None
    made = rig.secrets.key_or_new("research-agent")
    assert made.startswith("sk-")
    assert len(made) == 51
    assert rig.text() == made
    assert [rig.secrets.key("research-agent"), rig.secrets.key_or_new("research-agent")] == [made, made]
    assert rig.writes() == 1


def test_a_first_value_is_given_once(rig: Rig) -> None:
    assert rig.store.put_first(NAME, "one")
    assert not rig.store.put_first(NAME, "two")
    rig.put("by-hand")
    assert not rig.store.put_first(NAME, "three")
    assert rig.text() == "by-hand"


def test_of_many_that_make_a_key_at_once_all_get_the_same(rig: Rig) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(lambda _: rig.secrets.key_or_new("research-agent"), range(4)))
    assert len(set(keys)) == 1


def test_a_key_is_revoked_once_and_made_anew_where_the_agent_comes_back(rig: Rig) -> None:
    assert not rig.secrets.retire("research-agent")
    first = rig.secrets.key_or_new("research-agent")
    assert rig.secrets.retire("research-agent")
    assert rig.text().startswith("revoked 2")
    assert rig.secrets.key("research-agent") is None
    assert not rig.secrets.retire("research-agent")
    again = rig.secrets.key_or_new("research-agent")
    assert again != first
    assert rig.text() == again


def test_a_value_that_is_no_key_is_left_alone_and_not_shown(rig: Rig) -> None:
    rig.put("canary")
    with pytest.raises(NoKey, match=f"{NAME}: its value is no key") as caught:
        rig.secrets.key_or_new("research-agent")
    assert "canary" not in str(caught.value)
    assert rig.text() == "canary"


def test_a_refusal_names_the_secret_and_not_what_was_to_be_written(rig: Rig) -> None:
    rig.cloud.denied.add(NAME)
    if rig.vault:
        rig.vault.denied.add(NAME)
    with pytest.raises(StoreError, match=NAME) as caught:
        rig.secrets.key_or_new("research-agent")
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("rig", ["its-own"], indirect=True)
@pytest.mark.parametrize("cloud", ["aws"], indirect=True)
def test_a_secret_that_terraform_has_not_made_yet_is_told(rig: Rig) -> None:
    rig.cloud.empty.clear()
    with pytest.raises(NoKey, match=f"{NAME}: there is no such secret; apply the stack"):
        rig.secrets.key_or_new("research-agent")


@pytest.mark.parametrize("rig", ["its-own"], indirect=True)
@pytest.mark.parametrize("cloud", ["aws"], indirect=True)
def test_a_secret_that_is_being_deleted_is_no_failure_of_a_revocation(rig: Rig) -> None:
    rig.secrets.key_or_new("research-agent")
    rig.cloud.leaving.add(NAME)
    assert not rig.secrets.retire("research-agent")
    with pytest.raises(StoreError, match="InvalidRequestException"):
        rig.secrets.key_or_new("research-agent")


@pytest.mark.parametrize("rig", ["its-own"], indirect=True)
@pytest.mark.parametrize("cloud", ["alicloud"], indirect=True)
def test_what_terraform_does_not_make_is_made_with_the_gateways_key(rig: Rig) -> None:
    rig.secrets.key_or_new("research-agent")
    made = {"Description": NEW.description, "EncryptionKeyId": "key-1", "DKMSInstanceId": "kst-1"}
    assert rig.cloud.made == {NAME: made}


@pytest.mark.parametrize("rig", ["vault"], indirect=True)
def test_a_deleted_secret_of_vault_is_left_to_the_operator(rig: Rig) -> None:
    assert rig.vault
    rig.put("sk-" + "x" * 20)
    rig.vault.delete(NAME)
    with pytest.raises(StoreError, match="its newest version is deleted"):
        rig.secrets.key_or_new("research-agent")
    assert not rig.secrets.retire("research-agent")
