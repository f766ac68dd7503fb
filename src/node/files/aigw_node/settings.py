"""settings.json: what Terraform knows of a gateway. No secret is in it, only secrets' names. README.md is its contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from aigw_node.errors import NodeError

VERSION = 1
STORES = ("aws-secrets-manager", "alicloud-kms", "vault")
VAULT_LOGINS = ("aws", "alicloud")
LOG_STORES = ("cloudwatch", "sls")
GROUPS = ("ec2-auto-scaling", "ess")
PORTS = ("agents", "admin")
WITHOUT_REDIS = WHEN_FULL = ("refuse", "serve")

T = TypeVar("T")


@dataclass(frozen=True)
class VaultSettings:
    address: str
    mount: str
    namespace: str | None
    login: str  # the auth method
    login_mount: str
    login_role: str
    server_id: str | None
    ca_certificate: str | None  # PEM


@dataclass(frozen=True)
class StoreSettings:
    kind: str
    region: str
    endpoint: str | None
    instance: str | None  # of KMS, in which new secrets are made
    vault: VaultSettings | None


@dataclass(frozen=True)
class SecretField:
    """One value of a secret, and the variable through which config.yaml reads it."""

    field: str | None  # None: the secret is plain text, all of it is the value
    environment: str


@dataclass(frozen=True)
class SecretSettings:
    name: str
    fields: tuple[SecretField, ...]
    store: str | None  # None: the gateway's first store


@dataclass(frozen=True)
class DatabaseSettings:
    host: str
    port: int
    name: str
    user: str
    ssl_mode: str
    ssl_root_certificate: str | None
    pool_size: int
    secret: str
    field: str | None


@dataclass(frozen=True)
class RedisSettings:
    host: str
    port: int
    tls: bool
    secret: str | None
    field: str | None


@dataclass(frozen=True)
class Route:
    method: str
    path: str


@dataclass(frozen=True)
class Rates:
    """Requests and tokens a minute; None: no limit."""

    rpm: int | None
    tpm: int | None


@dataclass(frozen=True)
class FleetLimits:
    rpm: int | None
    providers: Mapping[str, Rates]

    def any(self) -> bool:
        return self.rpm is not None or bool(self.providers)


@dataclass(frozen=True)
class RequestLogSettings:
    prompts: bool
    when_full: str
    buffer_lines: int
    max_file_bytes: int
    max_files: int


@dataclass(frozen=True)
class LogStoreSettings:
    """A log group of CloudWatch, or a store in a project of SLS."""

    kind: str
    region: str
    endpoint: str | None
    group: str
    project: str
    store: str


@dataclass(frozen=True)
class LaunchSettings:
    """The scaling group that waits until a new node serves."""

    kind: str
    region: str
    endpoint: str | None
    group: str
    hook: str
    wait: float  # seconds, from boot


@dataclass(frozen=True)
class ProvisioningSettings:
    """The nodes make the agents' keys: which ones there should be, and where they lie."""

    bucket: str
    key: str
    region: str
    endpoint: str | None
    secrets: str  # what the names of the agents' secrets begin with
    interval: float
    encryption_key: str | None  # of secrets that the node makes


@dataclass(frozen=True)
class Settings:
    name: str
    cloud: str
    region: str
    store: StoreSettings
    stores: Mapping[str, StoreSettings]  # others
    secrets: tuple[SecretSettings, ...]
    environment: Mapping[str, str]
    database: DatabaseSettings
    redis: RedisSettings | None
    ports: Mapping[str, int]
    routes: Mapping[str, tuple[Route, ...]]
    default_model: str | None
    extra_parameters: Mapping[str, tuple[str, ...]]  # by route; "*": all routes
    opened_ids: tuple[str, ...]
    refresh_interval: float
    keep_alive: int
    drain: float
    timezone: ZoneInfo
    fleet_limits: FleetLimits
    without_redis: str
    request_log: RequestLogSettings
    log: LogStoreSettings | None
    launch: LaunchSettings | None  # None: no group waits for this node
    workers: int | None  # None: one for each processor
    provisioning: ProvisioningSettings | None  # None: others make the agents' keys
    max_request_mib: int = 32
    max_waiting: int = 100  # requests that wait for their turn in a worker
    cache_shared: bool = False  # between agents


