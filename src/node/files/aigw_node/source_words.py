"""What a statement of a library's says by itself, with "…" for what it puts in: no word of it is a caller's."""

from __future__ import annotations

import ast
import functools
import linecache
import sys
import textwrap
from types import FrameType

LINES = 24  # that a call may take
SAYS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "print"})


def statement(*, outside: frozenset[str]) -> tuple[str, int]:
    """File and line of the innermost frame that is in none of these files."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename in outside | {__file__}:
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame else ("", 0)


def place(file: str, line: int) -> str:
    return f"{'/'.join(file.split('/')[-2:])}:{line}"


@functools.lru_cache(maxsize=512)
def words(file: str, line: int) -> str:
    """Empty if there is no source, or if all that is said was put in."""
    lines = [linecache.getline(file, line + more) for more in range(LINES)]
    for count in range(1, LINES + 1):
        try:
            tree = ast.parse(textwrap.dedent("".join(lines[:count])))
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) in SAYS)
        said = (_literal(argument) for call in calls for argument in call.args)
        return next((text for text in said if text.strip("… ")), "")
    return ""


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _literal(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else ""
    if isinstance(value, ast.JoinedStr):
        return "".join(_literal(part) or "…" for part in value.values)
    if isinstance(value, ast.BinOp):  # "…" % x, "…" + x
        return _literal(value.left)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):  # "…".format(x)
        return _literal(value.func.value)
    return ""
