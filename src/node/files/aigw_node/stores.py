"""The secret stores a node reads, and writes the agents' keys to: one contract, one class for each. A read always names the
stage of the version; a write is one step that the store takes whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol, TypeVar

from aigw_node import alicloud
from aigw_node.settings import Settings, StoreSettings, VaultSettings
from aigw_node.vault import Vault, VaultError, alicloud_login, aws_login

KMS_VERSION = "2016-01-20"
# KMS names what is not there in several ways.
KMS_ABSENT = re.compile(r"Forbidden\.(Resource|Secret)NotFound|EntityNotExist.*")
KMS_EXISTS = re.compile(r".*ResourceExist.*")

T = TypeVar("T")


@dataclass(frozen=True)
class SecretValue:
    text: str = field(repr=False)
    version: str


class SecretNotFound(Exception):
    """The store has no such secret, or it has no value yet."""


class StoreError(Exception):
    """The store did not answer, or refused. The message holds an error code, never a value."""

    def __init__(self, message: str, *, deleted: bool = False) -> None:
        super().__init__(message)
        self.deleted = deleted  # the secret will be gone in a while, and takes no value


class SecretStore(Protocol):
    def get(self, name: str) -> SecretValue:
        """The current value of a secret."""


class WritableStore(SecretStore, Protocol):
    """Makes a secret where there is none, if it is not Terraform that makes them in this store."""

    def put_first(self, name: str, text: str) -> bool:
        """Gives a secret its first value; False, and nothing written, where it has one, also if another one writes at the
        same time."""

    def put(self, name: str, text: str) -> None:
        """Makes a value the current one."""


@dataclass(frozen=True)
class NewSecrets:
    """How secrets are made that Terraform does not make."""

    description: str
    encryption_key: str | None
    instance: str | None


# By name; None is the gateway's first store.
Stores = Mapping[str | None, SecretStore]


class AwsSecretsManager:
    def __init__(self, region: str, endpoint: str | None = None) -> None:
        from boto3.session import Session
        from botocore.config import Config

        config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})
        self._client = Session().client("secretsmanager", region_name=region, endpoint_url=endpoint, config=config)

    def get(self, name: str) -> SecretValue:
        reply = self._ask(name, lambda: self._client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT"))
        return SecretValue(reply.get("SecretString", ""), reply["VersionId"])

    def put_first(self, name: str, text: str) -> bool:
        described = self._ask(name, lambda: self._client.describe_secret(SecretId=name))
        if any("AWSCURRENT" in stages for stages in described.get("VersionIdsToStages", {}).values()):
            return False
        # Two that mint at once send the same token with different values: the store takes the first and refuses the second.
        token = hashlib.sha256(f"first value of {name}".encode()).hexdigest()
        value = {"SecretId": name, "SecretString": text, "ClientRequestToken": token}
        return self._ask(name, lambda: self._client.put_secret_value(**value), taken="ResourceExistsException") is not None

    def put(self, name: str, text: str) -> None:
        self._ask(name, lambda: self._client.put_secret_value(SecretId=name, SecretString=text))

    def _ask(self, name: str, call: Callable[[], Any], taken: str | None = None) -> Any:
        """The reply; None if it is refused with the code `taken`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call()
        except ClientError as error:
            said = error.response.get("Error", {})
            code = said.get("Code", "unknown")
            if code == taken:
                return None
            if code == "ResourceNotFoundException":
                raise SecretNotFound(name) from None
            deleted = code == "InvalidRequestException" and "delet" in said.get("Message", "").lower()
            raise StoreError(f"{name}: Secrets Manager answered {code}", deleted=deleted) from None
        except BotoCoreError as error:
            raise StoreError(f"{name}: Secrets Manager: {type(error).__name__}") from None


