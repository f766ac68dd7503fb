"""The gateway's secrets: read from the store into memory, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from aigw_node.errors import NodeError
from aigw_node.settings import Settings
from aigw_node.stores import SecretNotFound, SecretStore, SecretValue, StoreError, Stores

PARALLEL_READS = 8
Place = tuple[str | None, str]  # a store's name, a secret's


class MissingSecrets(NodeError):
    """Says which secrets have no usable value, all of them at once, by name."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "secrets without a usable value: "
            + "; ".join(self.problems)
            + ". Set each with `cdktf-ai-gateway secrets put NAME`, or let `secrets ensure` mint the gateway's own"
        )


@dataclass(frozen=True)
class Snapshot:
    """What the store said at one moment: the values by variable, and the version of each secret that is whole."""

    environment: Mapping[str, str] = field(repr=False)
    versions: Mapping[str, str]
    database_password: str = field(repr=False, default="")
    redis_password: str | None = field(repr=False, default=None)
    problems: tuple[str, ...] = ()


def _pick(name: str, value: SecretValue, key: str | None) -> str:
    """The text of a secret, or one field of its JSON object. A problem is raised without the text."""
    if key is None:
        text = value.text
    else:
        try:
            document = json.loads(value.text)
        except ValueError:
            raise NodeError(f"{name} (field {key} is wanted, but it is no JSON object)") from None
        if not isinstance(document, dict):
            raise NodeError(f"{name} (field {key} is wanted, but it is no JSON object)")
        found = document.get(key)
        if found is None:
            raise NodeError(f"{name} (it has no field {key})")
        text = found if isinstance(found, str) else ""
    text = text.strip()
    where = f"{name}, field {key}" if key else name
    if not text:
        raise NodeError(f"{where} (empty)")
    if any(character < " " for character in text):
        raise NodeError(f"{where} (it holds a line break or another control character)")
    return text


def _read_one(store: SecretStore, name: str, keys: Iterable[str | None]) -> tuple[dict[str | None, str], str]:
    """The wanted fields of a secret and its version. A secret is taken whole or not at all."""
    try:
        value = store.get(name)
    except SecretNotFound:
        raise NodeError(f"{name} (not in the store, or it has no value yet)") from None
    except StoreError as error:
        raise NodeError(str(error)) from None
    return {key: _pick(name, value, key) for key in keys}, value.version


def read(settings: Settings, stores: Stores) -> Snapshot:
    """Everything that the settings name; what is not usable is told in `problems`, by name."""
    wanted: dict[Place, set[str | None]] = {}
    for secret in settings.secrets:
        wanted.setdefault((secret.store, secret.name), set()).update(item.field for item in secret.fields)
    database: Place = (None, settings.database.secret)
    wanted.setdefault(database, set()).add(settings.database.field)
    redis: Place | None = (None, settings.redis.secret) if settings.redis and settings.redis.secret else None
    if settings.redis and redis:
        wanted.setdefault(redis, set()).add(settings.redis.field)

    def one(place: Place) -> tuple[dict[str | None, str], str] | NodeError:
        store, name = place
        try:
            return _read_one(stores[store], name, wanted[place])
        except NodeError as error:
            return error

    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        answers = dict(zip(wanted, pool.map(one, wanted), strict=True))
    good = {place: answer for place, answer in answers.items() if not isinstance(answer, NodeError)}
    return Snapshot(
        environment={
            item.environment: good[secret.store, secret.name][0][item.field]
            for secret in settings.secrets
            if (secret.store, secret.name) in good
            for item in secret.fields
        },
        versions={name: version for (_, name), (_, version) in good.items()},
        database_password=good[database][0][settings.database.field] if database in good else "",
        redis_password=good[redis][0][settings.redis.field] if settings.redis and redis in good else None,
        problems=tuple(str(answer) for answer in answers.values() if isinstance(answer, NodeError)),
    )


def read_all(settings: Settings, stores: Stores) -> Snapshot:
    """Everything, or MissingSecrets with all problems together: a node does not start on half of its secrets."""
    snapshot = read(settings, stores)
    if snapshot.problems:
        raise MissingSecrets(snapshot.problems)
    return snapshot
