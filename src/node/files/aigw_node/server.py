"""Serves an ASGI app on two ports of one process, and stops without cutting a request off."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn

from aigw_node import log
from aigw_node.asgi import App
from aigw_node.errors import NodeError
from aigw_node.front import connections
from aigw_node.notify import notify
from aigw_node.settings import Settings

DRAIN_MARGIN = 15.0
# What runs beside the requests is told to end as they are; once they are drained it is waited for no longer than this.
TASK_SECONDS = 5.0


class _Server(uvicorn.Server):
    """uvicorn, with a task that runs while it serves, and with systemd told of both ends."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], task: Callable[[], Coroutine[Any, Any, None]]):
        super().__init__(config)
        self._ready, self._task = ready, task
        self._running: asyncio.Task[None] | None = None
        self.failed = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._running = asyncio.create_task(self._task())
            self._running.add_done_callback(self._watch)
            self._ready()
            log.event("serving", threads=threading.active_count())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notify("STOPPING=1")
        log.event("stopping", connections=len(self.server_state.connections))
        if self._running:
            self._running.cancel()
        await super().shutdown(sockets)
        if self._running:
            await asyncio.wait({self._running}, timeout=TASK_SECONDS)

    def _watch(self, task: asyncio.Task[None]) -> None:
        """A node whose secrets are not read again any more would fail much later: it ends now, in order."""
        if not task.cancelled() and (error := task.exception()):
            log.event("task-failed", **log.told_of(error))
            self.failed = self.should_exit = True


def _leave(*_: object) -> None:
    raise SystemExit(0)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    channel = socket.socket(family, socket.SOCK_STREAM)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        channel.bind((host, port))
    except OSError as error:
        raise NodeError(f"port {port}: {error.strerror}") from None
    channel.set_inheritable(False)
    return channel


def listen(settings: Settings, host: str) -> list[socket.socket]:
    """The ports, bound now, so that a taken one is told before the long start; open only once LiteLLM is ready."""
    return [_listen(host, port) for port in settings.ports.values()]


def serve(
    app: App,
    settings: Settings,
    sockets: list[socket.socket],
    ready: Callable[[], None],
    task: Callable[[], Coroutine[Any, Any, None]],
    *,
    bounds: connections.Bounds = connections.Bounds(),  # noqa: B008 (frozen)
) -> None:
    """Returns after SIGTERM, once the last request is answered. NodeError if LiteLLM did not come up or a task failed."""
    connections.check_uvicorn()
    config = uvicorn.Config(
        app,
        http=connections.bounded(bounds),
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_config=None,  # the journal has its lines
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # the front passes no address on
        server_header=False,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=int(settings.drain + DRAIN_MARGIN),
    )
    server = _Server(config, ready, task)
    # uvicorn raises the signal that ended it once more, when all is done: a stop that went well ends with status 0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    server.run(sockets)
    if not server.started:
        raise NodeError("LiteLLM did not start; its reason stands above")
    if server.failed:
        raise NodeError("a task of the node failed; its reason stands above as task-failed")
