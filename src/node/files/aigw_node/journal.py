"""What others print and log, in the journal: each piece one short JSON line, so many a second, and no line that a caller
wrote.

LiteLLM, uvicorn and what they use put tracebacks, bodies and headers of requests on their lines as they are. While the node
starts there is no request, and the reason of a start that failed is told in words. Once it serves, of a message only what
stands in the library's source is told (`source_words`)."""

from __future__ import annotations

import io
import logging
import re
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from aigw_node import log, source_words

LONGEST = 300
LINES_A_SECOND = 20
# Of a line that does not end, no more is held.
HELD = 4096
TRACEBACK = "Traceback (most recent call last):"
# Between the parts of a traceback.
BETWEEN = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
FRAME = re.compile(r'\s+File "([^"]+)", line (\d+), in (\S+)')
KEYS = re.compile(r"\b(sk-|Bearer\s+)[\w.~+/=-]{4,}")
URL_USER = re.compile(r"(?<=://)[^/\s@]+(?=@)")
# What stands between a statement and us.
BETWEEN_FILES = frozenset({__file__, logging.__file__, traceback.__file__, warnings.__file__})
# asyncio puts its messages together: they begin with its own words.
ASYNCIOS = re.compile(r"^[\w ,.'-]*")

_serving = threading.Event()


_ours: _Handler | None = None


def begin() -> None:
    """From here on nothing but JSON lines comes out of this process: to be called before anything else runs."""
    global _ours  # noqa: PLW0603 (LiteLLM puts its own handlers in the place of all others)
    log.keep_stream(sys.stderr)
    budget = _Budget()
    sys.stdout, sys.stderr = _Lines(sys.stderr, "stdout", budget), _Lines(sys.stderr, "stderr", budget)
    sys.excepthook = _crashed
    threading.excepthook = lambda args: log.event("thread-failed", **log.told_of(args.exc_value or RuntimeError()))
    root = logging.getLogger()
    _ours = _Handler(budget)
    root.handlers[:] = [_ours]
    logging.captureWarnings(True)


def take_over() -> None:
    """Takes away what LiteLLM has hung on its loggers meanwhile. What level is heard stays as it is."""
    root, ours = logging.getLogger(), _ours
    if ours is None:
        raise RuntimeError("journal.begin() comes first")
    for handler in root.handlers:
        if handler is not ours:
            ours.inherit(handler)
    root.handlers[:] = [ours]
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            _lift(logger, ours)


def _lift(logger: logging.Logger, ours: _Handler) -> None:
    theirs = [handler for handler in logger.handlers if isinstance(handler, logging.StreamHandler)]
    if not theirs:
        return
    for handler in theirs:
        ours.inherit(handler)
        logger.removeHandler(handler)
    logger.setLevel(max(logger.getEffectiveLevel(), min(handler.level for handler in theirs)))
    logger.propagate = True


def serves() -> None:
    """Requests come in from now on: what is said is told without what was put in."""
    _serving.set()


class _Budget:
    """So many lines a second; of the others only their number."""

    def __init__(self, lines: int = LINES_A_SECOND, clock: Callable[[], float] = time.monotonic) -> None:
        self._lines, self._clock = lines, clock
        self._lock = threading.Lock()
        self._second, self._used, self._suppressed = 0, 0, 0

    def take(self) -> bool:
        with self._lock:
            second = int(self._clock())
            if second != self._second:
                self._second, self._used = second, 0
            self._used += 1
            if self._used <= self._lines:
                return True
            self._suppressed += 1
            first = self._suppressed == 1
        if first:
            self._tell_later()
        return False

    def _tell_later(self) -> None:
        timer = threading.Timer(1.0, self._tell)
        timer.daemon = True
        timer.start()

    def _tell(self) -> None:
        with self._lock:
            suppressed, self._suppressed = self._suppressed, 0
        log.event("library-log-suppressed", lines=suppressed)


