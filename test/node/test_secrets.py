from __future__ import annotations

import pytest
from aigw_node import environment, secrets, stores
from aigw_node.errors import NodeError
from aigw_node.settings import parse
from aigw_node.stores import AlicloudKms, AwsSecretsManager, SecretNotFound, SecretStore, StoreError

from doubles.cloud import Cloud
from support import MemoryStore, only_the_role, settings, settings_json, whole_store


@pytest.fixture
def store(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> SecretStore:
    """The real client of each store, against the double, with the instance role's credentials."""
    cloud.secrets["prod-gateway/openai"] = ("v7", '{"api_key": "canary"}')
    if cloud.kind == "alicloud":
        return AlicloudKms(cloud.region, cloud.url, metadata=cloud.url)
    only_the_role(cloud, monkeypatch)
    return AwsSecretsManager(cloud.region, cloud.url)


def test_a_store_gives_value_and_version(store: SecretStore) -> None:
    assert store.get("prod-gateway/openai") == stores.SecretValue('{"api_key": "canary"}', "v7")


def test_a_name_may_need_encoding(cloud: Cloud, store: SecretStore) -> None:
    cloud.secrets["prod gateway/a+b=c"] = ("v1", "x")
    assert store.get("prod gateway/a+b=c").text == "x"


def test_a_missing_secret_is_told_apart_from_a_refusal(cloud: Cloud, store: SecretStore) -> None:
    cloud.denied.add("prod-gateway/denied")
    with pytest.raises(SecretNotFound):
        store.get("prod-gateway/none")
    with pytest.raises(StoreError, match=r"NoPermission|AccessDenied") as caught:
        store.get("prod-gateway/denied")
    assert cloud.secret not in str(caught.value)


def test_a_store_out_of_reach_is_a_store_error() -> None:
    store = AlicloudKms("cn-shanghai", "http://127.0.0.1:1", metadata="http://127.0.0.1:1")
    with pytest.raises(StoreError, match="prod-gateway/openai"):
        store.get("prod-gateway/openai")


# On AWS that is botocore's own affair.
@pytest.mark.parametrize("cloud", ["alicloud"], indirect=True)
def test_role_credentials_are_kept_until_they_near_their_end(cloud: Cloud, store: SecretStore) -> None:
    store.get("prod-gateway/openai")
    store.get("prod-gateway/openai")
    assert sum("security-credentials/gateway-node" in line for line in cloud.log) == 1


def test_everything_is_read() -> None:
    snapshot = secrets.read_all(settings(), {None: whole_store()})
    assert snapshot.environment == {
        "AIGW_OPENAI_API_KEY": "canary-1",
        "LITELLM_MASTER_KEY": "canary-2",
        "LITELLM_SALT_KEY": "canary-3",
    }
    assert snapshot.database_password == "canary-4"
    assert snapshot.versions["prod-gateway/openai"] == "v1"
    assert "canary" not in repr(snapshot)


def test_a_secret_lies_in_the_store_that_is_named_for_it() -> None:
    chosen = settings_json(stores={"vault": {"kind": "alicloud-kms"}})
    chosen["secrets"][0]["store"] = "vault"
    first, other = whole_store(), MemoryStore(openai='{"api_key": "of-the-other"}')
    del first.texts["prod-gateway/openai"]
    snapshot = secrets.read_all(parse(chosen), {None: first, "vault": other})
    assert snapshot.environment["AIGW_OPENAI_API_KEY"] == "of-the-other"
    assert snapshot.versions["prod-gateway/openai"] == "v1"


def test_a_store_that_the_settings_do_not_have_is_named() -> None:
    chosen = settings_json()
    chosen["secrets"][0]["store"] = "vault"
    with pytest.raises(NodeError, match=r"the store of prod-gateway/openai 'vault' is none of"):
        parse(chosen)


def test_all_problems_are_told_together_and_by_name() -> None:
    store = whole_store()
    store.texts["prod-gateway/openai"] = '{"api_key": "  "}'
    store.texts["prod-gateway/master-key"] = ""
    del store.texts["prod-gateway/database"]
    with pytest.raises(NodeError) as caught:
        secrets.read_all(settings(), {None: store})
    said = str(caught.value)
    assert "prod-gateway/openai, field api_key (empty)" in said
    assert "prod-gateway/master-key (empty)" in said
    assert "prod-gateway/database (not in the store" in said
    assert "secrets put NAME" in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("canary", "no JSON object"),
        ('["canary"]', "no JSON object"),
        ('{"other": "canary"}', "it has no field api_key"),
        ('{"api_key": 5}', "empty"),
        ('{"api_key": "canary\\nX: y"}', "line break"),
    ],
)
def test_a_malformed_value_is_named_but_not_shown(text: str, problem: str) -> None:
    store = whole_store()
    store.texts["prod-gateway/openai"] = text
    with pytest.raises(NodeError, match=problem) as caught:
        secrets.read_all(settings(), {None: store})
    assert "canary" not in str(caught.value)


def test_the_environment() -> None:
    store = whole_store()
    store.texts["prod-gateway/database"] = "p@ss/w:rd?"
    store.texts["prod-gateway/redis"] = "canary-5"
    chosen = settings(
        redis={"host": "redis.internal", "secret": "prod-gateway/redis"}, environment={"LITELLM_LOG": "INFO", "AIGW_X": "y"}
    )
    built = environment.build(chosen, secrets.read_all(chosen, {None: store}))
    assert built["DATABASE_URL"] == (
        "postgresql://litellm:p%40ss%2Fw%3Ard%3F@db.internal:5432/litellm?connection_limit=10&pool_timeout=60&sslmode=require"
    )
    assert (built["REDIS_HOST"], built["REDIS_PORT"], built["REDIS_SSL"]) == ("redis.internal", "6379", "true")
    assert built["REDIS_PASSWORD"] == "canary-5"
    assert built["LITELLM_OFFLINE_MODE"] == "True"
    assert (built["LITELLM_LOG"], built["AIGW_X"], built["DISABLE_SCHEMA_UPDATE"]) == ("INFO", "y", "true")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": 2}, "version 2 is not 1"),
        ({"name": ""}, "name is empty"),
        ({"store": {"kind": "env"}}, "store.kind 'env' is none of aws-secrets-manager, alicloud-kms, vault"),
        ({"store": {"kind": "vault", "auth": {"method": "token"}}}, "store.auth.method 'token' is none of aws, alicloud"),
        ({"store": {"kind": "vault", "auth": {"method": "aws", "role": "r"}, "mount": "kv"}}, "store.address is missing"),
        ({"ports": {"agents": "4000", "admin": 4001}}, "ports.agents must be a int, not str"),
        ({"routes": {"agents": [{"method": "GET", "path": "v1"}]}}, "'v1' must start with /"),
        ({"database": {"host": "h"}}, "database.name is missing"),
        ({"secrets": [{"fields": []}]}, r"secrets\[0\].name is missing"),
    ],
)
def test_wrong_settings_are_named(change: dict[str, object], problem: str) -> None:
    with pytest.raises(NodeError, match=problem):
        settings(**change)
