"""The secret stores a node reads: one contract, one class for each. A read always names the stage of the version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aigw_node import alicloud
from aigw_node.settings import Settings, StoreSettings, VaultSettings
from aigw_node.vault import Vault, VaultError, alicloud_login, aws_login

KMS_VERSION = "2016-01-20"


@dataclass(frozen=True)
class SecretValue:
    text: str = field(repr=False)
    version: str


class SecretNotFound(Exception):
    """The store has no such secret, or it has no value yet."""


class StoreError(Exception):
    """The store did not answer, or refused. The message holds an error code, never a value."""


class SecretStore(Protocol):
    def get(self, name: str) -> SecretValue:
        """The current value of a secret."""


# By name; None is the gateway's first store.
Stores = Mapping[str | None, SecretStore]


class AwsSecretsManager:
    def __init__(self, region: str, endpoint: str | None = None) -> None:
        from boto3.session import Session
        from botocore.config import Config

        config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})
        self._client = Session().client("secretsmanager", region_name=region, endpoint_url=endpoint, config=config)

    def get(self, name: str) -> SecretValue:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            reply: Mapping[str, str] = self._client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code == "ResourceNotFoundException":
                raise SecretNotFound(name) from None
            raise StoreError(f"{name}: Secrets Manager answered {code}") from None
        except BotoCoreError as error:
            raise StoreError(f"{name}: Secrets Manager: {type(error).__name__}") from None
        return SecretValue(reply.get("SecretString", ""), reply["VersionId"])


class AlicloudKms:
    def __init__(self, region: str, endpoint: str | None = None, metadata: str = alicloud.METADATA) -> None:
        endpoint = endpoint or f"https://kms-vpc.{region}.aliyuncs.com"
        self._kms = alicloud.Api(endpoint, KMS_VERSION, alicloud.RoleCredentials(metadata))

    def get(self, name: str) -> SecretValue:
        try:
            reply = self._kms.call("GetSecretValue", SecretName=name, VersionStage="ACSCurrent")
        except alicloud.ApiError as error:
            if error.code == "Forbidden.ResourceNotFound":
                raise SecretNotFound(name) from None
            raise StoreError(f"{name}: KMS answered {error}") from None
        except (OSError, ValueError, KeyError) as error:
            raise StoreError(f"{name}: KMS or the metadata service: {type(error).__name__}") from None
        if reply.get("SecretDataType", "text") != "text":
            raise StoreError(f"{name}: the secret is binary, a text is needed")
        return SecretValue(str(reply.get("SecretData", "")), str(reply.get("VersionId", "")))


class VaultKv:
    """KV v2. A secret whose one field is `value` is a text; the fields of any other are a JSON object."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def get(self, name: str) -> SecretValue:
        try:
            fields, version = self._vault.read(name)
        except VaultError as error:
            if error.missing:
                raise SecretNotFound(name) from None
            raise StoreError(f"{name}: Vault: {error}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{name}: Vault or the metadata service: {type(error).__name__}") from None
        text = fields["value"] if set(fields) == {"value"} and isinstance(fields["value"], str) else json.dumps(fields)
        return SecretValue(text, version)


def _open_vault(settings: VaultSettings, region: str) -> VaultKv:
    login = (
        aws_login(settings.login_role, region, settings.server_id)
        if settings.login == "aws"
        else alicloud_login(settings.login_role, alicloud.RoleCredentials())
    )
    return VaultKv(
        Vault(
            settings.address,
            mount=settings.mount,
            auth_mount=settings.login_mount,
            login=login,
            namespace=settings.namespace,
            ca=settings.ca_certificate,
        )
    )


def open_stores(settings: Settings) -> Stores:
    return {None: open_store(settings.store), **{name: open_store(store) for name, store in settings.stores.items()}}


def open_store(settings: StoreSettings) -> SecretStore:
    if settings.vault:
        return _open_vault(settings.vault, settings.region)
    if settings.kind == "aws-secrets-manager":
        return AwsSecretsManager(settings.region, settings.endpoint)
    return AlicloudKms(settings.region, settings.endpoint)