class AlicloudKms:
    def __init__(
        self,
        region: str,
        endpoint: str | None = None,
        metadata: str = alicloud.METADATA,
        new: NewSecrets | None = None,
    ) -> None:
        endpoint = endpoint or f"https://kms-vpc.{region}.aliyuncs.com"
        self._kms = alicloud.Api(endpoint, KMS_VERSION, alicloud.RoleCredentials(metadata))
        self._new = new

    def get(self, name: str) -> SecretValue:
        reply = self._ask(name, "GetSecretValue", VersionStage="ACSCurrent")
        if reply.get("SecretDataType", "text") != "text":
            raise StoreError(f"{name}: the secret is binary, a text is needed")
        return SecretValue(str(reply.get("SecretData", "")), str(reply.get("VersionId", "")))

    def put_first(self, name: str, text: str) -> bool:
        if self._has_value(name):
            return False
        # Two that mint at once name the same version with different values: the store takes the first, refuses the second.
        return self._write(name, text, "first")

    def put(self, name: str, text: str) -> None:
        moment = datetime.now(timezone.utc).strftime("%Y%m%d%H%M%S")
        self._write(name, text, f"{moment}-{secrets.token_hex(4)}")

    def _has_value(self, name: str) -> bool:
        try:
            # Those without a stage are left out: there are two at most.
            reply = self._ask(name, "ListSecretVersionIds", IncludeDeprecated="false", PageNumber="1", PageSize="10")
        except SecretNotFound:
            return False
        versions = reply["VersionIds"]["VersionId"]
        return any("ACSCurrent" in version["VersionStages"]["VersionStage"] for version in versions)

    def _write(self, name: str, text: str, version: str) -> bool:
        """False if there is such a version already."""
        value = {"SecretData": text, "SecretDataType": "text", "VersionId": version}
        try:
            return bool(self._ask(name, "PutSecretValue", KMS_EXISTS, **value))
        except SecretNotFound:
            if self._new is None:
                raise
        made = {"EncryptionKeyId": self._new.encryption_key, "DKMSInstanceId": self._new.instance}
        value |= {"Description": self._new.description, **{key: text for key, text in made.items() if text}}
        return bool(self._ask(name, "CreateSecret", KMS_EXISTS, **value))

    def _ask(self, name: str, action: str, taken: re.Pattern[str] | None = None, **query: str) -> dict[str, Any]:
        """The reply; nothing if it is refused with a code of `taken`."""
        try:
            return self._kms.call(action, SecretName=name, **query)
        except alicloud.ApiError as error:
            if taken and taken.fullmatch(error.code):
                return {}
            if KMS_ABSENT.fullmatch(error.code):
                raise SecretNotFound(name) from None
            deleted = re.search("DeleteWindow|PendingDeletion", error.code, re.IGNORECASE) is not None
            raise StoreError(f"{name}: KMS answered {error}", deleted=deleted) from None
        except (OSError, ValueError, KeyError) as error:
            raise StoreError(f"{name}: KMS or the metadata service: {type(error).__name__}") from None


class VaultKv:
    """KV v2. A secret whose one field is `value` is a text; the fields of any other are a JSON object."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def get(self, name: str) -> SecretValue:
        fields, version = self._ask(name, lambda: self._vault.read(name))
        text = fields["value"] if set(fields) == {"value"} and isinstance(fields["value"], str) else json.dumps(fields)
        return SecretValue(text, version)

    def put_first(self, name: str, text: str) -> bool:
        newest, there = self._newest(name)
        return not there and self._ask(name, lambda: self._vault.write(name, {"value": text}, newest))

    def put(self, name: str, text: str) -> None:
        newest, _ = self._newest(name)
        if not self._ask(name, lambda: self._vault.write(name, {"value": text}, newest)):
            raise StoreError(f"{name}: Vault: another one wrote at the same time")

    def _newest(self, name: str) -> tuple[int, bool]:
        """The number of the newest version, 0 if there is none, and whether it is there."""
        try:
            metadata = self._ask(name, lambda: self._vault.metadata(name))
        except SecretNotFound:
            return 0, False
        number = int(metadata["current_version"])
        version = metadata["versions"].get(str(number), {"destroyed": True})
        if version["destroyed"]:
            return number, False
        # A value that is put over a deleted one would be what nobody wanted. The time may also be one to come.
        if "" < version["deletion_time"] <= datetime.now(timezone.utc).isoformat():
            raise StoreError(f"{name}: Vault: its newest version is deleted; undelete or destroy it", deleted=True)
        return number, True

    def _ask(self, name: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except VaultError as error:
            if error.missing:
                raise SecretNotFound(name) from None
            raise StoreError(f"{name}: Vault: {error}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{name}: Vault or the metadata service: {type(error).__name__}") from None


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


def open_store(settings: StoreSettings, new: NewSecrets | None = None) -> WritableStore:
    if settings.vault:
        return _open_vault(settings.vault, settings.region)
    if settings.kind == "aws-secrets-manager":
        return AwsSecretsManager(settings.region, settings.endpoint)
    return AlicloudKms(settings.region, settings.endpoint, alicloud.METADATA, new)
