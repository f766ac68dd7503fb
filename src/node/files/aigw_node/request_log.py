"""The request log on disk: JSON lines in files that are rotated by size. Nothing waits for the disk but one thread."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aigw_node import log
from aigw_node.front.exchange import refuse
from aigw_node.front.refusal import Refusal
from aigw_node.settings import RequestLogSettings

# In the unit's working folder, /var/lib/aigw.
REQUESTS = Path("requests")
FILES = "requests-*.jsonl"
RETRY_SECONDS = 1.0
FULL = Refusal(503, "this gateway can not keep its request log at the moment", "request_log_full", 5)


class RequestLog:
    """Lines reach the file system within moments, and all of them before the process ends.

    While the file can not be written they are held in memory; what comes of requests when that is full is a setting."""

    def __init__(self, settings: RequestLogSettings, folder: Path) -> None:
        self._settings, self._folder = settings, folder
        self._lines: deque[bytes] = deque()
        self._lost = 0
        self._path: Path | None = None
        self._changed, self._closing = threading.Condition(), False
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)

    def start(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._thread.start()

    def admit(self) -> None:
        """Raises if no further line can be kept and requests are to be refused then."""
        if self._settings.when_full == "refuse" and len(self._lines) >= self._settings.buffer_lines:
            refuse(FULL)

    def write(self, fields: Mapping[str, Any]) -> None:
        text = json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)
        # Half a character, which a caller can send as "\ud800", is written as JSON writes it: no file holds it otherwise.
        line = text.encode(errors="backslashreplace")
        with self._changed:
            # A request that is running is not refused any more: its line has room beyond the bound.
            if self._settings.when_full == "serve" and len(self._lines) >= self._settings.buffer_lines:
                self._lost += 1
                return
            self._lines.append(line + b"\n")
            self._changed.notify()

    def close(self) -> None:
        """Writes what is left."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        failures = 0
        while True:
            with self._changed:
                while not self._lines and not self._closing:
                    self._changed.wait()
                batch = list(self._lines)
                closing = self._closing
            try:
                if batch:
                    self._append(b"".join(batch))
            except OSError as error:
                failures += 1
                if str(failures).rstrip("0") == "1":
                    log.event("request-log-unwritable", error=error.strerror, lines=len(batch), times=failures)
                if closing:
                    log.event("request-lines-lost", lines=len(batch) + self._lost)
                    return
                time.sleep(RETRY_SECONDS)
                continue
            failures = 0
            with self._changed:
                for _ in batch:
                    self._lines.popleft()
                lost, self._lost = self._lost, 0
                done = self._closing and not self._lines
            if lost:
                log.event("request-lines-lost", lines=lost)
            if done:
                return

    def _append(self, content: bytes) -> None:
        """All of it or nothing: half a line would spoil the next one."""
        path = self._path or self._new_file()
        with path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                written = file.write(content)
                if written != len(content):
                    raise OSError(28, os.strerror(28))
            except OSError:
                file.truncate(size)
                raise
        if size + len(content) >= self._settings.max_file_bytes:
            self._path = None

    def _new_file(self) -> Path:
        """A name for good: who ships the file finds it under no other one. Each process has its own."""
        self._make_room()
        self._path = self._folder / f"requests-{time.time_ns()}-{os.getpid()}.jsonl"
        return self._path

    def _make_room(self) -> None:
        files = sorted(self._folder.glob(FILES))
        sizes = [file.stat().st_size for file in files]
        room = self._settings.max_file_bytes * self._settings.max_files
        while files and sum(sizes) > room:
            files[0].unlink(missing_ok=True)
            log.event("request-log-file-removed", file=files.pop(0).name, bytes=sizes.pop(0))
