"""One JSON line for each thing that an operator may look for. Values of secrets never come near it."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from datetime import datetime, timezone
from pathlib import Path
from traceback import walk_tb
from typing import TextIO

# What ends a line or turns its reading round in some viewer, and halves of characters, which no file can hold.
# JSON's own escapes cover what lies below a blank.
_UNSAFE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_stream: TextIO | None = None


def stream() -> TextIO:
    """Where the node's own lines go, whatever sys.stderr has become."""
    return _stream or sys.stderr


def keep_stream(kept: TextIO | None) -> None:
    global _stream  # noqa: PLW0603 (one journal for a process)
    _stream = kept


def event(name: str, **fields: object) -> None:
    line = {"time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"), "event": name, **fields}
    text = json.dumps(line, ensure_ascii=False, default=lambda value: type(value).__name__)
    # A journal that is away for a moment ends no request.
    with contextlib.suppress(OSError, ValueError):
        stream().write(_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
        stream().flush()


def told_of(error: BaseException) -> dict[str, str]:
    """Its kind and where it was raised. Its text may hold what a caller sent, or a secret."""
    told = {"error": type(error).__name__}
    for frame, line in walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        told["at"] = f"{path.parent.name}/{path.name}:{line} {frame.f_code.co_name}"
    return told