def _short(text: str) -> str:
    """The beginning of its first line, without keys: what follows is a traceback or what the failed request held."""
    text = text.partition(TRACEBACK)[0].strip().partition("\n")[0]
    return URL_USER.sub("…", KEYS.sub(r"\1…", text[: 2 * LONGEST]))[:LONGEST]


class _Handler(logging.Handler):
    def __init__(self, budget: _Budget) -> None:
        super().__init__()
        self._budget = budget

    def inherit(self, handler: logging.Handler) -> None:
        """LiteLLM's handlers take secrets out of what is logged."""
        for one in handler.filters:
            self.addFilter(one)

    def handle(self, record: logging.LogRecord) -> bool:
        """Before the filters, which search long texts."""
        return self._budget.take() and bool(super().handle(record))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:
            message = str(record.msg)  # its values do not fit
        error = record.exc_info[1] if record.exc_info else None
        told = log.told_of(error) if error else _told_in(record.exc_text or message)
        if _serving.is_set():
            message = _own_words(record)
            told = {"at": source_words.place(record.pathname, record.lineno), **told}
        elif error:
            told["problem"] = _short(str(error))
        log.event("library-log", logger=record.name[:80], level=record.levelname.lower(), message=_short(message), **told)


def _own_words(record: logging.LogRecord) -> str:
    if record.name == "asyncio":
        return "".join(ASYNCIOS.findall(record.getMessage())[:1])
    return source_words.words(record.pathname, record.lineno)


def _told_in(text: str) -> dict[str, str]:
    """The last frame and the kind of exception of a traceback that is a text already."""
    if TRACEBACK not in text:
        return {}
    reader = _Traceback()
    for line in text[text.rindex(TRACEBACK) :].splitlines():
        if not reader.read(line) and not _serving.is_set():
            reader.told.setdefault("problem", _short(line.partition(":")[2]))
    return reader.told


class _Traceback:
    """Reads the lines of one traceback."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}

    def read(self, line: str) -> bool:
        """Whether the traceback goes on after this line."""
        if found := FRAME.match(line):
            path, number, name = found.groups()
            self.told["at"] = f"{'/'.join(path.split('/')[-2:])}:{number} {name}"[:LONGEST]
        if line == TRACEBACK or line[:1] in {"", " "}:
            return True
        if "error" not in self.told:
            self.told["error"] = line.partition(":")[0].rpartition(".")[2][:80]
        return False


class _Lines(io.TextIOBase):
    """In the place of a standard stream: each line is one event, and so is each traceback."""

    def __init__(self, real: TextIO, name: str, budget: _Budget) -> None:
        self._real, self._name, self._budget = real, name, budget
        self._threads = threading.local()
        self.buffer = _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """For processes that are started with this stream, and for faulthandler."""
        return self._real.fileno()

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def write(self, text: str) -> int:
        *lines, rest = (getattr(self._threads, "rest", "") + text).split("\n")
        self._threads.rest = rest[:HELD]
        for line in lines:
            self._line(line)
        return len(text)

    def _line(self, line: str) -> None:
        reader: _Traceback | None = getattr(self._threads, "traceback", None)
        if line == TRACEBACK:
            self._threads.traceback = _Traceback()
        elif reader is None:
            if line.strip() and line not in BETWEEN:
                self._plain(line)
        elif not reader.read(line):
            self._threads.traceback = None
            if self._budget.take():
                log.event("library-log", logger=self._name, message="traceback", **reader.told)

    def _plain(self, line: str) -> None:
        told: dict[str, str] = {"message": _short(line)}
        if _serving.is_set():
            statement = source_words.statement(outside=BETWEEN_FILES)
            if statement == getattr(self._threads, "statement", None):
                return  # another line of what it prints
            self._threads.statement = statement
            told = {"message": _short(source_words.words(*statement)), "at": source_words.place(*statement)}
        if self._budget.take():
            log.event("library-log", logger=self._name, **told)


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, lines: _Lines) -> None:
        self._text = lines

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        self._text.write(bytes(content).decode(errors="replace"))
        return len(content)


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.event("crashed", **log.told_of(error.with_traceback(trace)))
