"""Ships the request log to the log store: every line at least once, in batches, from where it stopped the last time."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aigw_node import log
from aigw_node.log_stores import BadLines, Line, LogStore, StoreAway, open_log_store
from aigw_node.notify import notify
from aigw_node.request_log import FILES
from aigw_node.settings import Settings

CURSOR = "shipped.json"
# Below what each store takes in one call: CloudWatch 1 MiB with 26 bytes a line, SLS 3 MB and 1 MB a line.
BATCH_BYTES, BATCH_LINES, LINE_BYTES = 900_000, 2_000, 800_000
INTERVAL, LONGEST_PAUSE, FLUSH_SECONDS = 5.0, 60.0, 90.0


class Cursor:
    """How far each file is shipped. Written after the store has said yes: a line may come twice, none stays away."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / CURSOR
        try:
            read = json.loads(self._path.read_text())
            self.offsets: dict[str, int] = {str(name): int(offset) for name, offset in read.items()}
        except FileNotFoundError:
            self.offsets = {}
        except (OSError, ValueError, AttributeError, TypeError):
            log.event("request-log-cursor-unreadable")
            self.offsets = {}

    def moved(self, name: str, offset: int) -> None:
        self.offsets[name] = offset
        new = self._path.with_suffix(".new")
        with new.open("w") as file:
            json.dump(self.offsets, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    def forget_all_but(self, names: Sequence[str]) -> None:
        self.offsets = {name: offset for name, offset in self.offsets.items() if name in names}


class Shipper:
    def __init__(self, folder: Path, store: LogStore) -> None:
        self._folder, self._store, self._cursor = folder, store, Cursor(folder)

    def once(self) -> int:
        """Ships all that is there; the number of lines. StoreAway if the store does not take them."""
        files = sorted(self._folder.glob(FILES))
        self._cursor.forget_all_but([file.name for file in files])
        return sum(self._ship(file) for file in files)

    def _ship(self, path: Path) -> int:
        done = 0
        try:
            with path.open("rb") as file:
                file.seek(self._cursor.offsets.get(path.name, 0))
                for lines, end in _batches(file):
                    self._put(lines)
                    self._cursor.moved(path.name, end)
                    done += len(lines)
        except FileNotFoundError:
            pass  # the writer made room; it has said so
        return done

    def _put(self, lines: Sequence[Line]) -> None:
        """A batch that is refused for one line's sake is halved until that line is alone, and only it is left out."""
        if not lines:
            return
        try:
            self._store.put(lines)
        except BadLines as error:
            if len(lines) == 1:
                log.event("request-lines-refused", lines=1, error=str(error), request=lines[0].get("request_id"))
                return
            half = len(lines) // 2
            self._put(lines[:half])
            self._put(lines[half:])


def _batches(file: Any) -> Iterator[tuple[list[Line], int]]:
    """Whole lines, and the place in the file after them."""
    lines: list[Line] = []
    size, end, first = 0, file.tell(), ""
    for raw in iter(file.readline, b""):
        if not raw.endswith(b"\n"):
            break  # the writer is in the middle of it
        line = _line(raw)
        length = min(len(raw), LINE_BYTES) + 26
        full = size + length > BATCH_BYTES or len(lines) >= BATCH_LINES
        if lines and (full or (line and line["time"][:10] != first)):
            yield lines, end
            lines, size = [], 0
        if line:
            first = line["time"][:10]
            lines.append(line)
            size += length
        end += len(raw)
    yield lines, end


def _line(raw: bytes) -> Line | None:
    try:
        line = json.loads(raw)
        if not isinstance(line, dict) or not isinstance(line.get("time"), str):
            raise ValueError("no line of ours")
    except ValueError:
        log.event("request-line-unreadable", bytes=len(raw))
        return None
    if len(raw) > LINE_BYTES:
        return {**{name: value for name, value in line.items() if name not in {"request", "response"}}, "shortened": True}
    return line


def run(settings: Settings, folder: Path) -> None:
    """Until SIGTERM; then what is left, for at most FLUSH_SECONDS. systemd stops the gateway first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.log is None:
        log.event("request-log-stays-here", folder=str(folder))
        notify("READY=1")
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    shipper = Shipper(folder, open_log_store(settings.log, settings.name, socket.gethostname()))
    notify("READY=1")
    failures = 0
    while not stop.wait(_pause(failures)):
        failures = _try(shipper, failures)
    deadline = time.monotonic() + FLUSH_SECONDS
    while (failures := _try(shipper, 1 if failures else 0)) and time.monotonic() < deadline:
        time.sleep(1)
    log.event("request-log-flushed" if not failures else "request-log-not-flushed")


def _pause(failures: int) -> float:
    longest = min(INTERVAL * 2.0**failures, LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1) if failures else INTERVAL


def _try(shipper: Shipper, failures: int) -> int:
    """The number of failures in a row."""
    try:
        shipper.once()
    except StoreAway as error:
        log.event("request-log-not-shipped", error=str(error), times=failures + 1)
        return failures + 1
    except OSError as error:
        log.event("request-log-not-shipped", error=error.strerror, times=failures + 1)
        return failures + 1
    return 0