class _Reader:
    """Takes fields out of a JSON object and says where one is wrong."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise NodeError(f"settings: {where or 'the file'} must be an object")
        self._value, self._where = value, where

    def get(self, name: str, kind: type[T], default: T | None = None, *, optional: bool = False) -> T:
        where = f"{self._where}.{name}" if self._where else name
        value = self._value.get(name)
        if value is None:
            if default is not None or optional:
                return default  # type: ignore[return-value]
            raise NodeError(f"settings: {where} is missing")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise NodeError(f"settings: {where} must be a {kind.__name__}, not {type(value).__name__}")
        return value

    def text(self, name: str) -> str:
        value = self.get(name, str)
        if not value:
            raise NodeError(f"settings: {self._where + '.' if self._where else ''}{name} is empty")
        return value

    def optional_text(self, name: str) -> str | None:
        return self.get(name, str, optional=True) or None

    def object(self, name: str, *, optional: bool = False) -> _Reader:
        where = f"{self._where}.{name}" if self._where else name
        return _Reader(self.get(name, dict, {} if optional else None), where)

    def has(self, name: str) -> bool:
        return self._value.get(name) is not None

    def each(self, name: str, read: Callable[[_Reader], T]) -> tuple[T, ...]:
        where = f"{self._where}.{name}" if self._where else name
        items = self.get(name, list, [])
        return tuple(read(_Reader(item, f"{where}[{index}]")) for index, item in enumerate(items))

    def names(self) -> list[str]:
        return list(self._value)

    def strings(self) -> dict[str, str]:
        return {name: self.get(name, str) for name in self._value}


def _secret(reader: _Reader) -> SecretSettings:
    fields = reader.each("fields", lambda field: SecretField(field.optional_text("field"), field.text("environment")))
    return SecretSettings(reader.text("name"), fields, reader.optional_text("store"))


def _database(reader: _Reader) -> DatabaseSettings:
    return DatabaseSettings(
        host=reader.text("host"),
        port=reader.get("port", int, 5432),
        name=reader.text("name"),
        user=reader.text("user"),
        ssl_mode=reader.get("sslMode", str, "require"),
        ssl_root_certificate=reader.optional_text("sslRootCertificate"),
        pool_size=reader.get("poolSize", int, 10),
        secret=reader.text("secret"),
        field=reader.optional_text("field"),
    )


def _redis(reader: _Reader) -> RedisSettings:
    return RedisSettings(
        host=reader.text("host"),
        port=reader.get("port", int, 6379),
        tls=reader.get("tls", bool, True),
        secret=reader.optional_text("secret"),
        field=reader.optional_text("field"),
    )


def _route(reader: _Reader) -> Route:
    route = Route(reader.text("method").upper(), reader.text("path"))
    if not route.path.startswith("/"):
        raise NodeError(f"settings: the route path {route.path!r} must start with /")
    return route


def _rates(reader: _Reader) -> Rates:
    return Rates(reader.get("rpm", int, optional=True), reader.get("tpm", int, optional=True))


def _fleet_limits(reader: _Reader) -> FleetLimits:
    providers = reader.object("providers", optional=True)
    return FleetLimits(
        reader.get("rpm", int, optional=True), {name: _rates(providers.object(name)) for name in providers.names()}
    )


def _request_log(reader: _Reader) -> RequestLogSettings:
    return RequestLogSettings(
        prompts=reader.get("prompts", bool, False),
        when_full=_one_of(reader.get("whenFull", str, "serve"), WHEN_FULL, "requestLog.whenFull"),
        buffer_lines=reader.get("bufferLines", int, 10_000),
        max_file_bytes=reader.get("maxFileBytes", int, 64 * 1024 * 1024),
        max_files=reader.get("maxFiles", int, 16),
    )


def _store(reader: _Reader, region: str) -> StoreSettings:
    kind = _one_of(reader.text("kind"), STORES, "store.kind")
    return StoreSettings(
        kind,
        reader.optional_text("region") or region,
        reader.optional_text("endpoint"),
        reader.optional_text("kmsInstance"),
        _vault(reader) if kind == "vault" else None,
    )


def _vault(reader: _Reader) -> VaultSettings:
    auth = reader.object("auth")
    login = _one_of(auth.text("method"), VAULT_LOGINS, "store.auth.method")
    return VaultSettings(
        address=reader.text("address"),
        mount=reader.text("mount"),
        namespace=reader.optional_text("namespace"),
        login=login,
        login_mount=auth.optional_text("mount") or login,
        login_role=auth.text("role"),
        server_id=auth.optional_text("serverId"),
        ca_certificate=reader.optional_text("caCertificate"),
    )


def _log(reader: _Reader, region: str) -> LogStoreSettings:
    kind = _one_of(reader.text("kind"), LOG_STORES, "log.kind")
    sls = kind == "sls"
    return LogStoreSettings(
        kind=kind,
        region=reader.optional_text("region") or region,
        endpoint=reader.optional_text("endpoint"),
        group="" if sls else reader.text("group"),
        project=reader.text("project") if sls else "",
        store=reader.text("store") if sls else "",
    )


def _launch(reader: _Reader, region: str) -> LaunchSettings:
    kind = _one_of(reader.text("kind"), GROUPS, "launch.kind")
    named = kind == "ec2-auto-scaling"
    return LaunchSettings(
        kind=kind,
        region=region,
        endpoint=reader.optional_text("endpoint"),
        group=reader.text("group") if named else "",
        hook=reader.text("hook") if named else "",
        wait=float(reader.get("waitSeconds", int)),
    )


def _provisioning(reader: _Reader, region: str) -> ProvisioningSettings:
    return ProvisioningSettings(
        bucket=reader.text("bucket"),
        key=reader.text("key"),
        region=region,
        endpoint=reader.optional_text("endpoint"),
        secrets=reader.text("secrets"),
        interval=float(reader.get("intervalSeconds", int, 300)),
        encryption_key=reader.optional_text("encryptionKeyId"),
    )


def _names_by_route(reader: _Reader) -> dict[str, tuple[str, ...]]:
    return {route: tuple(str(name) for name in reader.get(route, list)) for route in reader.names()}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise NodeError(f"settings: timezone {name!r} is unknown here; is the package tzdata installed?") from None


def _one_of(value: str, allowed: tuple[str, ...], where: str) -> str:
    if value not in allowed:
        raise NodeError(f"settings: {where} {value!r} is none of {', '.join(allowed)}")
    return value


def _above_zero(value: int, where: str) -> int:
    if value < 1:
        raise NodeError(f"settings: {where} must be at least 1, not {value}")
    return value


def parse(value: Any) -> Settings:
    """Settings from their JSON value; a NodeError names the field that is wrong."""
    root = _Reader(value, "")
    version = root.get("version", int)
    if version != VERSION:
        raise NodeError(f"settings: version {version} is not {VERSION}: settings and bundle are of different releases")
    ports, routes, limits = root.object("ports"), root.object("routes"), root.object("limits", optional=True)
    region = root.text("region")
    stores = root.object("stores", optional=True)
    secrets = root.each("secrets", _secret)
    for secret in secrets:
        if secret.store is not None:
            _one_of(secret.store, tuple(stores.names()), f"the store of {secret.name}")
    fleet_limits = _fleet_limits(root.object("fleetLimits", optional=True))
    if fleet_limits.any() and not root.has("redis"):
        raise NodeError("settings: fleetLimits can not be counted without redis")
    return Settings(
        name=root.text("name"),
        cloud=root.text("cloud"),
        region=region,
        store=_store(root.object("store"), region),
        stores={name: _store(stores.object(name), region) for name in stores.names()},
        secrets=secrets,
        environment=root.object("environment", optional=True).strings(),
        database=_database(root.object("database")),
        redis=_redis(root.object("redis")) if root.has("redis") else None,
        ports={name: ports.get(name, int) for name in PORTS},
        routes={name: routes.each(name, _route) for name in PORTS},
        default_model=root.optional_text("defaultModel"),
        extra_parameters=_names_by_route(root.object("extraParameters", optional=True)),
        opened_ids=tuple(str(kind) for kind in root.get("openedIds", list, [])),
        refresh_interval=float(root.get("refreshIntervalSeconds", int, 900)),
        keep_alive=limits.get("keepAliveSeconds", int, 75),
        drain=float(limits.get("longestRequestSeconds", int, 600)),
        timezone=_zone(root.get("timezone", str, "UTC")),
        fleet_limits=fleet_limits,
        without_redis=_one_of(limits.get("withoutRedis", str, "refuse"), WITHOUT_REDIS, "limits.withoutRedis"),
        request_log=_request_log(root.object("requestLog", optional=True)),
        log=_log(root.object("log"), region) if root.has("log") else None,
        launch=_launch(root.object("launch"), region) if root.has("launch") else None,
        workers=root.get("workers", int, optional=True),
        provisioning=_provisioning(root.object("provisioning"), region) if root.has("provisioning") else None,
        max_request_mib=_above_zero(limits.get("maxRequestMib", int, 32), "limits.maxRequestMib"),
        max_waiting=_above_zero(limits.get("maxWaiting", int, 100), "limits.maxWaiting"),
        cache_shared=root.get("cacheShared", bool, False),
    )


def load(path: Path) -> Settings:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NodeError(f"settings: cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise NodeError(f"settings: {path} is no JSON: {error}") from error
    return parse(value)
