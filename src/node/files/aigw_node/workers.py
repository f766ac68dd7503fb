"""Several processes that serve the same ports: one for each processor. They are forked before LiteLLM is imported, since
what LiteLLM starts at import (threads, connections) does not survive a fork."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aigw_node import log
from aigw_node.errors import NodeError
from aigw_node.notify import notify
from aigw_node.settings import Settings

GIB = 1 << 30
# A worker of LiteLLM 1.106 takes 0.7 GiB, its query engine 0.1; the rest is for the system and for what is being served.
MEMORY = 1.5 * GIB
PR_SET_PDEATHSIG = 1
ENDS = frozenset({signal.SIGTERM, signal.SIGINT})
HEARD = ENDS | {signal.SIGCHLD, signal.SIGUSR1}


def count(settings: Settings) -> int:
    """As the settings say; else one for each processor, as far as the memory goes."""
    if settings.redis is None:
        return 1  # the limits of each key would hold for each worker
    if settings.workers:
        return settings.workers
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(len(os.sched_getaffinity(0)), int(memory / MEMORY)))


@dataclass(frozen=True)
class Worker:
    is_first: bool
    ready: Callable[[], None]


def start(number: int, sockets: Iterable[socket.socket]) -> Worker | None:
    """The worker that this process is from now on; None in the process that looked after them, once all have ended."""
    if number == 1:
        return Worker(is_first=True, ready=lambda: notify("READY=1"))
    return _Workers(number, tuple(sockets)).run()


class _Workers:
    def __init__(self, number: int, sockets: tuple[socket.socket, ...]) -> None:
        self._number, self._sockets = number, sockets
        self._pids: dict[int, bool] = {}  # whether it has served
        self._first = 0
        self._said, self._say = os.pipe()
        os.set_blocking(self._said, False)
        self._ending = False
        self._failed = False

    def run(self) -> Worker | None:
        signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        for index in range(self._number):
            if worker := self._fork(is_first=index == 0):
                return worker
        told = False
        while self._pids:
            heard = signal.sigwait(HEARD)
            if heard in ENDS:
                self._end()
            elif heard == signal.SIGUSR1:
                self._note_ready()
                if not told and all(self._pids.values()) and len(self._pids) == self._number:
                    told = True
                    notify("READY=1")
            elif worker := self._bury():
                return worker
        if self._failed:
            raise NodeError("a worker ended before it served; its reason stands above")
        return None

    def _fork(self, *, is_first: bool) -> Worker | None:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._pids[pid] = False
            self._first = pid if is_first else self._first
            return None
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        os.environ.pop("NOTIFY_SOCKET", None)  # systemd listens to the main process only

        def ready() -> None:
            os.write(self._say, os.getpid().to_bytes(4, "little"))
            os.kill(parent, signal.SIGUSR1)

        return Worker(is_first, ready)

    def _note_ready(self) -> None:
        try:
            content = os.read(self._said, 4096)
        except BlockingIOError:
            return
        for start_ in range(0, len(content), 4):
            self._pids[int.from_bytes(content[start_ : start_ + 4], "little")] = True

    def _bury(self) -> Worker | None:
        """A worker that has served is replaced; one that can not even start ends the node, and systemd tries again."""
        self._note_ready()
        while self._pids:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return None
            served = self._pids.pop(pid)
            if self._ending:
                continue
            log.event("worker-ended", pid=pid, status=os.waitstatus_to_exitcode(status), served=served)
            if not served:
                self._failed = True
                self._end()
            elif worker := self._fork(is_first=pid == self._first):
                return worker
        return None

    def _end(self) -> None:
        if not self._ending:
            self._ending = True
            notify("STOPPING=1")
            for channel in self._sockets:
                channel.close()  # else callers would wait at a port that nobody serves
        for pid in self._pids:
            os.kill(pid, signal.SIGTERM)
