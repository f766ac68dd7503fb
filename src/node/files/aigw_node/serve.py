"""The life of a node's process: settings, secrets, environment, migration, LiteLLM, the end."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from pathlib import Path
from typing import Any

from aigw_node import environment, journal, log, migration, refresh, secrets, server, workers
from aigw_node.agent_limits import AgentLimits
from aigw_node.counters import Counters, Outages, litellms_redis
from aigw_node.day_caps import DayCaps
from aigw_node.errors import NodeError
from aigw_node.fleet_limits import FleetLimited
from aigw_node.front.catalogue import Catalogue
from aigw_node.limits import Limits
from aigw_node.litellm.models import prices_of
from aigw_node.request_log import REQUESTS, RequestLog
from aigw_node.request_record import Recorder
from aigw_node.secrets import Snapshot
from aigw_node.settings import Settings, load
from aigw_node.stores import open_stores


def run(settings_path: Path, config_path: Path, host: str) -> None:
    journal.begin()
    settings = load(settings_path)
    config = _read_config(config_path)
    snapshot = secrets.read_all(settings, open_stores(settings))
    log.event("secrets-read", gateway=settings.name, versions=dict(snapshot.versions))
    migrated = _migrate(settings, snapshot.database_password)
    sockets = server.listen(settings, host)
    number = workers.count(settings)
    if worker := workers.start(number, sockets):
        os.environ.update(environment.build(settings, snapshot, number))
        os.environ["CONFIG_FILE_PATH"] = str(config_path)
        _serve(settings, config, snapshot, sockets, worker, builds_indexes=worker.is_first and bool(migrated))


def _serve(
    settings: Settings,
    config: dict[str, Any],
    snapshot: Snapshot,
    sockets: list[socket.socket],
    worker: workers.Worker,
    *,
    builds_indexes: bool,
) -> None:
    gc.disable()  # what is made from here on stays: looking through it again and again takes a third of the start
    # LiteLLM reads its environment when it is imported, hence not before here.
    from litellm.proxy.db.db_url_settings import translate_libpq_ssl_params

    from aigw_node.query_engine import hide_secrets_from_engine

    os.environ["DATABASE_URL"] = translate_libpq_ssl_params(os.environ["DATABASE_URL"])
    hide_secrets_from_engine()

    from litellm.proxy.proxy_server import app

    journal.take_over()

    from aigw_node import plugin
    from aigw_node.front import build as front
    from aigw_node.litellm import outgoing, pictures, retries
    from aigw_node.litellm.check import check

    outgoing.install()
    pictures.install()
    retries.install()
    request_log = RequestLog(settings.request_log, REQUESTS)
    recorder = Recorder(settings.name, settings.request_log.prompts)
    catalogue, limits = Catalogue(config), _limits(settings)
    ours = plugin.GatewayPlugin(
        catalogue, limits=limits, recorder=recorder, log=request_log, shares_cache=settings.cache_shared
    )
    plugin.register(ours)
    fronted = front.build(
        app,
        settings,
        catalogue,
        limits=limits,
        recorder=recorder,
        log=request_log,
        salt_key=os.environ["LITELLM_SALT_KEY"],
    )

    def in_use(secret: str, version: str, changed: bool) -> None:
        request_log.write(recorder.secret_in_use(secret, version, changed))
        log.event("secret-in-use", secret=secret, version=version, changed=changed)

    stores = open_stores(settings)  # of this process: connections do not survive a fork
    credentials, interval = refresh.credentials_of(config), settings.refresh_interval
    refresher = refresh.Refresher(lambda: secrets.read(settings, stores), snapshot, credentials, interval, tell=in_use)

    def ready() -> None:
        check()
        if not plugin.is_first(ours):
            raise NodeError("another callback runs before the gateway's own: take it out of config.yaml")
        if builds_indexes:
            _build_indexes()
        journal.take_over()  # what LiteLLM's start has added
        _keep_for_good()
        journal.serves()
        worker.ready()

    tasks = [refresher.run]
    if settings.provisioning and worker.is_first:
        from aigw_node.provision import open_provisioner

        tasks.append(open_provisioner(settings, settings.provisioning, app, snapshot.database_password).run)

    async def beside_serving() -> None:
        await asyncio.gather(*(task() for task in tasks))

    request_log.start()
    for name, version in snapshot.versions.items():
        request_log.write(recorder.secret_in_use(name, version, True))
    try:
        server.serve(fronted, settings, sockets, ready, beside_serving)
    finally:
        request_log.close()


def _limits(settings: Settings) -> Limits:
    name = settings.name
    counters = Counters(litellms_redis, Outages(refuses=settings.without_redis == "refuse"))
    agents = AgentLimits(name, DayCaps(settings.timezone, prices_of))
    return Limits(FleetLimited(name, settings.fleet_limits), agents, counters, longest=settings.drain)


def _keep_for_good() -> None:
    """LiteLLM's million objects are not looked through again with each full collection, half a second of every ten."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _read_config(path: Path) -> dict[str, Any]:
    import yaml

    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NodeError(f"config: cannot read {path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise NodeError(f"config: {path} is no YAML: {error}") from None
    if not isinstance(value, dict):
        raise NodeError(f"config: {path} must be a mapping")
    return value


def _migrate(settings: Settings, password: str) -> int:
    with migration.connect(settings.database, password) as connection:
        return migration.migrate(connection, migration.find(migration.litellm_migrations()))


def _build_indexes() -> None:
    """Two indexes that LiteLLM leaves out of its migrations, because building them can take long: in the background."""
    from litellm_proxy_extras.utils import ProxyExtrasDBManager

    ProxyExtrasDBManager.start_request_log_index_build()
