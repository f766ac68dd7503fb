"""Rotation without a restart: the store is read again and again, and LiteLLM's in-memory credentials follow it."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aigw_node import log
from aigw_node.secrets import Snapshot

REFERENCE = "os.environ/"
JITTER = 0.1  # the nodes of a fleet do not ask the store in the same second


@dataclass
class Counters:
    succeeded: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Credential:
    """An entry of config.yaml's credential_list, with its references to variables as they stand there."""

    name: str
    values: Mapping[str, Any] = field(repr=False)
    info: Mapping[str, Any]

    def resolve(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """All values, since LiteLLM replaces all of a credential at once: base URL, version and tenant go along."""

        def one(value: Any) -> Any:
            if isinstance(value, str) and value.startswith(REFERENCE):
                return environment[value.removeprefix(REFERENCE)]
            return value

        return {name: one(value) for name, value in self.values.items()}


def credentials_of(config: Mapping[str, Any]) -> list[Credential]:
    return [
        Credential(item["credential_name"], item.get("credential_values") or {}, item.get("credential_info") or {})
        for item in config.get("credential_list") or []
    ]


def replace_in_litellm(credential: Credential, values: dict[str, Any]) -> None:
    from litellm.litellm_core_utils.credential_accessor import CredentialAccessor
    from litellm.types.utils import CredentialItem

    CredentialAccessor.upsert_credentials(
        [CredentialItem(credential_name=credential.name, credential_values=values, credential_info=dict(credential.info))]
    )


class Refresher:
    """Reads the store every interval."""

    def __init__(
        self,
        read: Callable[[], Snapshot],
        first: Snapshot,
        credentials: list[Credential],
        interval: float,
        *,
        tell: Callable[[str, str, bool], None],
        replace: Callable[[Credential, dict[str, Any]], None] = replace_in_litellm,
    ) -> None:
        """`tell`: which version of which secret is in use now, and whether it is another one than before."""
        self._read, self._versions, self._credentials = read, dict(first.versions), credentials
        self._interval, self._tell, self._replace = interval, tell, replace
        self.counters = Counters()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._interval * random.uniform(1 - JITTER, 1))
            await self.once()

    async def once(self) -> None:
        """Secrets that are good now are taken over, one by one; for the others the last good values stay."""
        try:
            snapshot = await asyncio.to_thread(self._read)
        except Exception as error:
            # of an unforeseen error only the kind is safe to tell
            self._failed([type(error).__name__])
            self._tell_all({})
            return
        os.environ.update(snapshot.environment)
        problems = list(snapshot.problems)
        for credential in self._credentials:
            try:
                self._replace(credential, credential.resolve(os.environ))
            except Exception as error:
                problems.append(f"credential {credential.name}: {type(error).__name__}")
        self._tell_all(snapshot.versions)
        if problems:
            self._failed(problems)
        else:
            self.counters.succeeded += 1

    def _tell_all(self, read: Mapping[str, str]) -> None:
        """Also of what could not be read, which stays in use: who says nothing passes for a process that has ended."""
        for name, version in {**self._versions, **read}.items():
            self._tell(name, version, self._versions.get(name) != version)
        self._versions.update(read)

    def _failed(self, problems: list[str]) -> None:
        self.counters.failed += 1
        log.event("secrets-refresh-failed", failures=self.counters.failed, problems=problems)
