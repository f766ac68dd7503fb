"""The agents' keys made by the nodes themselves, for a gateway whose administrators do not reach it: one process of one node
holds them against what is desired, every interval and soon after that has changed."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from aigw_node import log
from aigw_node.admin_api import AdminApi, AdminError, inside
from aigw_node.agent_secrets import AgentSecrets
from aigw_node.desired import BadDesiredState, Desired, parse
from aigw_node.leader import Lead, database_session
from aigw_node.objects import ObjectError, WatchedObject, open_object
from aigw_node.reconcile import AGENTS_AT_ONCE, Outcome, Reconciler
from aigw_node.settings import ProvisioningSettings, Settings
from aigw_node.stores import NewSecrets, open_store

TICK = 20.0  # seconds; a change is seen, and a leader that is gone is followed, about as soon
JITTER = 0.1
RETRY = 60.0  # after a run in which something failed

T = TypeVar("T")
What = tuple[str, str]  # kind, name
KINDS = ("agent", "group")


class Threads:
    """Of our own: what waits for a store takes none away from LiteLLM's."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AGENTS_AT_ONCE, thread_name_prefix="provisioning")

    def __call__(self, work: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class Leadership(Protocol):
    """`leader.Lead`."""

    def held(self) -> bool: ...
    def give_up(self) -> None: ...


class Provisioner:
    def __init__(
        self,
        lead: Leadership,
        watched: WatchedObject,
        reconciler: Callable[[Callable[[Outcome], None]], Reconciler],
        in_thread: Threads,
        *,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`reconciler`: made with who is told of what was done."""
        self._lead, self._watched, self._in_thread = lead, watched, in_thread
        self._reconciler = reconciler(self._tell)
        self._interval, self._clock = interval, clock
        self._content: bytes | None = None
        self._desired: Desired | None = None
        self._next = 0.0
        self._failed: set[What] = set()  # in the newest run
        self._troubles: dict[What, str] = {}  # told already, and not yet gone

    async def run(self) -> None:
        try:
            while True:
                await self.tick()
                await asyncio.sleep(min(TICK, self._interval) * random.uniform(1 - JITTER, 1))
        finally:
            self._lead.give_up()
            self._in_thread.close()

    async def tick(self) -> None:
        """Whatever fails is told, and tried again."""
        try:
            if not await self._in_thread(self._lead.held):
                self._content, self._desired, self._next = None, None, 0.0
                return
            changed = await self._look()
            if self._desired is not None and (changed or self._clock() >= self._next):
                self._next = 0.0  # where it does not come to an end, at once again
                whole = await self._once(self._desired)
                self._next = self._clock() + (self._interval if whole else min(RETRY, self._interval))
        except AdminError as error:
            self._trouble(("provisioning", ""), str(error))
        except Exception as error:
            # of an unforeseen error only the kind is safe to tell
            self._trouble(("provisioning", ""), type(error).__name__)
        else:
            self._troubles.pop(("provisioning", ""), None)

    async def _look(self) -> bool:
        """Whether what is desired has changed. What can not be read, or is wrong, leaves all as it is."""
        what = ("desired-state", "")
        try:
            content = await self._in_thread(self._watched.read, self._content)
            if content is not None:
                # What is wrong is not read again before it is another.
                self._content, self._desired = content, None
                self._desired = parse(content)
        except (ObjectError, BadDesiredState) as error:
            self._trouble(what, str(error))
            return False
        if self._desired is not None:
            self._troubles.pop(what, None)
        return content is not None

    async def _once(self, desired: Desired) -> bool:
        """Whether all is as desired now."""
        began = self._clock()
        self._failed.clear()
        counts = await self._reconciler.run(desired)
        self._troubles = {what: why for what, why in self._troubles.items() if what[0] not in KINDS or what in self._failed}
        seconds = round(self._clock() - began, 1)
        log.event("agents-provisioned", agents=len(desired.agents), **counts, seconds=seconds)
        return not self._failed

    def _tell(self, outcome: Outcome) -> None:
        what = (outcome.kind, outcome.name)
        if outcome.action == "failed":
            self._failed.add(what)
            self._trouble(what, outcome.problem or "")
            return
        said = {"key": outcome.key, "changes": list(outcome.changes) or None, "problem": outcome.problem}
        told = {name: value for name, value in said.items() if value is not None}
        log.event(f"{outcome.kind}-provisioned", **{outcome.kind: outcome.name}, action=outcome.action, **told)

    def _trouble(self, what: What, why: str) -> None:
        """Told once, until it is another one: it is met again each minute."""
        if self._troubles.get(what) == why:
            return
        self._troubles[what] = why
        kind, name = what
        log.event(f"{kind}-failed", **({kind: name} if name else {}), problem=why)


def open_provisioner(settings: Settings, wanted: ProvisioningSettings, app: Any, password: str) -> Provisioner:
    """Of the process that LiteLLM's app serves in; `password`: the database's."""
    new = NewSecrets(f"LLM gateway {settings.name}: the key of an agent", wanted.encryption_key, settings.store.instance)
    keys, threads = AgentSecrets(open_store(settings.store, new), wanted.secrets), Threads()
    gateway = AdminApi(inside(app, os.environ["LITELLM_MASTER_KEY"]))
    return Provisioner(
        Lead(partial(database_session, settings.database, password)),
        open_object(wanted, settings.cloud),
        partial(Reconciler, gateway, keys, threads),
        threads,
        interval=wanted.interval,
    )
